package engine

import (
	"reflect"
	"strings"
	"testing"
)

func TestFindInsert(t *testing.T) {
	for _, c := range []struct {
		text, sql, format, data string
		kind                    insertKind
	}{
		{text: "INSERT INTO t VALUES (1)", kind: insertRows, sql: "INSERT INTO t ", format: "Values", data: " (1)"},
		{text: "insert into t (a, b) values(1,2)", kind: insertRows, sql: "insert into t (a, b) ", format: "Values", data: "(1,2)"},
		{text: "INSERT INTO t FORMAT CSV\n1,2\n", kind: insertRows, sql: "INSERT INTO t ", format: "CSV", data: "1,2\n"},
		{text: "INSERT INTO t FORMAT CSV\r\n1,2\n", kind: insertRows, sql: "INSERT INTO t ", format: "CSV", data: "1,2\n"},
		{text: "INSERT INTO t FORMAT CSV  1,2\n", kind: insertRows, sql: "INSERT INTO t ", format: "CSV", data: "1,2\n"},
		{text: "INSERT INTO t FORMAT CSV\n\n1", kind: insertRows, sql: "INSERT INTO t ", format: "CSV", data: "\n1"},
		{text: "INSERT INTO t FORMAT CSV;", kind: insertRows, sql: "INSERT INTO t ", format: "CSV", data: ""},
		{text: "INSERT INTO t FORMAT CSV", kind: insertRows, sql: "INSERT INTO t ", format: "CSV", data: ""},
		{text: "/* a */ INSERT -- b\nINTO TABLE `db`.\"t\" FORMAT Native\nxyz", kind: insertRows, sql: "/* a */ INSERT -- b\nINTO TABLE `db`.\"t\" ", format: "Native", data: "xyz"},
		{text: "INSERT INTO values VALUES (1)", kind: insertRows, sql: "INSERT INTO values ", format: "Values", data: " (1)"},
		{text: "INSERT INTO format.values (format) FORMAT TSV\n1", kind: insertRows, sql: "INSERT INTO format.values (format) ", format: "TSV", data: "1"},
		{text: "INSERT INTO {t:Identifier} FORMAT TSV\n1", kind: insertRows, sql: "INSERT INTO {t:Identifier} ", format: "TSV", data: "1"},
		{text: "INSERT INTO t SETTINGS async_insert=1, a='VALUES' VALUES (1)", kind: insertRows, sql: "INSERT INTO t SETTINGS async_insert=1, a='VALUES' ", format: "Values", data: " (1)"},
		{text: "INSERT INTO t (* EXCEPT(b)) VALUES (1)", kind: insertRows, sql: "INSERT INTO t (* EXCEPT(b)) ", format: "Values", data: " (1)"},
		{text: "INSERT INTO FUNCTION file('x', 'CSV') PARTITION BY a VALUES (1)", kind: insertRows, sql: "INSERT INTO FUNCTION file('x', 'CSV') PARTITION BY a ", format: "Values", data: " (1)"},
		{text: "INSERT INTO t SELECT 1", kind: insertNone},
		{text: "INSERT INTO t (a) WITH x AS (SELECT 1) SELECT * FROM x", kind: insertNone},
		{text: "INSERT INTO t (SELECT 1)", kind: insertNone},
		{text: "INSERT INTO t FROM INFILE 'x' FORMAT CSV", kind: insertNone},
		{text: "SELECT 'INSERT INTO t VALUES'", kind: insertNone},
		{text: "EXPLAIN INSERT INTO t VALUES (1)", kind: insertNone},
		{text: "", kind: insertNone},
		{text: "INSERT INTO t (a)", kind: insertBare},
	} {
		t.Run(c.text, func(t *testing.T) {
			h := findInsert(c.text, true)
			if h.kind != c.kind {
				t.Fatalf("kind = %d, want %d", h.kind, c.kind)
			}
			if h.kind == insertRows && (c.text[:h.end] != c.sql || h.format != c.format || c.text[h.data:] != c.data) {
				t.Errorf("statement %q, format %q, rows %q", c.text[:h.end], h.format, c.text[h.data:])
			}
			if c.kind != insertRows {
				return
			}
			// However the text is cut, a part says the same or that it is too short.
			for n := range c.text {
				switch p := findInsert(c.text[:n], false); {
				case p.kind == insertUnsure:
				case p != h:
					t.Errorf("of %q: %+v, of the whole %+v", c.text[:n], p, h)
				}
			}
		})
	}
}

func TestOutlineOf(t *testing.T) {
	for _, c := range []struct {
		text, out, format string
	}{
		{text: "SELECT 1", out: "SELECT 1>"},
		{text: "SELECT 1 -- end", out: "SELECT 1> -- end"},
		{text: "SELECT 1;", out: "SELECT 1>;"},
		{text: "SELECT 1 FORMAT JSON", out: "SELECT 1 >FORMAT JSON", format: "JSON"},
		{text: "SELECT 1 FORMAT JSON SETTINGS a = 1;", out: "SELECT 1 >FORMAT JSON SETTINGS a = 1;", format: "JSON"},
		{text: "SELECT 1 SETTINGS a = 1 FORMAT JSON", out: "SELECT 1 SETTINGS a = 1 >FORMAT JSON", format: "JSON"},
		{text: "SELECT format FROM format", out: "SELECT format FROM format>"},
		{text: "SELECT * FROM infile", out: "SELECT * FROM infile>"},
		{text: "SELECT (SELECT 1 FORMAT JSON)", out: "SELECT (SELECT 1 FORMAT JSON)>"},
		{text: "SELECT ' FORMAT JSON'", out: "SELECT ' FORMAT JSON'>"},
		{text: "SELECT 'it''s \\' FORMAT'", out: "SELECT 'it''s \\' FORMAT'>"},
		{text: "SELECT $x$ it's FORMAT JSON $x$", out: "SELECT $x$ it's FORMAT JSON $x$>"},
		{text: "SELECT 1 /* ; FORMAT JSON */", out: "SELECT 1> /* ; FORMAT JSON */"},
		{text: "SELECT {a:Array(String)}", out: "SELECT {a:Array(String)}>"},
	} {
		t.Run(c.text, func(t *testing.T) {
			o := outlineOf(c.text)
			got := c.text[:o.outfile] + ">" + c.text[o.outfile:]
			if got != c.out || o.format != c.format || o.several || o.files || o.empty {
				t.Errorf("%s, format %q, %+v", got, o.format, o)
			}
		})
	}
}

