package engine_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

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

func TestHTTP_HeldBackAnswers(t *testing.T) {
	w := enginetest.Start(t)
	const late = "SELECT number, throwIf(number = 400000, 'here') FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1"
	for target, status := range map[string]int{
		"/": 200, "/?buffer_size=100000": 200, "/?buffer_size=30000000": 500, "/?http_response_buffer_size=30000000": 500,
		"/?wait_end_of_query=1": 500, "/?http_wait_end_of_query=1": 500, "/?wait_end_of_query=1&buffer_size=2000000": 500,
	} {
		if got := ask(t, w.URL, "POST", target, late); got.status != status || (got.err != nil) != (status == 200) {
			t.Errorf("%s: %d, %v", target, got.status, got.err)
		}
	}
	for _, target := range []string{"/?buffer_size=600000", "/?buffer_size=600000000", "/?wait_end_of_query=1", "/?wait_end_of_query=1&buffer_size=3000000"} {
		if got := ask(t, w.URL, "POST", target, "SELECT number FROM numbers(300000)"); len(got.body) != 1988890 || !strings.HasSuffix(got.body, "\n299999\n") {
			t.Errorf("%s: %d bytes", target, len(got.body))
		}
	}
}

func TestHTTP_Pages(t *testing.T) {
	w := enginetest.Start(t)
	base := serve(t, engine.HandlerOptions{Origins: []string{"https://page.example"}})
	for _, c := range []struct {
		base, method, target, origin string
		status                       int
		allowed                      string
	}{
		{w.URL, "OPTIONS", "/", "", 204, ""},
		{w.URL, "OPTIONS", "/", "https://page.example", 403, ""},
		{w.URL, "GET", query("SELECT 1") + "&add_http_cors_header=1", "https://page.example", 403, ""},
		{w.URL, "GET", query("SELECT 1"), w.URL, 200, ""},
		{w.URL, "GET", query("SELECT 1"), "null", 403, ""},
		{base, "OPTIONS", "/", "https://page.example", 204, "https://page.example"},
		{base, "GET", query("SELECT 1"), "https://page.example", 200, "https://page.example"},
		{base, "GET", query("SELECT 1"), "https://other.example", 403, ""},
		{w.URL, "GET", "/play", "", 404, ""},
		{w.URL, "GET", "/no/such", "", 404, ""},
	} {
		header := []string{"Origin", c.origin}
		if c.origin == "" {
			header = nil
		}
		got := ask(t, c.base, c.method, c.target, "", header...)
		if got.status != c.status || got.header.Get("Access-Control-Allow-Origin") != c.allowed {
			t.Errorf("%s %s of %s: %d, %q", c.method, c.target, c.origin, got.status, got.header.Get("Access-Control-Allow-Origin"))
		}
	}
}
