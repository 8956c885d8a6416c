package warehouse_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/users"
	"winback/pipelines/warehouse"
)

// Who asks in the table of statements: an admin, an analyst of mart, one of mart
// and staging (wide), Grafana, a loader of raw.
var roleUsers = []users.Account{
	{User: users.User{Name: "admin", Role: users.Admin}, Secret: "pw"},
	{User: users.User{Name: "analyst", Role: users.Analyst, Databases: []string{"mart"}}, Secret: "pw"},
	{User: users.User{Name: "wide", Role: users.Analyst, Databases: []string{"mart", "staging"}}, Secret: "pw"},
	{User: users.User{Name: "grafana", Role: users.Grafana, Databases: []string{"mart"}}, Secret: "pw"},
	{User: users.User{Name: "loader", Role: users.Loader, Databases: []string{"raw"}}, Secret: "pw"},
}

const (
	all     = "admin analyst wide grafana loader"
	readers = "admin analyst wide grafana"
	staging = "admin wide"
	loading = "admin loader"
	admin   = "admin"
	nobody  = ""
)

// roleStatements are statements with those who may give them. FILE is a file of
// the machine with a secret in it.
var roleStatements = []struct{ sql, who string }{
	// Reading what one was given.
	{"SELECT 1", all}, {"SELECT version(), timezone(), currentDatabase()", all}, {"SELECT count() FROM mart.t", readers}, {"SELECT * FROM mart.v", readers},
	{"SELECT count() FROM staging.t", staging}, {"SELECT t.n FROM mart.t AS t JOIN staging.t AS s USING (n)", staging}, {"SELECT count() FROM raw.t", loading},
	{"WITH x AS (SELECT n FROM mart.t) SELECT count() FROM x", readers}, {"SELECT * FROM merge('mart', '^t$')", readers}, {"SELECT sum(number) FROM numbers(10)", all},
	{"SELECT * FROM values('a Int8', 1)", all}, {"SHOW TABLES FROM mart", readers}, {"DESCRIBE TABLE mart.t", readers}, {"SHOW CREATE TABLE mart.t", readers},
	{"EXPLAIN SELECT n FROM mart.t", readers}, {"SELECT name FROM system.tables", all}, {"SELECT name FROM system.columns", all}, {"SELECT name FROM system.functions LIMIT 1", all},
	{"SELECT n FROM mart.t SETTINGS max_execution_time = 5, max_threads = 1", readers}, {"SELECT n FROM mart.t SETTINGS additional_table_filters = {'mart.t': 'n = 1'}", readers},
	{"SELECT n FROM mart.t FORMAT JSONCompact", readers}, {"SHOW DATABASES", all}, {"EXISTS TABLE mart.t", readers}, {"SHOW PROCESSLIST", all},
	// Adding rows.
	{"INSERT INTO raw.t VALUES (10, 'x')", loading}, {"INSERT INTO raw.t FORMAT JSONEachRow {\"n\": 11, \"s\": \"x\"}", loading}, {"INSERT INTO raw.t SELECT number + 20, 'x' FROM numbers(2)", loading},
	{"INSERT INTO mart.t VALUES (10, 'x')", admin}, {"INSERT INTO staging.t VALUES (10, 'x')", admin}, {"INSERT INTO ops.t VALUES (10, 'x')", admin}, {"INSERT INTO raw.t SELECT n, s FROM mart.t", admin},
	// Other databases, whatever the way.
	{"SELECT * FROM ops.t", admin}, {"SELECT * FROM ops.queries", admin}, {"SELECT * FROM `ops`.`t`", admin}, {"SELECT (SELECT s FROM ops.t LIMIT 1)", admin}, {"SELECT 1 IN (SELECT n FROM ops.t)", admin},
	{"SELECT 1 IN ops.t", admin}, {"SELECT * FROM merge('ops', 't')", admin}, {"SELECT * FROM merge(REGEXP('^op'), 't')", admin}, {"SELECT * FROM loop(ops.t) LIMIT 1", admin}, {"SELECT * FROM view(SELECT * FROM ops.t)", admin},
	{"SELECT * FROM {t:Identifier}.t", admin}, {"SELECT n, s FROM mart.v UNION ALL SELECT n, s FROM ops.t", admin}, {"DESCRIBE TABLE ops.t", admin}, {"SHOW CREATE TABLE ops.t", admin}, {"EXPLAIN SELECT * FROM ops.t", admin},
	{"SELECT dictGet('ops.d', 's', 1)", admin}, {"SELECT * FROM dictionary('ops.d')", admin}, {"SYSTEM RELOAD DICTIONARY ops.d", admin}, {"SHOW TABLES FROM ops", admin}, {"CHECK TABLE ops.t", admin}, {"USE ops", admin},
	{"SELECT * FROM mergeTreeIndex('ops', 't')", admin}, {"SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM ops.t))", admin},
	// Files, the network, other programs.
	{"SELECT file('FILE')", admin}, {"SELECT arrayMap(x -> file(x), ['FILE'])", admin}, {"SELECT * APPLY(file) FROM (SELECT 'FILE')", admin}, {"SELECT * FROM file('FILE', LineAsString)", admin}, {"DESCRIBE file('FILE', LineAsString)", admin},
	{"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", admin}, {"SELECT * FROM s3('http://127.0.0.1:1/a', 'key', 'secret', CSV)", admin}, {"SELECT * FROM remote('127.0.0.1', ops.t)", admin},
	{"SELECT * FROM remoteSecure('127.0.0.1', ops.t)", admin}, {"SELECT * FROM cluster('default', ops.t)", admin}, {"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", admin}, {"SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')", admin},
	{"SELECT * FROM executable('FILE', TSV, 'a String')", admin}, {"SELECT * FROM sqlite('FILE', 't')", admin}, {"SELECT * FROM icebergLocal('FILE')", admin}, {"SELECT * FROM azureBlobStorage('http://127.0.0.1:1', 'c', 'p')", admin},
	{"SELECT 1 INTO OUTFILE 'FILE.out'", nobody}, {"INSERT INTO raw.t FROM INFILE 'FILE' FORMAT LineAsString", nobody}, {"INSERT INTO FUNCTION file('FILE.out', CSV, 'a Int8') SELECT 1", admin},
	{"INSERT INTO FUNCTION url('http://127.0.0.1:1/', CSV, 'a Int8') SELECT 1", admin}, {"CREATE TEMPORARY TABLE x (a String) ENGINE = File(LineAsString, 'FILE')", admin}, {"CREATE TABLE mart.u (a String) ENGINE = URL('http://127.0.0.1:1/', CSV)", admin},
	{"SELECT b FROM format('JSONEachRow', 'a String, b String DEFAULT file(''FILE'')', '{\"a\": \"x\"}')", admin}, {"SELECT b FROM values('a String, b String ALIAS file(''FILE'')', 'x')", admin},
	{"SELECT n FROM mart.t SETTINGS additional_table_filters = {'mart.t': 'notEmpty(file(\\'FILE\\'))'}", admin}, {"SELECT 1 FORMAT Template SETTINGS format_template_row = 'FILE'", admin}, {"SELECT * FROM generateRandom('a UInt8') LIMIT 1", admin},
	// What the engine knows of itself and of others.
	{"SELECT count() > 0 FROM system.processes WHERE throwIf(query LIKE '%FILE%')", admin}, {"SELECT value FROM system.server_settings LIMIT 1", admin}, {"SELECT * FROM system.users", admin}, {"SELECT * FROM system.grants", admin},
	{"SELECT path FROM system.disks", admin}, {"SELECT * FROM system.named_collections", admin}, {"SELECT * FROM system.zookeeper WHERE path = '/'", admin}, {"SHOW GRANTS", all}, {"SELECT * FROM system.query_log", admin},
	// Changes.
	{"CREATE TABLE mart.u (a Int8) ENGINE = Memory", admin}, {"DROP TABLE IF EXISTS mart.u", admin}, {"CREATE DATABASE IF NOT EXISTS mine", admin}, {"CREATE VIEW mart.w AS SELECT * FROM ops.t", admin}, {"DROP VIEW IF EXISTS mart.w", admin},
	{"ALTER TABLE mart.t ADD COLUMN IF NOT EXISTS z Int8", admin}, {"ALTER TABLE raw.t ADD COLUMN IF NOT EXISTS z Int8", admin}, {"ALTER TABLE mart.t DELETE WHERE 0", admin}, {"DELETE FROM raw.t WHERE 0", admin}, {"OPTIMIZE TABLE mart.t", admin},
	{"TRUNCATE TABLE mart.empty", admin}, {"RENAME TABLE mart.empty TO mart.empty2", admin}, {"CREATE FUNCTION IF NOT EXISTS f1 AS x -> x", admin}, {"DROP FUNCTION IF EXISTS f1", admin}, {"CREATE DICTIONARY mart.e (n UInt64) PRIMARY KEY n SOURCE(FILE(PATH 'FILE' FORMAT CSV)) LAYOUT(FLAT()) LIFETIME(0)", admin},
	{"CREATE MATERIALIZED VIEW raw.mv TO raw.t AS SELECT * FROM ops.t", admin}, {"DETACH TABLE mart.t", nobody}, {"BACKUP TABLE ops.t TO File('FILE.backup')", admin}, {"SYSTEM DROP MARK CACHE", admin}, {"SYSTEM FLUSH LOGS", admin},
	// Becoming somebody else, or getting around limits.
	{"SET ROLE winback_everything", nobody}, {"SET ROLE DEFAULT", admin}, {"GRANT ALL ON *.* TO default", nobody}, {"CREATE USER eve", nobody}, {"ALTER USER default IDENTIFIED BY 'x'", nobody}, {"EXECUTE AS default SELECT 1", nobody},
	{"SET readonly = 0", "admin loader"}, {"SELECT 1 SETTINGS readonly = 0", "admin loader"}, {"SELECT 1 SETTINGS max_execution_time = 0", admin}, {"SELECT 1 SETTINGS max_execution_time = 999999", admin}, {"SELECT 1 SETTINGS max_memory_usage = 0", admin},
	{"SELECT 1 SETTINGS max_memory_usage = DEFAULT", admin}, {"SELECT 1 SETTINGS max_result_rows = 0", admin}, {"SELECT 1 SETTINGS profile = 'default'", admin}, {"SET dialect = 'prql'", admin},
	{"SELECT 1 SETTINGS allow_experimental_eval_table_function = 1", admin}, {"SELECT number FROM numbers(101)", admin}, {"SELECT 1; SELECT 2", nobody},
}

