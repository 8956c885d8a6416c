package engine_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// held serves everybody as a reader whose settings have ceilings.
func held(t *testing.T, access engine.Access) (string, *engine.Handler) {
	t.Helper()
	access.Role = enginetest.Reader + "," + enginetest.Held
	h := engine.NewHandler(enginetest.Start(t).Engine, engine.HandlerOptions{Authenticate: func(_ context.Context, c engine.Credentials) (engine.Access, error) {
		a := access
		a.User = c.User
		return a, nil
	}})
	return serveHandler(t, h), h
}

// The engine itself holds settings to a role's ceilings, wherever they are given.
func TestRole_Ceilings(t *testing.T) {
	base, _ := held(t, engine.Access{Settings: map[string]string{"readonly": "2"}})
	const limit = "SELECT value FROM system.settings WHERE name = 'max_execution_time'"
	for _, c := range []struct {
		target, sql, want string
		code              string
	}{
		{"/", limit, "60\n", ""},
		{"/?max_execution_time=30", limit, "30\n", ""},
		{"/?max_execution_time=600", limit, "60\n", ""}, // a client that asks for more gets what there is
		{"/?max_execution_time=0", limit, "60\n", ""},
		{"/?max_execution_time=none", limit, "", "72"},
		{"/", limit + " SETTINGS max_execution_time = 10", "10\n", ""},
		{"/", limit + " SETTINGS max_execution_time = 61", "", "452"},
		{"/", limit + " SETTINGS max_execution_time = 0", "", "452"},
		{"/", limit + " SETTINGS max_execution_time = DEFAULT", "", "497"},
		{"/", limit + " SETTINGS `max_execution_time`=  default", "", "497"},
		{"/", "SELECT * FROM (" + limit + " SETTINGS max_execution_time = DEFAULT)", "", "497"},
		{"/", limit + " SETTINGS profile = 'default'", "", "497"},
		{"/", limit + " SETTINGS max_threads = 1, profile = 'reader'", "", "497"},
		{"/?profile=default", limit, "", "497"},
		{"/?session_id=s", "SET max_execution_time = 61", "", "452"},
		{"/?session_id=s", "SET max_threads = 1, max_execution_time = DEFAULT", "", "497"},
		{"/?session_id=s", "SET profile = 'default'", "", "497"},
		{"/?session_id=s&max_execution_time=600", limit, "60\n", ""},
		{"/?session_id=s", limit, "60\n", ""},
		{"/?session_id=s", "SET max_execution_time = 7", "", ""},
		{"/?session_id=s", limit, "7\n", ""},
		{"/", "SELECT 1 AS profile WHERE profile = 1", "1\n", ""},
		{"/", "SELECT number FROM numbers(10001)", "", "396"},
		{"/", "SELECT count() FROM (SELECT number FROM numbers(10001))", "10001\n", ""},
		{"/", "SELECT length(groupArray(number)) FROM numbers(100000000)", "", "241"},
		{"/", "SELECT 1 SETTINGS dialect = 'prql'", "", "497"},
		{"/?input_format_values_interpret_expressions=1", "SELECT 1", "", "452"},
	} {
		got := ask(t, base, "POST", c.target, c.sql)
		if got.header.Get("X-ClickHouse-Exception-Code") != c.code || c.code == "" && got.body != c.want {
			t.Errorf("%s %s: %d %.300s", c.target, c.sql, got.status, got.body)
		}
	}
}

