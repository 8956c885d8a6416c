package engine_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// reply is an HTTP answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// ask sends a request as curl would: method, what follows the host, body.
func ask(t testing.TB, base, method, target, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(bounded(t), method, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(text), err}
}

func query(sql string) string { return "/?query=" + url.QueryEscape(sql) }

func TestHTTP_Statements(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "http")
	w.Exec(t, "CREATE TABLE http.t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	w.Exec(t, "INSERT INTO http.t VALUES (1, 'one'), (2, 'two')")
	for _, c := range []struct {
		name, method, target, body, want string
		header                           []string
	}{
		{name: "SQL in the body", method: "POST", target: "/", body: "SELECT 1", want: "1\n"},
		{name: "SQL in the URL", method: "POST", target: query("SELECT 1"), want: "1\n"},
		{name: "by GET", method: "GET", target: query("SELECT 1"), want: "1\n"},
		{name: "in two parts", method: "POST", target: query("SELECT"), body: "1", want: "1\n"},
		{name: "with a semicolon and a comment", method: "POST", target: "/", body: "SELECT 1; -- done", want: "1\n"},
		{name: "comments first", method: "POST", target: "/", body: "/* a */ -- b\n# c\nSELECT 1", want: "1\n"},
		{name: "default_format", method: "POST", target: "/?default_format=JSONEachRow", body: "SELECT 1 AS a", want: "{\"a\":1}\n"},
		{name: "X-ClickHouse-Format", method: "POST", target: "/", body: "SELECT 1 AS a", want: "{\"a\":1}\n", header: []string{"X-ClickHouse-Format", "JSONEachRow"}},
		{name: "FORMAT wins", method: "POST", target: "/?default_format=JSONEachRow", body: "SELECT 1 AS a FORMAT CSV", want: "1\n"},
		{name: "a parameter", method: "POST", target: "/?param_a=it%27s&param_n=2", body: "SELECT {a:String}, s FROM http.t WHERE n = {n:UInt8}", want: "it\\'s\ttwo\n"},
		{name: "an escaped parameter", method: "POST", target: "/?param_a=a%5Ctb", body: "SELECT {a:String} = 'a\\tb'", want: "1\n"},
		{name: "a missing value", method: "POST", target: "/?param_a=%5CN", body: "SELECT {a:Nullable(String)} IS NULL", want: "1\n"},
		{name: "database", method: "POST", target: "/?database=http", body: "SELECT count() FROM t", want: "2\n"},
		{name: "X-ClickHouse-Database", method: "POST", target: "/", body: "SELECT count() FROM t", want: "2\n", header: []string{"X-ClickHouse-Database", "http"}},
		{name: "a setting", method: "POST", target: "/?max_threads=3", body: "SELECT getSetting('max_threads')::UInt8", want: "3\n"},
		{name: "settings do not stay", method: "POST", target: "/", body: "SELECT getSetting('max_block_size')", want: "65409\n"},
		{name: "no statement but rows", method: "POST", target: "/", body: "DESCRIBE TABLE http.t FORMAT TSVRaw", want: "n\tUInt64\t\t\t\t\t\ns\tString\t\t\t\t\t\n"},
		{name: "SHOW", method: "GET", target: query("SHOW TABLES FROM http"), want: "t\n"},
		{name: "EXISTS", method: "GET", target: query("EXISTS http.t"), want: "1\n"},
		{name: "WITH", method: "GET", target: query("WITH 1 AS a SELECT a"), want: "1\n"},
		{name: "in brackets", method: "GET", target: query("(SELECT 1) UNION ALL (SELECT 1)"), want: "1\n1\n"},
		{name: "nothing found", method: "GET", target: query("SELECT 1 WHERE 0"), want: ""},
		{name: "nothing found, JSON", method: "GET", target: query("SELECT n FROM http.t WHERE 0 FORMAT JSONColumns"), want: "{\n\t\"n\": []\n}\n"},
		{name: "a long statement", method: "POST", target: "/?max_query_size=2000000", body: "SELECT length('" + strings.Repeat("x", 1_000_000) + "')", want: "1000000\n"},
		{name: "NUL bytes", method: "POST", target: "/", body: "SELECT length('a\x00b')", want: "3\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ask(t, w.URL, c.method, c.target, c.body, c.header...)
			if got.status != 200 || got.body != c.want {
				t.Errorf("%d %q, want %q", got.status, got.body, c.want)
			}
		})
	}
}

