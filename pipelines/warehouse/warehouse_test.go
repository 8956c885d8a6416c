package warehouse_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"winback/connectors/entity"
	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// server is a ClickHouse over HTTPS with a certificate of its own authority and
// one user, as a company runs it.
func server(t *testing.T) warehouse.Server {
	t.Helper()
	w := enginetest.Start(t)
	handler := engine.NewHandler(w.Engine, engine.HandlerOptions{
		Authenticate: func(_ context.Context, c engine.Credentials) (engine.Access, error) {
			if c.User != "anna" || c.Password != "s3cret" {
				return engine.Access{}, errors.New("wrong user or password")
			}
			return engine.Access{}, nil
		},
	})
	s := httptest.NewTLSServer(handler)
	t.Cleanup(func() { s.Close(); handler.Close() })
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return warehouse.Server{URL: strings.Replace(s.URL, "https://", "https://anna@", 1) + "/default", Password: "s3cret", CAFile: ca}
}

func TestOpen_Server(t *testing.T) {
	right := server(t)
	w, err := warehouse.Open(t.Context(), warehouse.Options{Server: &right})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	result, err := w.Stream(t.Context(), "select 1 as one", "CSV")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	text, err := io.ReadAll(result)
	if err != nil || string(text) != "1\n" {
		t.Fatalf("got %q, %v", text, err)
	}
	if strings.Contains(w.Address(), "anna") || strings.Contains(w.Address(), "s3cret") {
		t.Errorf("the address %s tells secrets", w.Address())
	}
}