func TestOutlineOf_Refused(t *testing.T) {
	for text, has := range map[string]func(outline) bool{
		"":                                  func(o outline) bool { return o.empty },
		" ; -- nothing":                     func(o outline) bool { return o.empty },
		"SELECT 1; SELECT 2":                func(o outline) bool { return o.several },
		"SELECT 1 INTO OUTFILE 'x'":         func(o outline) bool { return o.files },
		"INSERT INTO t FROM INFILE 'x'":     func(o outline) bool { return o.files },
		"SELECT 1 into /* x */ outfile 'x'": func(o outline) bool { return o.files },
	} {
		if !has(outlineOf(text)) {
			t.Errorf("%q: %+v", text, outlineOf(text))
		}
	}
}

func TestScanner_NeverRunsOver(t *testing.T) {
	for _, text := range []string{"'", "'\\", "`a", "$a$", "$", "/*", "--", "\"\\\"", "'''", "{", "\ufeffSELECT"} {
		for range tokens(text) {
		}
		findInsert("INSERT INTO "+text, true)
	}
}

func TestParseError(t *testing.T) {
	for text, want := range map[string]Error{
		"Code: 60. DB::Exception: Unknown table 'x'. (UNKNOWN_TABLE)":                                                 {60, "UNKNOWN_TABLE", "Unknown table 'x'."},
		"Code: 27. DB::Exception: Cannot parse. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7.2.1)":             {27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", "Cannot parse."},
		"Code: 241. DB::Exception: Code: 241. DB::Exception: Too much. (MEMORY_LIMIT_EXCEEDED)":                       {241, "MEMORY_LIMIT_EXCEEDED", "Too much."},
		"Code: 73. DB::Exception: Unknown format X. (UNKNOWN_FORMAT) (version 26.7.2.1 (official build))":             {73, "UNKNOWN_FORMAT", "Unknown format X."},
		"Code: 1001. DB::Exception: Poco::Net::ConnectionRefusedException: Connection refused. (STD_EXCEPTION)":       {1001, "STD_EXCEPTION", "Connection refused."},
		"Code: 395. DB::Exception: stop (HERE): while executing 'f'. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)":           {395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", "stop (HERE): while executing 'f'."},
		"Code: 36. DB::Exception: Empty URL. (BAD_ARGUMENTS) (version 26.7.2.1). (BAD_ARGUMENTS) (version 26.7.2.1).": {36, "BAD_ARGUMENTS", "Empty URL."},
		"Code: 395. DB::Exception: stop (HERE). (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)":                                {395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", "stop (HERE)."},
		"Invalid or closed connection": {1001, "", "Invalid or closed connection"},
	} {
		if got := parseError(text); *got != want {
			t.Errorf("%s\n got %+v\nwant %+v", text, *got, want)
		}
	}
}

func TestStructureOf(t *testing.T) {
	if got := structureOf("UInt8,Map(String, UInt8),String"); got != "_1 UInt8, _2 Map(String, UInt8), _3 String" {
		t.Error(strings.TrimSpace(got))
	}
}

func TestParseKill(t *testing.T) {
	for text, want := range map[string]*killStatement{
		"KILL QUERY WHERE query_id = 'a'":                                         {ids: []string{"a"}},
		"kill query on cluster c where query_id in ('a', 'b') sync format JSON; ": {ids: []string{"a", "b"}, sync: true, format: " FORMAT JSON"},
		"KILL QUERY /* x */ WHERE query_id='a' ASYNC":                             {ids: []string{"a"}},
		"KILL QUERY WHERE query_id = 'a' TEST":                                    {ids: []string{"a"}, test: true},
		"KILL QUERY WHERE query_id = 'a' OR 1":                                    nil,
		"KILL QUERY WHERE query_id = 'a\\'b'":                                     nil,
		"KILL QUERY WHERE query_id = '":                                           nil,
		"KILL QUERY WHERE query_id IN ()":                                         nil,
		"KILL QUERY WHERE query_id IN ('a'":                                       nil,
		"KILL QUERY WHERE user = 'a'":                                             nil,
		"KILL MUTATION WHERE query_id = 'a'":                                      nil,
		"SELECT 'KILL QUERY WHERE query_id = 1'":                                  nil,
		"KILL QUERY ON CLUSTER":                                                   nil,
	} {
		got, ok := parseKill(text)
		if ok != (want != nil) || ok && !reflect.DeepEqual(got, *want) {
			t.Errorf("%s: %+v, %v", text, got, ok)
		}
	}
}