func TestHTTP_Inserts(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "http_inserts")
	long := strings.Repeat("1,x\n", 200_000) // many times what is peeked at
	for _, c := range []struct {
		name, target, body, want string
	}{
		{"VALUES in the body", "/", "INSERT INTO t VALUES (1, 'a'), (2, 'b;')", "2 3"},
		{"VALUES in the URL", query("INSERT INTO t VALUES (1, 'a')"), "", "1 1"},
		{"VALUES in the URL, rows in the body", query("INSERT INTO t VALUES"), "(1, 'a'), (2, 'b')", "2 3"},
		{"rows in both", query("INSERT INTO t VALUES (1, 'a'),"), "(2, 'b')", "2 3"},
		{"VALUES in the body, head in the URL", query("INSERT INTO t"), "VALUES (1, 'a')", "1 1"},
		{"expressions", "/", "INSERT INTO t VALUES (1 + 1, upper('a')); ", "1 2"},
		{"a parameter", "/?param_n=5", "INSERT INTO t VALUES ({n:UInt64}, 'a')", "1 5"},
		{"a FORMAT in the body", "/", "INSERT INTO t FORMAT CSV\n1,\"a\n\nb\"\n2,b\n", "2 3"},
		{"a FORMAT in the URL", query("INSERT INTO t FORMAT CSV"), "1,a\n2,b\n", "2 3"},
		{"much data behind the statement", "/", "INSERT INTO t FORMAT CSV\n" + long, "200000 200000"},
		{"much data in the body", query("INSERT INTO t FORMAT CSV"), long, "200000 200000"},
		{"columns in another order", query("INSERT INTO t (s, n) FORMAT TSV"), "a\t7\n", "1 7"},
		{"a column left out", query("INSERT INTO t (n) FORMAT TSV"), "7\n", "1 7"},
		{"JSON", query("INSERT INTO t FORMAT JSONEachRow"), `{"n": 1, "s": "FORMAT CSV"} {"n": 2}`, "2 3"},
		{"settings", "/", "INSERT INTO t SETTINGS input_format_allow_errors_num = 1 FORMAT CSV\n1,a\nbad,b\n2,c\n", "2 3"},
		{"settings in the URL", query("INSERT INTO t FORMAT CSV") + "&format_csv_delimiter=%3B", "1;a\n2;b\n", "2 3"},
		{"no rows", query("INSERT INTO t FORMAT CSV"), "", "0 0"},
		{"default_format", query("INSERT INTO t") + "&default_format=CSV", "1,a\n", "1 1"},
		{"a query", "/", "INSERT INTO t SELECT number, 'x' FROM numbers(3)", "3 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.Exec(t, "CREATE OR REPLACE TABLE http_inserts.t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
			target := c.target + "&database=http_inserts"
			if !strings.Contains(target, "?") {
				target = c.target + "?database=http_inserts"
			}
			got := ask(t, w.URL, "POST", target, c.body)
			if got.status != 200 || got.body != "" {
				t.Fatalf("%d %s", got.status, got.body)
			}
			rows := strings.TrimSpace(w.Exec(t, "SELECT count(), sum(n) FROM http_inserts.t FORMAT CustomSeparated SETTINGS format_custom_field_delimiter = ' '"))
			if rows != c.want {
				t.Errorf("the table holds %q, want %q", rows, c.want)
			}
			if n, _, _ := strings.Cut(c.want, " "); !strings.Contains(got.header.Get("X-ClickHouse-Summary"), `"written_rows":"`+n+`"`) {
				t.Errorf("summary = %s", got.header.Get("X-ClickHouse-Summary"))
			}
		})
	}
}