func TestOpen_ServerRefuses(t *testing.T) {
	right := server(t)
	for _, c := range []struct {
		name   string
		change func(*warehouse.Server)
		want   string
	}{
		{"wrong password", func(s *warehouse.Server) { s.Password = "wrong" }, "check warehouse.url, the user and the password"},
		{"unknown authority", func(s *warehouse.Server) { s.CAFile = "" }, "certificate"},
		{"authority's file is missing", func(s *warehouse.Server) { s.CAFile = "/nowhere/ca.pem" }, "warehouse.ca_file: open /nowhere/ca.pem"},
		{"password in the URL", func(s *warehouse.Server) { s.URL = "https://anna:s3cret@localhost:1/x" }, "give it as warehouse.password"},
		{"no HTTP address", func(s *warehouse.Server) { s.URL = "localhost:9000" }, "want http(s)://user@host:port/database"},
		{"nobody answers", func(s *warehouse.Server) { s.URL = "http://anna@127.0.0.1:1/default" }, "reach the ClickHouse server at http://127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := right
			c.change(&s)
			w, err := warehouse.Open(t.Context(), warehouse.Options{Server: &s})
			if err == nil {
				w.Close()
				t.Fatal("it was let in")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want %q in it", err, c.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestMigrate(t *testing.T) {
	s := server(t)
	w, err := warehouse.Open(t.Context(), warehouse.Options{Server: &s})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	migrate := func() []string {
		t.Helper()
		done, err := w.Migrate(t.Context(), entity.All())
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	exec := func(sql string) {
		t.Helper()
		if err := w.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	for range 2 {
		if done := migrate(); len(done) != 0 {
			t.Errorf("a migration of a new warehouse, or of a current one, tells of %q", done)
		}
	}

	t.Run("a column the contract has gained is added, one it has lost stays", func(t *testing.T) {
		exec("ALTER TABLE raw.shop_orders DROP COLUMN line_count")
		exec("ALTER TABLE raw.shop_orders ADD COLUMN of_old String")
		if done := migrate(); len(done) != 1 || done[0] != "added column line_count to raw.shop_orders" {
			t.Errorf("did %q", done)
		}
		exec("SELECT line_count, of_old FROM raw.shop_orders")
	})

	t.Run("a table with a column of another type is made anew, and the old one kept until it is loaded", func(t *testing.T) {
		exec("ALTER TABLE raw.shop_orders MODIFY COLUMN coupon Nullable(Int64)")
		exec("INSERT INTO raw.shop_orders (source, id, coupon) VALUES ('shop', '1', 5)")
		exec("CREATE TABLE ops.loads (path String, entity String) ENGINE = MergeTree ORDER BY path")
		exec("INSERT INTO ops.loads VALUES ('a', 'shop.orders'), ('b', 'shop.refunds')")
		defer exec("DROP TABLE ops.loads SYNC")
		done := migrate()
		if want := "made raw.shop_orders anew, where coupon was Nullable(Int64) and is Nullable(String); it is loaded again"; len(done) != 1 || done[0] != want {
			t.Errorf("did %q", done)
		}
		count := func(sql string, want uint64) {
			t.Helper()
			var n uint64
			if err := w.QueryRow(t.Context(), "SELECT count() FROM "+sql).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d, %v; want %d", sql, n, err, want)
			}
		}
		count("raw.shop_orders", 0)
		count("raw.shop_orders__replaced", 1)
		count("ops.loads WHERE entity = 'shop.orders'", 0)
		count("ops.loads WHERE entity = 'shop.refunds'", 1)

		if err := w.DropReplaced(t.Context(), func(name string) bool { return name == "shop.orders" }); err != nil {
			t.Fatal(err)
		}
		count("system.tables WHERE name LIKE '%replaced'", 1)
		if err := w.DropReplaced(t.Context(), func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
		count("system.tables WHERE name LIKE '%replaced'", 0)
	})

	t.Run("a warehouse that a newer program has had is left alone", func(t *testing.T) {
		exec("INSERT INTO ops.layout (version) VALUES (99)")
		defer exec("TRUNCATE TABLE ops.layout")
		_, err := w.Migrate(t.Context(), entity.All())
		var newer *warehouse.NewerError
		if !errors.As(err, &newer) || newer.Have != 99 || !strings.Contains(err.Error(), "made by a newer winback") {
			t.Errorf("got %v", err)
		}
	})
}

// The warehouse must have exactly the columns, types and comments of the
// contract; a drift of either shows here.
func TestRawTablesMatchTheContract(t *testing.T) {
	s := server(t)
	w, err := warehouse.Open(t.Context(), warehouse.Options{Server: &s})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Migrate(t.Context(), entity.All()); err != nil {
		t.Fatal(err)
	}
	for _, schema := range entity.All() {
		for i := range schema.Fields {
			f := &schema.Fields[i]
			var typ, comment string
			err := w.QueryRow(t.Context(), "SELECT type, comment FROM system.columns WHERE database = 'raw' AND table = $1 AND name = $2",
				schema.Table(), f.Name).Scan(&typ, &comment)
			if err != nil {
				t.Fatalf("%s.%s: %v", schema.Table(), f.Name, err)
			}
			if typ != warehouse.ColumnType(f) || !strings.HasPrefix(comment, f.Doc) || strings.Contains(comment, "personal") != f.PII {
				t.Errorf("%s.%s is %s (%s)", schema.Table(), f.Name, typ, comment)
			}
		}
	}
}

func TestQuote(t *testing.T) {
	w := enginetest.Start(t)
	for _, text := range []string{"", "it's", `back\slash`, "new\nline", "tab\t", "nul\x00", "Привет", "`tick`", "';drop table x--"} {
		if got := w.Exec(t, "SELECT "+quote.Literal(text)+" = unhex("+quote.Literal(hex(text))+")"); strings.TrimSpace(got) != "true" && strings.TrimSpace(got) != "1" {
			t.Errorf("%q comes back as another text", text)
		}
		if text == "" || strings.Contains(text, "\x00") {
			continue
		}
		w.Exec(t, "SELECT 1 AS "+quote.Always(text))
	}
}

func hex(text string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for _, c := range []byte(text) {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}
