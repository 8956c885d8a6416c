package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// readersEndpoint serves everybody as a reader of the database "shown", beside
// which there is one that is hidden.
func readersEndpoint(t *testing.T) string {
	t.Helper()
	w := enginetest.Start(t)
	w.Database(t, enginetest.Shown)
	w.Database(t, "hidden")
	for _, sql := range []string{
		"CREATE TABLE hidden.t (n UInt64, secret String) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO hidden.t VALUES (1, 'hidden row')",
		"CREATE TABLE hidden.j (n UInt64, secret String) ENGINE = Join(ANY, LEFT, n)",
		"INSERT INTO hidden.j VALUES (1, 'hidden row')",
		"CREATE DICTIONARY hidden.d (n UInt64, secret String) PRIMARY KEY n SOURCE(CLICKHOUSE(TABLE 't' DB 'hidden')) LAYOUT(FLAT()) LIFETIME(0)",
		"CREATE TABLE shown.t (n UInt64, file String, role String, format String) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO shown.t VALUES (1, 'a file', 'a role', 'a format')",
		"CREATE VIEW shown.v AS SELECT n, length(secret) AS size FROM hidden.t",
		"CREATE VIEW shown.by_number AS SELECT * FROM shown.t WHERE n = {number:UInt64}",
	} {
		w.Exec(t, sql)
	}
	return serve(t, engine.HandlerOptions{Authenticate: func(context.Context, engine.Credentials) (engine.Access, error) {
		return engine.Access{Role: enginetest.Reader, Database: enginetest.Shown, Settings: map[string]string{"readonly": "2"}}, nil
	}})
}

func TestRole_Allows(t *testing.T) {
	base := readersEndpoint(t)
	for sql, want := range map[string]string{
		"SELECT n, t.file FROM shown.t AS t":                                  "1\ta file\n",
		"SELECT role, format, t.file FROM t":                                  "a role\ta format\ta file\n",
		"SELECT * FROM shown.v":                                               "1\t10\n", // through the view, not below it
		"SELECT n FROM shown.by_number(number = 1)":                           "1\n",
		"SELECT format('{} {}', 'a', 'b')":                                    "a b\n",
		"SELECT format('{}', t.file) FROM t":                                  "a file\n",
		"SELECT sum(number) FROM numbers(4)":                                  "6\n",
		"SELECT a FROM values('a Int8', 3)":                                   "3\n",
		"SELECT n FROM t SETTINGS max_threads = 1":                            "1\n",
		"SELECT max(number) FROM (SELECT number FROM system.numbers LIMIT 3)": "2\n",
		"WITH x AS (SELECT n FROM t) SELECT count() FROM x JOIN t USING (n)":  "1\n",
		"SHOW TABLES":                       "by_number\nt\nv\n",
		"SHOW DATABASES":                    "shown\n",
		"EXISTS hidden.t":                   "",
		"SELECT name FROM system.databases": "shown\n",
		"SELECT name FROM system.tables WHERE database = 'shown' ORDER BY name":        "by_number\nt\nv\n",
		"SELECT count() FROM system.tables WHERE database = 'hidden'":                  "0\n",
		"SELECT count() FROM system.columns WHERE database = 'hidden'":                 "0\n",
		"SELECT count() FROM system.parts WHERE database = 'hidden'":                   "0\n",
		"SELECT count() FROM information_schema.columns WHERE table_schema = 'hidden'": "0\n",
		"SELECT count() > 100 FROM system.functions":                                   "1\n",
		"SELECT count() FROM system.processes":                                         "0\n",
		"SELECT count() FROM system.server_settings":                                   "0\n",
		"SELECT count() FROM system.errors":                                            "0\n",
		"SELECT currentDatabase()":                                                     "shown\n",
		"EXPLAIN SELECT n FROM t SETTINGS explain_query_plan_default = 'legacy'":       "",
		"KILL QUERY WHERE 1": "",
	} {
		got := ask(t, base, "POST", "/", sql)
		if got.status != 200 && want != "" || want != "" && got.body != want {
			t.Errorf("%s: %d %q, want %q", sql, got.status, got.body, want)
		}
	}
}