func TestHTTP_Errors(t *testing.T) {
	w := enginetest.Start(t)
	for _, c := range []struct {
		name, method, target, body string
		status                     int
		code, text                 string
	}{
		{"unknown table", "POST", "/", "SELECT * FROM nowhere", 404, "60", "(UNKNOWN_TABLE)"},
		{"syntax", "POST", "/", "SELEC 1 FROM numbers(10) WHERE", 400, "62", "(SYNTAX_ERROR)"},
		{"empty", "POST", "/", "  ", 400, "62", "Empty query"},
		{"two statements", "POST", "/", "SELECT 1; SELECT 2", 400, "62", "Multi-statements"},
		{"a write by GET", "GET", query("CREATE DATABASE by_get"), "", 500, "164", "(READONLY)"},
		{"an insert by GET", "GET", query("INSERT INTO FUNCTION null('n Int8') VALUES (1)"), "", 500, "164", "(READONLY)"},
		{"readonly by hand", "POST", "/?readonly=1", "CREATE DATABASE readonly", 500, "164", "(READONLY)"},
		{"readonly undone by GET", "GET", query("SELECT 1 SETTINGS readonly = 0"), "", 500, "164", "(READONLY)"},
		{"unknown setting", "POST", "/?no_such=1", "SELECT 1", 404, "115", "(UNKNOWN_SETTING)"},
		{"unknown database", "POST", "/?database=no_such", "SELECT 1", 404, "81", "(UNKNOWN_DATABASE)"},
		{"unknown format", "POST", "/?default_format=NoSuch", "SELECT 1", 404, "73", "(UNKNOWN_FORMAT)"},
		{"a missing parameter", "POST", "/", "SELECT {a:String}", 500, "456", "(UNKNOWN_QUERY_PARAMETER)"},
		{"bad rows", "POST", query("INSERT INTO FUNCTION null('n UInt8') FORMAT CSV"), "1\nx\n", 400, "117", "(INCORRECT_DATA)"},
		{"an insert without rows or format", "POST", query("INSERT INTO FUNCTION null('n UInt8')"), "1", 400, "62", "FORMAT"},
		{"a broken URL", "POST", "/?max_threads=%zz", "SELECT 1", 400, "36", "(BAD_ARGUMENTS)"},
		{"unknown encoding", "POST", "/", "SELECT 1", 501, "48", "Content-Encoding"},
		{"timeout", "POST", "/?max_execution_time=0.2", endless, 408, "159", "(TIMEOUT_EXCEEDED)"},
		{"memory", "POST", "/?max_memory_usage=10000000", "SELECT groupArray(number) FROM numbers(10000000)", 500, "241", "(MEMORY_LIMIT_EXCEEDED)"},
		{"a file is written", "POST", "/", "SELECT 1 INTO OUTFILE 'x'", 501, "48", "INTO OUTFILE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.name == "unknown encoding" {
				header = []string{"Content-Encoding", "compress"}
			}
			got := ask(t, w.URL, c.method, c.target, c.body, header...)
			if got.status != c.status || got.header.Get("X-ClickHouse-Exception-Code") != c.code || !strings.Contains(got.body, c.text) {
				t.Errorf("%d, code %s: %s", got.status, got.header.Get("X-ClickHouse-Exception-Code"), got.body)
			}
			if !strings.HasPrefix(got.body, "Code: "+c.code+". DB::Exception: ") {
				t.Errorf("clients can't read this: %s", got.body)
			}
		})
	}
}

func TestHTTP_ErrorInTheMiddleOfAResult(t *testing.T) {
	w := enginetest.Start(t)
	for _, format := range []string{"TSV", "JSON", "Native", "Parquet"} {
		t.Run(format, func(t *testing.T) {
			got := ask(t, w.URL, "POST", "/?output_format_parquet_row_group_size=10000&default_format="+format, "SELECT number, throwIf(number = 500000, 'here') FROM numbers(1000000)")
			if got.status != 200 || got.err == nil {
				t.Errorf("status %d, reading ends with %v: it looks like a success", got.status, got.err)
			}
			tag := got.header.Get("X-ClickHouse-Exception-Tag")
			if !strings.Contains(got.body, "\r\n__exception__\r\n"+tag+"\r\nCode: 395. ") || len(tag) != 16 {
				t.Errorf("the answer ends with %q", got.body[max(0, len(got.body)-300):])
			}
		})
	}
	t.Run("wait_end_of_query", func(t *testing.T) {
		got := ask(t, w.URL, "POST", "/?wait_end_of_query=1", "SELECT number, throwIf(number = 500000, 'here') FROM numbers(1000000)")
		if got.status != 500 || got.header.Get("X-ClickHouse-Exception-Code") != "395" {
			t.Errorf("%d %s", got.status, got.body[:min(200, len(got.body))])
		}
	})
}

