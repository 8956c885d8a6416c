package sqldb

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/spec"
	"winback/connectors/sqldb/sqldbtest"
)

// One server of each kind serves all tests; each test has a database of its own.
var servers struct {
	postgres       sync.Once
	postgresServer *sqldbtest.Postgres
	postgresErr    error

	mariadb       sync.Once
	mariadbServer *sqldbtest.MariaDB
	mariadbErr    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if s := servers.postgresServer; s != nil {
		if err := s.Stop(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	if s := servers.mariadbServer; s != nil {
		if err := s.Stop(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// unless skips a test whose server is not installed, but not in CI.
func unless(t testing.TB, err error) {
	t.Helper()
	if missing, ok := errors.AsType[*sqldbtest.Missing](err); ok && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, NOTHING WAS TESTED: %v", missing)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func postgresServer(t testing.TB) *sqldbtest.Postgres {
	t.Helper()
	servers.postgres.Do(func() { servers.postgresServer, servers.postgresErr = sqldbtest.StartPostgres() })
	unless(t, servers.postgresErr)
	return servers.postgresServer
}

func mariadbServer(t testing.TB) *sqldbtest.MariaDB {
	t.Helper()
	servers.mariadb.Do(func() { servers.mariadbServer, servers.mariadbErr = sqldbtest.StartMariaDB() })
	unless(t, servers.mariadbErr)
	return servers.mariadbServer
}

// mariadbDatabase makes a database called like the test.
func mariadbDatabase(t testing.TB) (*sqldbtest.MariaDB, *sqldbtest.MariaDatabase) {
	t.Helper()
	server := mariadbServer(t)
	return server, server.Database(t, databaseName(t))
}

// postgresDatabase makes a database called like the test.
func postgresDatabase(t testing.TB) (*sqldbtest.Postgres, *sqldbtest.Database) {
	t.Helper()
	server := postgresServer(t)
	return server, server.Database(t, databaseName(t))
}

func databaseName(t testing.TB) string {
	name := strings.ToLower(strings.TrimPrefix(t.Name(), "Test"))
	return strings.NewReplacer("/", "_", "#", "_", " ", "_", "-", "_").Replace(name)
}

// rig is a source under test with what its runs left.
type rig struct {
	t       testing.TB
	source  *source
	cursors []json.RawMessage
	slices  int // of the last run
}

// open makes a source from the YAML of its configuration.
func open(t testing.TB, c *connectors.Connector, yaml string) (*rig, error) {
	t.Helper()
	var errs spec.Errors
	n := spec.Parse("winback.yaml", []byte(yaml), spec.Options{Lookup: os.LookupEnv}, &errs)
	config := c.NewConfig()
	n.Decode(config, &errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := c.Open(config, connectors.Env{
		Name: "shop", Dir: t.TempDir(), State: filepath.Join(t.TempDir(), "state"), Location: berlin, Currency: "EUR",
		Clock: connectortest.NewClock(time.Now()),
	})
	if err != nil {
		return nil, err
	}
	return &rig{t: t, source: opened.(*source)}, nil
}

// postgres makes a source of a PostgreSQL database from the YAML of its datasets.
func openPostgres(t testing.TB, url, yaml string) *rig {
	t.Helper()
	r, err := open(t, Postgres(), "url: "+url+"\n"+yaml)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// openMySQL makes a source of a MariaDB database from the YAML of its datasets.
func openMySQL(t testing.TB, url, yaml string) *rig {
	t.Helper()
	r, err := open(t, MySQL(), "url: "+url+"\n"+yaml)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run reads all slices of the first dataset.
func (r *rig) run() *connectortest.Memory {
	r.t.Helper()
	m, err := r.try(context.Background(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

func (r *rig) try(ctx context.Context, span *connectors.Range) (*connectortest.Memory, error) {
	m := connectortest.NewMemory()
	cursors := r.cursors
	for r.slices = 1; ; r.slices++ {
		got, err := r.source.Extract(ctx, connectors.Request{Dataset: r.source.Datasets()[0].Name, Cursors: cursors, Range: span, Notice: m.Notice}, m)
		if err != nil {
			return m, err
		}
		if got.Cursor != nil {
			if cursors = append(cursors, got.Cursor); span == nil {
				r.cursors = cursors
			} else {
				cursors = cursors[len(cursors)-1:]
			}
		}
		if !got.More {
			return m, nil
		}
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func lines(list []string) string { return strings.Join(list, "\n") }

// contains reports a text that lacks words.
func contains(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q lacks %q", text, word)
		}
	}
}

// until asks the server until something is so; a bounded number of times.
func until(t testing.TB, is func() bool) {
	t.Helper()
	for range 20_000 {
		if is() {
			return
		}
	}
	t.Fatal("it does not come to that")
}