// refusals are the codes by which a statement is refused, rather than failing:
// what is not implemented over HTTP, READONLY, SETTING_CONSTRAINT_VIOLATION,
// ACCESS_DENIED, no statement, too many rows, and what the engine can't do for
// anybody: impersonation, and users made by statements.
var refusals = map[string]bool{"48": true, "164": true, "452": true, "497": true, "62": true, "396": true, "344": true, "495": true, "514": true}

// Each role is asked for each statement as a client does, by HTTP: whoever may not
// give it is refused, and who may is not.
func TestFront_Roles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("top secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	front := rolesFront(t)
	ask := func(user, sql string) (code, body string) {
		t.Helper()
		target := front + "/?param_t=ops&query_id=" + url.QueryEscape(user+time.Now().String())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(strings.ReplaceAll(sql, "FILE'", file+"'")))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(user, "pw")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return cmp.Or(res.Header.Get("X-ClickHouse-Exception-Code"), "0"), string(text)
	}
	for _, c := range roleStatements {
		for _, u := range roleUsers {
			if u.Name == "admin" && strings.Contains(c.sql, "127.0.0.1") {
				continue // nobody answers there, which takes the engine long to find out
			}
			may := strings.Contains(" "+c.who+" ", " "+u.Name+" ")
			code, body := ask(u.Name, c.sql)
			switch {
			case may && u.Name != "admin" && code != "0", may && (code == "497" || code == "164" || code == "452"):
				t.Errorf("%s may not: %s\n\t%.200s", u.Name, c.sql, body)
			case !may && !refusals[code] && !empty(code, body):
				t.Errorf("%s may: %s\n\t%s %.200s", u.Name, c.sql, code, body)
			case !may && strings.Contains(body, "top secret"):
				t.Errorf("%s sees a secret by %s", u.Name, c.sql)
			}
		}
	}
	if n := len(roleStatements); n < 100 {
		t.Errorf("only %d statements are tried", n)
	}
	if entries, err := filepath.Glob(file + ".*"); err != nil || len(entries) > 1 {
		t.Errorf("files were written: %v, %v", entries, err) // the admin's backup alone
	}
}

