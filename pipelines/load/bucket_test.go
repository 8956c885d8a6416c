package load_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/load"
	"winback/pipelines/objects/objectstest"
)

// inBucket puts rows of managers into a landing zone in a bucket.
func inBucket(t *testing.T, server *objectstest.Server, rows int) (*landing.Zone, load.File) {
	t.Helper()
	schema := entity.Of[entity.Manager]()
	zone := landing.OpenRemote(filepath.Join(t.TempDir(), "working"), landing.RemoteOptions{Store: server.Open(t, "zone")})
	release, err := zone.Lock(t.Context(), landing.LockOptions{Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer release() //nolint:errcheck // the end of the fixture
	writer, err := zone.Begin(t.Context(), landing.RunInfo{RunID: "r1", Source: "crm", ExtractedAt: time.Now()},
		connectors.Dataset{Name: "managers", Entities: []*entity.Schema{schema}}, landing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	batch := writer.NewBatch(schema)
	for i := range rows {
		if err := entity.Append(batch, &entity.Manager{ID: fmt.Sprintf("m%06d", i), Name: "Anna", IsActive: entity.Some(true)}, entity.Origin{Line: int64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	manifest, err := writer.Commit(t.Context(), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	table, columns, types := load.Into(schema)
	landed := manifest.Files[0]
	return zone, load.File{
		Load:  ledger.Load{Path: landed.Path, Checksum: landed.Checksum, Source: "crm", Entity: landed.Entity, RunID: "r1", Rows: landed.Rows, Bytes: landed.Bytes},
		Table: table, Columns: columns, Types: types,
	}
}

func bucketOf(zone *landing.Zone) *load.Bucket {
	return &load.Bucket{
		Look: zone.Look, AccessKey: objectstest.AccessKey, SecretKey: objectstest.SecretKey,
		URL: func(path string) string { address, _ := zone.ObjectURL(path); return address },
	}
}

// TestLoader_TheServerReadsTheBucket has the engine read a file itself. The program
// could not: the file has no way to be opened here.
func TestLoader_TheServerReadsTheBucket(t *testing.T) {
	f := newFixture(t, 1)
	server := objectstest.Start(t)
	zone, file := inBucket(t, server, 1000)
	server.Log()
	f.loader.Bucket = bucketOf(zone)
	for range 2 {
		if err := f.loader.Load(t.Context(), []load.File{file}); err != nil {
			t.Fatal(err)
		}
		if got := f.rows(t); got != "1000\t1000\t1000" {
			t.Fatalf("got %s", got)
		}
	}
	if log := strings.Join(server.Log(), "\n"); !strings.Contains(log, "GET zone/"+file.Path) {
		t.Errorf("the engine has not read the file: %s", log)
	}
	if pending, err := pending(t.Context(), f.loader, []load.File{file}); err != nil || len(pending) != 0 {
		t.Errorf("%d files are pending after the load (%v)", len(pending), err)
	}
}

// TestLoader_KeysOfTheBucketAreNotTold has the server refuse a load.
func TestLoader_KeysOfTheBucketAreNotTold(t *testing.T) {
	f := newFixture(t, 1)
	server := objectstest.Start(t)
	zone, file := inBucket(t, server, 10)
	f.loader.Bucket = bucketOf(zone)
	f.loader.Bucket.SecretKey = "wrong'secret"
	err := f.loader.Load(t.Context(), []load.File{file})
	if err == nil || !strings.Contains(err.Error(), file.Path) {
		t.Fatalf("got %v", err)
	}
	// A statement that does not parse is told by the engine as it is.
	f.loader.Bucket.URL = func(string) string { return "http://[::bad" }
	broken := f.loader.Load(t.Context(), []load.File{file})
	file.Table = "raw.nowhere("
	unparsed := f.loader.Load(t.Context(), []load.File{file})
	for _, err := range []error{err, broken, unparsed} {
		if err == nil || strings.Contains(err.Error(), "secret") && strings.Contains(err.Error(), "wrong") || strings.Contains(err.Error(), objectstest.AccessKey) {
			t.Errorf("the error shows a key: %v", err)
		}
	}
	if pending, err := pending(t.Context(), f.loader, []load.File{file}); err != nil || len(pending) != 1 {
		t.Errorf("%d files are pending after failed loads (%v)", len(pending), err)
	}
}

// TestLoader_ALostFileIsNamed asks the server nothing about a file that is not there.
func TestLoader_ALostFileIsNamed(t *testing.T) {
	f := newFixture(t, 1)
	server := objectstest.Start(t)
	zone, file := inBucket(t, server, 10)
	server.Delete("zone/" + file.Path)
	f.loader.Bucket = bucketOf(zone)
	server.Trouble = func(r *http.Request) objectstest.Trouble {
		if r.Method == http.MethodGet {
			t.Error("the server was asked to read it")
		}
		return objectstest.None
	}
	if err := f.loader.Load(t.Context(), []load.File{file}); err == nil || !strings.Contains(err.Error(), "s3://warehouse/zone/"+file.Path+" is missing") {
		t.Errorf("got %v", err)
	}
}

// TestBucket_Statements are what servers are sent. Each is parsed by the engine.
func TestBucket_Statements(t *testing.T) {
	f := newFixture(t, 1)
	file := load.File{Load: ledger.Load{Path: "shop/run=1/it's.parquet"}, Table: "raw.crm_managers", Columns: []string{"id", "hired_at"}, Types: []string{"String", "Nullable(DateTime64(6, 'UTC'))"}}
	const structure = `'id String, hired_at Nullable(DateTime64(6, \'UTC\'))'`
	for want, b := range map[string]load.Bucket{
		`s3('https://b/shop/run=1/it\'s.parquet', 'Parquet', ` + structure + `)`:                                                        {},
		`s3('https://b/shop/run=1/it\'s.parquet', 'Parquet', ` + structure + `, extra_credentials(role_arn = 'arn:aws:iam::1:role/x'))`: {Role: "arn:aws:iam::1:role/x"},
		`s3(landing, url = 'https://b/shop/run=1/it\'s.parquet', format = 'Parquet', structure = ` + structure + `)`:                    {Collection: "landing"},
		`s3('https://b/shop/run=1/it\'s.parquet', 'AK', 'S\'K', 'Parquet', ` + structure + `)`:                                          {AccessKey: "AK", SecretKey: "S'K"},
		`s3('https://b/shop/run=1/it\'s.parquet', 'AK', 'SK', 'TOKEN', 'Parquet', ` + structure + `)`:                                   {AccessKey: "AK", SecretKey: "SK", SessionToken: "TOKEN"},
	} {
		b.URL = func(path string) string { return "https://b/" + path }
		got := b.Statement(file)
		if want = "INSERT INTO raw.crm_managers (id, hired_at) SELECT id, hired_at FROM " + want; got != want {
			t.Errorf("got\n%s, want\n%s", got, want)
		}
		f.engine.Exec(t, "EXPLAIN AST "+got)
	}
}
