package asterisk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/mapping"
	"winback/connectors/sqldb/sqldbtest"
)

var database struct {
	once   sync.Once
	server *sqldbtest.MariaDB
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if database.server != nil {
		if err := database.server.Stop(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

// mariadb starts the server that all tests share, and makes a database of their own.
func mariadb(t *testing.T) (*sqldbtest.MariaDatabase, string) {
	t.Helper()
	database.once.Do(func() { database.server, database.err = sqldbtest.StartMariaDB() })
	if missing, ok := errors.AsType[*sqldbtest.Missing](database.err); ok && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, NOTHING WAS TESTED: %v", missing)
	}
	if database.err != nil {
		t.Fatal(database.err)
	}
	name := fmt.Sprintf("asterisk_%x", rand.Uint32())
	return database.server.Database(t, name), database.server.URL("admin", name)
}

const tables = `
create table cdr (calldate datetime not null, clid varchar(80), src varchar(80), dst varchar(80), dcontext varchar(80), channel varchar(80), dstchannel varchar(80),
	lastapp varchar(80), lastdata varchar(80), duration int, billsec int, disposition varchar(45), amaflags int, accountcode varchar(20), uniqueid varchar(32),
	linkedid varchar(32), recordingfile varchar(255), index (calldate));
create table queue_log (id bigint auto_increment primary key, time datetime(6), callid varchar(80), queuename varchar(256), agent varchar(80), event varchar(32),
	data1 varchar(100), data2 varchar(100), data3 varchar(100), data4 varchar(100), data5 varchar(100), index (time));
`

// insert writes lines of the logs into the tables, as the exchange would on the
// clocks of Berlin.
func insert(t *testing.T, db *sqldbtest.MariaDatabase, cdr, queue string) {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	utc := mapping.NewZone(time.UTC)
	var statements []string
	quoted := func(values ...string) string {
		for i, v := range values {
			values[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		return strings.Join(values, ",")
	}
	for line := range strings.Lines(cdr) {
		p := (&cdrParser{zone: utc}).parse(strings.TrimSpace(line))
		l := p.leg
		get := l.fields.get
		statements = append(statements, "insert into cdr values ("+quoted(l.start.In(berlin).Format(time.DateTime), get("clid"), get("src"), get("dst"), get("dcontext"), get("channel"),
			get("dstchannel"), get("lastapp"), get("lastdata"), fmt.Sprint(l.duration), fmt.Sprint(l.billsec), get("disposition"), "3", "", get("uniqueid"), get("linkedid"), "")+")")
	}
	for line := range strings.Lines(queue) {
		parts := append(strings.Split(strings.TrimSpace(line), "|"), "", "", "", "", "")
		p := parseQueueLine(strings.TrimSpace(line))
		statements = append(statements, "insert into queue_log (time, callid, queuename, agent, event, data1, data2, data3, data4, data5) values ("+
			quoted(append([]string{p.at.In(berlin).Format("2006-01-02 15:04:05.000000")}, parts[1:10]...)...)+")")
	}
	for len(statements) > 0 {
		n := min(len(statements), 200)
		db.Exec(t, strings.Join(statements[:n], ";\n"))
		statements = statements[n:]
	}
}

func tableConfig(url string) (string, connectortest.Project) {
	return `connector: asterisk
timezone: Europe/Berlin
database: {kind: mysql, url: "${PBX_URL}"}
cdr: {table: cdr}
queue_log: {table: queue_log}
contexts: {from-trunk: inbound, from-internal: outbound}
lag: 3h
slice: 150
`, connectortest.Project{Variables: map[string]string{"PBX_URL": url}}
}

// The tables give what the files give, however they are read.
func TestTables_GiveWhatTheFilesGive(t *testing.T) {
	t.Parallel()
	db, url := mariadb(t)
	db.Exec(t, tables)
	day := newDay(3, 250)
	files := newExchange(t)
	files.add("Master.csv", day.text("cdr", 0, 1))
	files.add("queue_log", day.text("queue", 0, 1))
	want := files.reader(bothLogs).MustRun(t)

	yaml, project := tableConfig(url)
	project.Dir = t.TempDir()
	source, err := connectortest.Open(Connector(), yaml, project)
	if err != nil {
		t.Fatal(err)
	}
	reader := connectortest.NewReader(source)
	const steps = 5
	for i := range steps {
		from, to := float64(i)/steps, float64(i+1)/steps
		insert(t, db, day.text("cdr", from, to), day.text("queue", from, to))
		reader.MustRun(t)
	}
	if nothing := reader.MustRun(t); nothing.Written("callcenter.calls") > 0 {
		t.Errorf("%d calls are new though nothing is", nothing.Written("callcenter.calls"))
	}
	for _, id := range want.Keys("callcenter.calls") {
		w, g := withoutPayload(want.Row("callcenter.calls", id)), withoutPayload(reader.Committed.Row("callcenter.calls", id))
		if w != g {
			t.Errorf("%s\nfiles  %s\ntables %s", id, w, g)
		}
	}
	for _, id := range want.Keys("callcenter.queue_events") {
		if w, g := want.Row("callcenter.queue_events", id), reader.Committed.Row("callcenter.queue_events", id); w != g {
			t.Errorf("files  %s\ntables %s", w, g)
		}
	}
}

// withoutPayload leaves out the legs as they were written: a table has no end of a
// call, and times on other clocks.
func withoutPayload(row string) string {
	before, rest, found := strings.Cut(row, " payload=")
	if !found {
		return row
	}
	_, after, _ := strings.Cut(rest, "]} ")
	return before + " " + after
}

func TestTables_MistakesAreTold(t *testing.T) {
	t.Parallel()
	db, url := mariadb(t)
	db.Exec(t, "create table cdr (id int, at datetime); create table queue_log (time datetime, callid varchar(80))")
	yaml, project := tableConfig(url)
	for name, c := range map[string]struct {
		yaml, url, want string
		is              error
	}{
		"no such column":    {yaml, url, "table cdr has no column calldate or start", nil},
		"no such table":     {strings.Replace(yaml, "table: cdr", "table: cdrs", 1), url, "cdrs", nil},
		"wrong password":    {yaml, strings.Replace(url, "secret", "wrong", 1), "", connectors.ErrRefused},
		"nobody there":      {yaml, "mysql://admin:pass-word-1@127.0.0.1:1/asterisk", "", connectors.ErrUnreachable},
		"no database given": {strings.Replace(yaml, "database: {kind: mysql, url: \"${PBX_URL}\"}\n", "", 1), url, "say in database where that is", nil},
	} {
		project.Variables["PBX_URL"], project.Dir = c.url, t.TempDir()
		source, err := connectortest.Open(Connector(), c.yaml, project)
		if err == nil {
			_, err = connectortest.NewReader(source).Run(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: got %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), sqldbtest.Password) || strings.Contains(err.Error(), "pass-word-1")) {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}