func TestHTTP_EveryFormatStreamsAsOneDocument(t *testing.T) {
	w := enginetest.Start(t)
	const rows = "SELECT number AS n, toString(number) AS s FROM numbers(12000)"
	formats := strings.Fields(w.Exec(t, "SELECT name FROM system.formats WHERE is_output AND name NOT LIKE '%Protobuf%' AND name NOT IN ('CapnProto', 'Template', 'RawBLOB', 'MySQLWire', 'PostgreSQLWire', 'ODBCDriver2', 'Npy', 'Buffers', 'AvroConfluent', 'GeoJSON', 'PNG', 'Prometheus') ORDER BY name"))
	if len(formats) < 50 {
		t.Fatalf("only %d formats", len(formats))
	}
	for _, format := range formats {
		t.Run(format, func(t *testing.T) {
			setting := "?output_format_parallel_formatting=0&output_format_write_statistics=0&max_block_size=1000"
			got := ask(t, w.URL, "POST", "/"+setting, rows+" FORMAT "+format)
			s, err := w.Engine.SessionWith(bounded(t), "", map[string]string{"output_format_parallel_formatting": "0", "output_format_write_statistics": "0", "max_block_size": "1000"})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			want, err := s.Query(bounded(t), engine.Query{SQL: rows, Format: format})
			if err != nil {
				t.Fatal(err)
			}
			// Avro has a random mark, progress tells times, and XML ends with a line
			// feed in one of the ways.
			if format == "Avro" || strings.HasSuffix(format, "WithProgress") {
				if n := len(got.body) - len(want.Data); n < -1000 || n > 1000 {
					t.Errorf("%d bytes over HTTP, %d bytes whole", len(got.body), len(want.Data))
				}
				return
			}
			if strings.TrimSpace(got.body) != strings.TrimSpace(string(want.Data)) {
				t.Errorf("%d bytes over HTTP, %d bytes whole", len(got.body), len(want.Data))
			}
		})
	}
}

func TestHTTP_Headers(t *testing.T) {
	w := enginetest.Start(t)
	got := ask(t, w.URL, "POST", "/?query_id=mine", "SELECT 1 FORMAT JSON")
	for name, want := range map[string]string{
		"X-ClickHouse-Query-Id": "mine", "X-ClickHouse-Format": "JSON", "X-ClickHouse-Timezone": "UTC",
		"X-ClickHouse-Server-Display-Name": "winback", "Content-Type": "application/json; charset=UTF-8",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %s, want %s", name, got.header.Get(name), want)
		}
	}
	var summary map[string]string
	if err := json.Unmarshal([]byte(got.header.Get("X-ClickHouse-Summary")), &summary); err != nil || summary["read_rows"] != "1" {
		t.Errorf("summary %v, error %v", summary, err)
	}
	for _, target := range []string{"/", "/?wait_end_of_query=1"} {
		got = ask(t, w.URL, "POST", target, "SELECT number % 3 AS n, sum(number) FROM numbers(1000) GROUP BY n")
		if err := json.Unmarshal([]byte(got.header.Get("X-ClickHouse-Summary")), &summary); err != nil || summary["read_rows"] != "1000" || summary["result_rows"] != "3" {
			t.Errorf("summary %v, error %v", summary, err)
		}
	}
	if id := ask(t, w.URL, "POST", "/", "SELECT 1").header.Get("X-ClickHouse-Query-Id"); len(id) != 36 {
		t.Errorf("query id %q", id)
	}
}

func TestHTTP_Fixed(t *testing.T) {
	w := enginetest.Start(t)
	for target, want := range map[string]int{"/ping": 200, "/": 200, "/replicas_status": 200, "/nowhere": 404} {
		got := ask(t, w.URL, "GET", target, "")
		if got.status != want || want == 200 && got.body != "Ok.\n" {
			t.Errorf("GET %s: %d %q", target, got.status, got.body)
		}
	}
	if got := ask(t, w.URL, "PUT", "/", "SELECT 1"); got.status != 405 {
		t.Errorf("PUT: %d", got.status)
	}
	if got := ask(t, w.URL, "HEAD", "/ping", ""); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
}