func TestRole_Refuses(t *testing.T) {
	base := readersEndpoint(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("hidden row"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		// Tables, by whatever name.
		"SELECT * FROM hidden.t", "SELECT * FROM `hidden`.`t`", "SELECT (SELECT secret FROM hidden.t)", "SELECT 1 IN (SELECT n FROM hidden.t)",
		"SELECT n IN hidden.t FROM shown.t", "SELECT * FROM merge('hidden', '.*')", "SELECT * FROM merge(REGEXP('hid.*'), 't')",
		"SELECT dictGet('hidden.d', 'secret', 1)", "SELECT * FROM dictionary('hidden.d')", "SELECT joinGet('hidden.j', 'secret', 1)",
		"SELECT * FROM loop(hidden.t) LIMIT 1", "SELECT * FROM view(SELECT * FROM hidden.t)", "SELECT * FROM mergeTreeIndex('hidden', 't')",
		"SELECT * FROM {t:Identifier}.t", "WITH x AS (SELECT * FROM hidden.t) SELECT * FROM x", "SELECT * FROM shown.t UNION ALL SELECT n, secret, '', '' FROM hidden.t",
		"EXPLAIN SELECT * FROM hidden.t", "DESCRIBE TABLE hidden.t", "SHOW CREATE TABLE hidden.t", "USE hidden", "SHOW TABLES FROM hidden", "CHECK TABLE hidden.t",
		"SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM hidden.t))", "SELECT * FROM eval('SELECT * FROM hidden.t')",
		"SELECT * FROM eval('SELECT * FROM hidden.t') SETTINGS allow_experimental_eval_table_function = 1",
		"SELECT * FROM remote('127.0.0.1', hidden.t)", "SELECT * FROM cluster('default', hidden.t)",
		// Another role.
		"SET ROLE winback_everything", "SET ROLE DEFAULT", "set /**/ role all", "\u00a0SET ROLE ALL", "SET DEFAULT ROLE ALL TO default", "EXECUTE AS default SELECT 1",
		"SET readonly = 0", "SELECT 1 SETTINGS readonly = 0", "SET dialect = 'kusto'", "GRANT ALL ON *.* TO default",
		// Files and the network.
		"SELECT file('FILE')", "SELECT `fi\\x6ce`('FILE')", "SELECT “file”('FILE')", "SELECT \"file\" /**/ ('FILE')", "SELECT * APPLY(file) FROM (SELECT 'FILE')",
		"SELECT * APPLY file FROM (SELECT 'FILE')", "SELECT arrayMap(x -> file(x), ['FILE'])", "SELECT * FROM file('FILE', LineAsString)", "DESCRIBE file('FILE', LineAsString)",
		"SELECT * FROM `FILE`", "SELECT * FROM default.`FILE`", "SELECT * FROM 'FILE'", "SELECT 1 INTO OUTFILE 'FILE'", "INSERT INTO FUNCTION file('FILE', CSV, 'a Int8') SELECT 1",
		"SELECT * FROM format(Values, 'a String', $$(file('FILE'))$$)", "SELECT * FROM format('Values', 'a String', $$(file('FILE'))$$)",
		"WITH 'Values' AS CSV SELECT * FROM format(CSV, 'a String', $$(file('FILE'))$$)", "SELECT * FROM format(concat('Val', 'ues'), 'a String', $$(file('FILE'))$$)",
		"SELECT arrayMap(file, ['FILE'])", "SELECT x FROM (SELECT 1 AS one) ARRAY JOIN arrayMap(file, ['FILE']) AS x", "WITH file AS f SELECT arrayMap(f, ['FILE'])",
		"SELECT * FROM icebergLocal('FILE')", "SELECT * FROM deltaLakeLocal('FILE')", "SELECT * FROM executable('FILE', TSV, 'a String')", "SELECT * FROM arrowstream(1)", "SELECT * FROM paimonLocal('FILE')",
		// SQL inside of texts, which is read later.
		"SELECT b FROM values('a String, b String ALIAS file(''FILE'')', 'x')", "SELECT b FROM values(concat('a String, b String ALI', 'AS file(''FILE'')'), 'x')", "SELECT b FROM generateRandom('a UInt8, b String ALIAS file(''FILE'')') LIMIT 1",
		"SELECT b FROM `values`('a String, b String ALIAS file(''FILE'')', 'x')", "SELECT b FROM null('b String ALIAS file(''FILE'')')", "CREATE TEMPORARY TABLE x AS values('a String, b String ALIAS file(''FILE'')', 'x')",
		"SELECT n FROM shown.t SETTINGS additional_result_filter = 'notEmpty(arrayMap(file, [''FILE'']))'", "SELECT n FROM shown.t SETTINGS additional_result_filter = 'n IN (SELECT b FROM values(''b UInt8 ALIAS 1'', 1))'",
		"SELECT * FROM format(CSV, 'a Int8', '5')", "SELECT * FROM format('{\"a\": 1}')", "INSERT INTO x SELECT b FROM input('a String, b String DEFAULT 1') FORMAT JSONEachRow {}",
		"SELECT n FROM shown.t SETTINGS additional_result_filter = 'startsWith(`fi\\\\x6ce`(\\'FILE\\'), \\'hidden\\')'",
		"SELECT b FROM format('JSONEachRow', 'a String, b String DEFAULT file(''FILE'')', '{\"a\": \"x\"}')", "SELECT b FROM format('JSONEachRow', concat('a String, b String DEFAULT fi', 'le(''FILE'')'), '{\"a\": \"x\"}')",
		"SELECT b FROM format('JSONEachRow', 'a String, b String DEFAULT `fi\\\\x6ce`(''FILE'')', '{\"a\": \"x\"}')", "SELECT b FROM format('JSONEachRow', 'a String, b String DEFAULT file/* */(''FILE'')', '{\"a\": \"x\"}')",
		"SELECT n FROM shown.t SETTINGS additional_table_filters = {'shown.t': 'startsWith(file(\\'FILE\\'), \\'hidden\\')'}", "SELECT n FROM shown.t SETTINGS additional_result_filter = 'startsWith(file(\\'FILE\\'), \\'hidden\\')'",
		"SELECT n FROM shown.t SETTINGS additional_result_filter = 'n IN (SELECT 1 FROM hidden.t)'",
		"SELECT 1 FORMAT Template SETTINGS format_template_row = 'FILE'", "SELECT 1 FORMAT Template SETTINGS format_template_resultset = 'FILE'",
		"SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", "SELECT * FROM s3('http://127.0.0.1:1/a', CSV)", "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
		"SELECT * FROM sqlite('FILE', 't')", "SELECT * FROM filesystem('/etc')",
		"CREATE TEMPORARY TABLE x (a String DEFAULT file('FILE'))", "CREATE TEMPORARY TABLE x (a String) ENGINE = File(LineAsString, 'FILE')",
		"CREATE TEMPORARY TABLE x AS SELECT file('FILE')", "INSERT INTO x VALUES (file('FILE'))",
		// Changes.
		"INSERT INTO shown.t SELECT 2, '', '', ''", "INSERT INTO shown.t FORMAT CSV\n2,a,b,c\n", "ALTER TABLE shown.t DELETE WHERE 1", "DROP TABLE shown.t", "TRUNCATE TABLE shown.t",
		"CREATE TABLE shown.x (a Int8) ENGINE = Memory", "CREATE VIEW shown.x AS SELECT * FROM hidden.t", "CREATE DATABASE mine", "CREATE FUNCTION f AS x -> x",
		"SYSTEM SHUTDOWN", "SYSTEM FLUSH LOGS", "BACKUP TABLE hidden.t TO File('FILE')", "OPTIMIZE TABLE shown.t", "RENAME TABLE shown.t TO shown.u", "ATTACH TABLE x", "DETACH TABLE shown.t",
	} {
		sql = strings.ReplaceAll(sql, "FILE'", file+"'")
		sql = strings.ReplaceAll(sql, "FILE`", file+"`")
		for name, target := range map[string]string{"": "/?param_t=hidden", " in a session": "/?param_t=hidden&session_id=reader"} {
			got := ask(t, base, "POST", target, sql)
			if got.status == 200 && got.body != "" || strings.Contains(got.body, "hidden row") {
				t.Errorf("%s%s: %d %q", sql, name, got.status, got.body)
			}
			if got.status == 200 && !strings.HasPrefix(sql, "SHOW TABLES") {
				t.Errorf("%s%s: %d", sql, name, got.status)
			}
		}
	}
	if rows := enginetest.Start(t).Exec(t, "SELECT count() FROM shown.t"); rows != "1\n" {
		t.Errorf("the table has %s rows", rows)
	}
}

func TestRole_SettingsAndParametersOfRequests(t *testing.T) {
	base := readersEndpoint(t)
	for target, code := range map[string]string{
		"/?format_template_row=x": "497", "/?additional_result_filter=length(file('/etc/passwd'))": "497", "/?Dialect=kusto": "", "/?dialect=kusto": "497", "/?readonly=0": "", "/?database=hidden": "497",
		"/?role=winback_everything": "", "/?max_execution_time=64&max_threads=1": "",
	} {
		got := ask(t, base, "POST", target, "SELECT * FROM hidden.t")
		if got.status == 200 || strings.Contains(got.body, "hidden row") || code != "" && got.header.Get("X-ClickHouse-Exception-Code") != code {
			t.Errorf("%s: %d %s", target, got.status, got.body)
		}
	}
	// A client that names the usual database gets the reader's.
	if got := ask(t, base, "POST", "/?database=default", "SELECT currentDatabase()"); got.body != "shown\n" {
		t.Errorf("%d %q", got.status, got.body)
	}
	// Temporary tables are allowed where they last, and come with a request.
	for _, step := range [][2]string{
		{"CREATE TEMPORARY TABLE mine (a String)", ""}, {"INSERT INTO mine FORMAT CSV\nfile\n", ""},
		{"INSERT INTO mine SELECT t.file FROM t", ""}, {"SELECT count() FROM mine", "2\n"},
	} {
		if got := ask(t, base, "POST", "/?session_id=tables", step[0]); got.status != 200 || got.body != step[1] {
			t.Errorf("%s: %d %q", step[0], got.status, got.body)
		}
	}
	for format, want := range map[string]int{"CSV": 200, "Values": 403} {
		got := ask(t, base, "POST", query("SELECT a FROM ext")+"&ext_format="+format+"&ext_structure=a+String", "--x\r\nContent-Disposition: form-data; name=\"ext\"; filename=\"a\"\r\n\r\n('b')\r\n--x--\r\n", "Content-Type", "multipart/form-data; boundary=x")
		if got.status != want {
			t.Errorf("external rows as %s: %d %s", format, got.status, got.body)
		}
	}
	got := ask(t, base, "POST", query("SELECT a FROM ext")+"&ext_structure=a+String+DEFAULT+file('/etc/passwd')", "--x\r\nContent-Disposition: form-data; name=\"ext\"; filename=\"a\"\r\n\r\nb\r\n--x--\r\n", "Content-Type", "multipart/form-data; boundary=x")
	if got.status != 403 {
		t.Errorf("an external table with a default: %d %s", got.status, got.body)
	}
}

func TestRole_MustBeKnown(t *testing.T) {
	if _, err := enginetest.Start(t).Engine.SessionAs(context.Background(), "nobody", "", nil); err == nil {
		t.Error("an unknown role was given a session")
	}
}