// A writer adds rows, and changes nothing else.
func TestRole_Inserts(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, enginetest.Shown)
	w.Database(t, "hidden")
	w.Exec(t, "CREATE TABLE shown.t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	w.Exec(t, "CREATE TABLE hidden.t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
	base := serve(t, engine.HandlerOptions{Authenticate: func(context.Context, engine.Credentials) (engine.Access, error) {
		return engine.Access{Role: enginetest.Writer, Database: enginetest.Shown}, nil
	}})
	for _, sql := range []string{
		"INSERT INTO t VALUES (1, 'a'), (2, 'file(b)')", "INSERT INTO shown.t FORMAT CSV\n3,c\n", "INSERT INTO t SELECT n + 10, s FROM t WHERE n = 1",
		"SELECT count() FROM t", "DESCRIBE TABLE t", "INSERT INTO t (n) FORMAT JSONEachRow {\"n\": 4}",
	} {
		if got := ask(t, base, "POST", "/", sql); got.status != 200 {
			t.Errorf("%s: %d %s", sql, got.status, got.body)
		}
	}
	for _, sql := range []string{
		"INSERT INTO hidden.t VALUES (1, 'a')", "INSERT INTO t SELECT * FROM hidden.t", "INSERT INTO t VALUES (1, file('/etc/hostname'))",
		"INSERT INTO t SETTINGS input_format_values_interpret_expressions = 1 VALUES (1, file('/etc/hostname'))",
		"INSERT INTO t SETTINGS input_format_values_interpret_expressions = DEFAULT VALUES (1, file('/etc/hostname'))",
		"INSERT INTO t SETTINGS input_format_values_deduce_templates_of_expressions = DEFAULT VALUES (1, file('/etc/hostname'))",
		"INSERT INTO t SELECT 1, file('/etc/hostname')", "INSERT INTO t FROM INFILE '/etc/hostname' FORMAT TSV", "INSERT INTO FUNCTION file('x', CSV, 'a Int8') SELECT 1",
		"INSERT INTO FUNCTION remote('127.0.0.1', hidden.t) SELECT 1, 'a'", "INSERT INTO system.one VALUES (1)",
		"ALTER TABLE t DELETE WHERE 1", "ALTER TABLE t ADD COLUMN x Int8", "DROP TABLE t", "TRUNCATE TABLE t", "CREATE TABLE shown.u (a Int8) ENGINE = Memory", "OPTIMIZE TABLE t",
		"RENAME TABLE t TO u", "DELETE FROM t WHERE 1", "CREATE DATABASE mine", "SYSTEM FLUSH LOGS", "SET ROLE ALL", "BACKUP TABLE t TO File('x')",
		"CREATE VIEW shown.v AS SELECT 1", "CREATE FUNCTION f AS x -> x", "DETACH TABLE t", "EXCHANGE TABLES t AND hidden.t", "UPDATE t SET s = '' WHERE 1",
	} {
		for _, target := range []string{"/", "/?session_id=writer"} {
			if got := ask(t, base, "POST", target, sql); got.status == 200 {
				t.Errorf("%s %s: %d %s", target, sql, got.status, got.body)
			}
		}
	}
	if rows := w.Exec(t, "SELECT count(), countIf(s LIKE '%file(%') FROM shown.t"); rows != "5\t1\n" {
		t.Errorf("the table has %q rows", rows)
	}
}

// One user's statements wait for each other, and are refused when it takes long;
// those of others don't.
func TestHTTP_StatementsOfAUser(t *testing.T) {
	base, h := held(t, engine.Access{MaxStatements: 1})
	ended := make(chan reply, 1)
	go func() {
		ended <- ask(t, base, "POST", "/?user=anna&query_id=first&session_id=a", "SELECT sleepEachRow(1) FROM numbers(100) SETTINGS function_sleep_max_microseconds_per_block = 0")
	}()
	eventually(t, "the first statement runs", func() bool {
		return running(t, enginetest.Start(t), "SELECT sleepEachRow(1) FROM numbers(100)") == "1\n"
	})
	if got := ask(t, base, "POST", "/?user=tom", "SELECT 1"); got.status != 200 {
		t.Errorf("another user: %d %s", got.status, got.body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "POST", base+"/?user=anna", strings.NewReader("SELECT 1"))
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		waits <- err
	}()
	cancel()
	if err := <-waits; err == nil {
		t.Error("a second statement ran beside the first")
	}
	// The user is removed: what they have under way ends, and so do their sessions.
	h.EndUser("anna")
	if got := <-ended; got.header.Get("X-ClickHouse-Exception-Code") != "516" && !strings.Contains(got.body, "AUTHENTICATION_FAILED") {
		t.Errorf("a removed user's statement: %d %s", got.status, got.body)
	}
	if got := ask(t, base, "POST", "/?user=anna&session_id=a&session_check=1", "SELECT 1"); got.header.Get("X-ClickHouse-Exception-Code") != "372" {
		t.Errorf("a removed user's session: %d %s", got.status, got.body)
	}
	ask(t, base, "POST", "/?user=anna&session_id=b", "SELECT 1")
	h.EndUser("anna")
	if got := ask(t, base, "POST", "/?user=anna&session_id=b&session_check=1", "SELECT 1"); got.header.Get("X-ClickHouse-Exception-Code") != "372" {
		t.Errorf("a removed user's idle session: %d %s", got.status, got.body)
	}
}