func TestHTTP_CompressedRequests(t *testing.T) {
	w := enginetest.Start(t)
	pack := map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
		"lz4":  func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) },
	}
	w.Database(t, "packed")
	rows := strings.Repeat("1\n", 500_000)
	for name, open := range pack {
		t.Run(name, func(t *testing.T) {
			w.Exec(t, "CREATE OR REPLACE TABLE packed.t (n UInt64) ENGINE = MergeTree ORDER BY n")
			var b bytes.Buffer
			z := open(&b)
			_, _ = io.WriteString(z, rows)
			_ = z.Close()
			if got := ask(t, w.URL, "POST", query("INSERT INTO packed.t FORMAT TSV"), b.String(), "Content-Encoding", name); got.status != 200 {
				t.Fatal(got.body)
			}
			if n := w.Exec(t, "SELECT count() FROM packed.t"); n != "500000\n" {
				t.Errorf("%s rows", n)
			}
			got := ask(t, w.URL, "POST", query("INSERT INTO packed.t FORMAT TSV"), b.String()[:b.Len()/2], "Content-Encoding", name)
			if got.status == 200 {
				t.Error("half of a file was taken for a whole one")
			}
		})
	}
}

func TestHTTP_CompressedAnswers(t *testing.T) {
	w := enginetest.Start(t)
	for accept, want := range map[string]string{"gzip": "gzip", "gzip, deflate, br, zstd": "zstd", "br;q=0, gzip;q=0.5": "gzip", "identity": ""} {
		got := ask(t, w.URL, "POST", "/", "SELECT * FROM numbers(10000)", "Accept-Encoding", accept)
		if e := got.header.Get("Content-Encoding"); e != want {
			t.Errorf("Accept-Encoding: %s was answered with %q", accept, e)
		}
	}
	got := ask(t, w.URL, "POST", "/?enable_http_compression=0", "SELECT * FROM numbers(10000)", "Accept-Encoding", "gzip")
	if !strings.HasPrefix(got.body, "0\n1\n") {
		t.Errorf("answer %.20q", got.body)
	}
	got = ask(t, w.URL, "POST", "/", "SELECT 1", "Accept-Encoding", "gzip")
	if got.body != "1\n" {
		t.Errorf("a small answer %q", got.body)
	}
	got = ask(t, w.URL, "POST", "/", "SELECT * FROM nowhere", "Accept-Encoding", "gzip")
	if !strings.HasPrefix(got.body, "Code: 60.") {
		t.Errorf("error %q", got.body)
	}
}