// empty tells an answer that is none: system tables that tell of others have no
// rows for those who may not see them, and names that are closed are unknown.
func empty(code, body string) bool {
	return code == "0" && (body == "" || body == "0\n") || code == "60" || code == "46" || code == "81" || code == "636"
}

// Programs that use clickhouse-go, as Grafana's plugin does, work for each role.
func TestFront_ClickhouseGo(t *testing.T) {
	front := strings.TrimPrefix(rolesFront(t), "http://")
	open := func(user, database string) driver.Conn {
		t.Helper()
		conn, err := clickhouse.Open(&clickhouse.Options{
			Protocol: clickhouse.HTTP, Addr: []string{front}, Auth: clickhouse.Auth{Username: user, Password: "pw", Database: database},
			Settings: clickhouse.Settings{"max_execution_time": 60}, Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	for user, database := range map[string]string{"admin": "ops", "analyst": "mart", "wide": "staging", "grafana": "mart", "loader": "raw"} {
		conn := open(user, database)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // which the client asks for as max_execution_time
		defer cancel()
		var rows uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM t").Scan(&rows); err != nil || rows != 3 {
			t.Errorf("%s reads %d rows of %s: %v", user, rows, database, err)
		}
	}
	batch, err := open("loader", "raw").PrepareBatch(t.Context(), "INSERT INTO t")
	if err == nil {
		err = errors.Join(batch.Append(uint64(7), "seven"), batch.Append(uint64(8), "eight"), batch.Send())
	}
	if err != nil {
		t.Errorf("a loader's batch: %v", err)
	}
	var rows uint64
	if err := open("admin", "raw").QueryRow(t.Context(), "SELECT count() FROM t").Scan(&rows); err != nil || rows != 5 {
		t.Errorf("the batch brought the table to %d rows: %v", rows, err)
	}
	if _, err := open("analyst", "mart").PrepareBatch(t.Context(), "INSERT INTO raw.t"); err == nil {
		t.Error("an analyst prepares a batch")
	}
}

// rolesFront serves a warehouse with tables in each database, and gives its address.
func rolesFront(t *testing.T) string {
	t.Helper()
	library := enginetest.Library(t)
	directory, err := users.NewDirectory(users.DirectoryOptions{Accounts: roleUsers})
	if err != nil {
		t.Fatal(err)
	}
	limit := warehouse.Limit{Time: time.Minute, Memory: 1 << 30, ResultRows: 100, Statements: 4}
	w, err := warehouse.Open(t.Context(), warehouse.Options{
		Home: t.TempDir(), Purpose: warehouse.ForServe, Engine: warehouse.EngineOptions{Library: &library, Threads: 6},
		Front: &warehouse.Front{Listen: "127.0.0.1:0", Users: directory, Limits: map[users.Role]warehouse.Limit{
			users.Analyst: limit, users.Grafana: limit, users.Loader: limit,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, database := range []string{"raw", "staging", "mart", "ops"} {
		for _, sql := range []string{
			"CREATE DATABASE IF NOT EXISTS " + database,
			"CREATE TABLE " + database + ".t (n UInt64, s String) ENGINE = MergeTree ORDER BY n",
			"INSERT INTO " + database + ".t SELECT number, 'top secret' FROM numbers(3)",
		} {
			if err := w.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, sql := range []string{
		"CREATE VIEW mart.v AS SELECT n, '' AS s FROM ops.t",
		"CREATE TABLE mart.empty (n UInt64) ENGINE = MergeTree ORDER BY n",
		"CREATE TABLE ops.queries (n UInt64) ENGINE = MergeTree ORDER BY n",
		"CREATE DICTIONARY ops.d (n UInt64, s String) PRIMARY KEY n SOURCE(CLICKHOUSE(TABLE 't' DB 'ops')) LAYOUT(FLAT()) LIFETIME(0)",
	} {
		if err := w.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return "http://" + w.FrontAddress()
}

// A statement of a user takes half of the threads of a run, unless it says otherwise.
func TestFront_Threads(t *testing.T) {
	front := rolesFront(t)
	for _, c := range []struct{ user, query, want string }{
		{"grafana", "?", "3"},
		{"analyst", "?", "3"},
		{"analyst", "?max_threads=5", "5"},
		{"admin", "?", "6"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front+"/"+c.query, strings.NewReader("select getSetting('max_threads')::UInt8"))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(c.user, "pw")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if got := strings.TrimSpace(string(body)); err != nil || got != c.want {
			t.Errorf("%s %s: %s threads, %v; want %s", c.user, c.query, got, err, c.want)
		}
	}
}