func TestHTTP_NamedSessions(t *testing.T) {
	w := enginetest.Start(t)
	in := func(id, sql string, more ...string) reply {
		return ask(t, w.URL, "POST", "/?session_id="+id+strings.Join(more, ""), sql)
	}
	for _, sql := range []string{"CREATE TEMPORARY TABLE mine (n UInt8)", "INSERT INTO mine VALUES (7)", "SET max_threads = 5", "USE system"} {
		if got := in("a", sql); got.status != 200 {
			t.Fatalf("%s: %s", sql, got.body)
		}
	}
	if got := in("a", "SELECT n, getSetting('max_threads')::UInt8, currentDatabase() FROM mine", "&session_check=1"); got.body != "7\t5\tsystem\n" {
		t.Errorf("in the session: %q", got.body)
	}
	if got := in("a", "SELECT getSetting('max_threads')::UInt8", "&max_threads=2"); got.body != "2\n" {
		t.Errorf("a setting of one request: %q", got.body)
	}
	if got := in("a", "SELECT getSetting('max_threads')::UInt8"); got.body != "5\n" {
		t.Errorf("after it: %q", got.body)
	}
	if got := in("b", "SELECT count() FROM mine"); got.header.Get("X-ClickHouse-Exception-Code") != "60" {
		t.Errorf("in another session: %d %q", got.status, got.body)
	}
	if got := in("nobody", "SELECT 1", "&session_check=1"); got.status != 404 || got.header.Get("X-ClickHouse-Exception-Code") != "372" {
		t.Errorf("a session that must exist: %d %q", got.status, got.body)
	}
	if got := ask(t, w.URL, "GET", query("DROP TABLE mine")+"&session_id=a", ""); got.header.Get("X-ClickHouse-Exception-Code") != "164" {
		t.Errorf("a write by GET: %d %q", got.status, got.body)
	}
	if got := in("a", "SELECT 1", "&close_session=1"); got.status != 200 {
		t.Errorf("closing: %q", got.body)
	}
	if got := in("a", "SELECT 1", "&session_check=1"); got.status != 404 {
		t.Errorf("after closing: %d %q", got.status, got.body)
	}
	t.Run("busy", func(t *testing.T) {
		done := make(chan reply, 1)
		go func() { done <- in("c", "SELECT sleep(1)") }()
		eventually(t, "it runs", func() bool { return running(t, w, "sleep(1)") == "1\n" })
		if got := in("c", "SELECT 1"); got.header.Get("X-ClickHouse-Exception-Code") != "373" {
			t.Errorf("the second: %d %s", got.status, got.body)
		}
		if got := <-done; got.body != "0\n" {
			t.Errorf("the first: %q", got.body)
		}
	})
	t.Run("timeout", func(t *testing.T) {
		if got := in("d", "SELECT 1", "&session_timeout=1"); got.status != 200 {
			t.Fatal(got.body)
		}
		time.Sleep(1200 * time.Millisecond)
		if got := in("d", "SELECT 1", "&session_check=1"); got.status != 404 {
			t.Errorf("%d %q", got.status, got.body)
		}
	})
}

func TestHTTP_StateDoesNotLeakBetweenRequests(t *testing.T) {
	w := enginetest.Start(t)
	for _, sql := range []string{"SET max_threads = 17", "USE system", "CREATE TEMPORARY TABLE leaked (n UInt8)"} {
		if got := ask(t, w.URL, "POST", "/", sql); got.status != 200 {
			t.Fatalf("%s: %s", sql, got.body)
		}
	}
	for range 12 {
		got := ask(t, w.URL, "POST", "/", "SELECT getSetting('max_threads')::UInt16 = 17, currentDatabase(), (EXISTS TEMPORARY TABLE leaked)")
		got = ask(t, w.URL, "POST", "/", "SELECT getSetting('max_threads')::UInt16 = 17, currentDatabase()")
		if got.body != "0\tdefault\n" {
			t.Fatalf("%q", got.body)
		}
		if got := ask(t, w.URL, "POST", "/", "EXISTS TEMPORARY TABLE leaked"); got.body != "0\n" {
			t.Fatalf("%q", got.body)
		}
	}
}

// serve starts a second endpoint over the shared engine.
func serve(t *testing.T, o engine.HandlerOptions) string {
	t.Helper()
	h := engine.NewHandler(enginetest.Start(t).Engine, o)
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.Close(); _ = h.Close() })
	return server.URL
}

func TestHTTP_Authentication(t *testing.T) {
	base := serve(t, engine.HandlerOptions{Authenticate: func(_ context.Context, c engine.Credentials) (engine.Access, error) {
		switch {
		case c.User == "analyst" && c.Password == "secret":
			return engine.Access{Settings: map[string]string{"readonly": "1"}}, nil
		case c.User == "owner" && c.Password == "secret":
			return engine.Access{}, nil
		}
		return engine.Access{}, errors.New("name or password is wrong")
	}})
	for _, c := range []struct {
		name, target, sql string
		header            []string
		status            int
	}{
		{"nobody", "/", "SELECT 1", nil, 401},
		{"basic", "/", "SELECT 1", []string{"Authorization", "Basic YW5hbHlzdDpzZWNyZXQ="}, 200},
		{"headers", "/", "SELECT 1", []string{"X-ClickHouse-User", "analyst", "X-ClickHouse-Key", "secret"}, 200},
		{"in the URL", "/?user=analyst&password=secret", "SELECT 1", nil, 200},
		{"wrong", "/?user=analyst&password=wrong", "SELECT 1", nil, 403},
		{"a reader reads with a setting", "/?user=analyst&password=secret&max_execution_time=5", "SELECT 1", nil, 200},
		{"a reader writes", "/?user=analyst&password=secret", "CREATE DATABASE nope", nil, 500},
		{"a reader asks for more", "/?user=analyst&password=secret&readonly=0", "CREATE DATABASE nope", nil, 500},
		{"a reader sets itself free", "/?user=analyst&password=secret", "SET readonly = 0", nil, 500},
		{"a reader in a session", "/?user=analyst&password=secret&session_id=r", "CREATE DATABASE nope", nil, 500},
		{"a reader reads a file", "/?user=analyst&password=secret", "SELECT * FROM file('/etc/passwd', LineAsString)", nil, 500},
		{"an owner writes", "/?user=owner&password=secret", "CREATE DATABASE IF NOT EXISTS default", nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ask(t, base, "POST", c.target, c.sql, c.header...); got.status != c.status {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	if got := ask(t, base, "GET", "/ping", ""); got.status != 200 {
		t.Errorf("ping needs a login: %d", got.status)
	}
}

func TestHTTP_Bounds(t *testing.T) {
	base := serve(t, engine.HandlerOptions{MaxQueryBytes: 100_000, MaxBodyBytes: 1 << 20, MaxSessions: 1})
	if got := ask(t, base, "POST", "/", "SELECT '"+strings.Repeat("x", 500_000)+"'"); got.status != 413 {
		t.Errorf("a long statement: %d %.200s", got.status, got.body)
	}
	got := ask(t, base, "POST", query("INSERT INTO FUNCTION null('s String') FORMAT TSV"), strings.Repeat("x\n", 1<<20))
	if got.status != 413 {
		t.Errorf("a long body: %d %s", got.status, got.body)
	}
	ask(t, base, "POST", "/?session_id=one", "SELECT 1")
	if got := ask(t, base, "POST", "/?session_id=two", "SELECT 1"); got.status != 400 {
		t.Errorf("too many sessions: %d %s", got.status, got.body)
	}
}

func TestHTTP_ClientGoneStopsTheQuery(t *testing.T) {
	w := enginetest.Start(t)
	for name, sql := range map[string]string{
		"computing": "SELECT max(sipHash64(number)) FROM numbers(1000000000001)",
		"sending":   "SELECT number FROM numbers(1000000000001)",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", w.Addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET "+strings.ReplaceAll(query(sql), "+", "%20")+" HTTP/1.1\r\nHost: x\r\n\r\n")
			eventually(t, "the query runs", func() bool { return running(t, w, "1000000000001") == "1\n" })
			_ = conn.Close()
			eventually(t, "the query stops", func() bool { return running(t, w, "1000000000001") == "0\n" })
		})
	}
}

func TestHTTP_InsertFromAClientThatDies(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "dies")
	w.Exec(t, "CREATE TABLE dies.t (n UInt64) ENGINE = MergeTree ORDER BY n")
	conn, err := net.Dial("tcp", w.Addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST "+strings.ReplaceAll(query("INSERT INTO dies.t FORMAT TSV"), "+", "%20")+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n1\n2\n3\n")
	time.Sleep(100 * time.Millisecond)
	_ = conn.Close()
	eventually(t, "nothing runs", func() bool { return running(t, w, "dies.t") == "0\n" })
	if got := w.Exec(t, "SELECT count() FROM dies.t"); got != "0\n" {
		t.Errorf("%s rows of a broken insert are there", got)
	}
}

func TestHTTP_SlowReaderHoldsTheEngineBack(t *testing.T) {
	w := enginetest.Start(t)
	req, _ := http.NewRequestWithContext(bounded(t), "POST", w.URL, strings.NewReader("SELECT number FROM numbers(1000000000002)"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	read := func() string {
		return w.Exec(t, "SELECT read_rows FROM system.processes WHERE query LIKE '%1000000000002%' AND query NOT LIKE '%system.processes%'")
	}
	eventually(t, "the engine waits", func() bool {
		before := read()
		time.Sleep(300 * time.Millisecond)
		return before != "" && before == read()
	})
	_ = res.Body.Close()
	eventually(t, "the query stops", func() bool { return running(t, w, "1000000000002") == "0\n" })
}
