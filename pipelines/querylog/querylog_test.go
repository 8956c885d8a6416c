package querylog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/querylog"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestLog(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "ops")
	now := noon
	log := querylog.New(querylog.Options{Days: 30, Now: func() time.Time { return now }})
	defer log.Close()
	log.StatementEnded(engine.Statement{ID: "early", Started: noon, SQL: "SELECT 1", Kind: "select", State: engine.StateDone}) // before it runs
	go log.Run(w.Conn(t))
	log.StatementEnded(engine.Statement{
		ID: "one", User: "anna", Remote: "10.0.0.1:5555", Client: "DBeaver", Database: "mart", Kind: "select", State: engine.StateFailed, Code: 47,
		SQL: "SELECT x FROM t WHERE email = 'anna@example.com' AND n = 4711", Started: noon.Add(time.Second), Took: 1500 * time.Microsecond,
		Err:    fmt.Errorf("it went wrong: %w", &engine.Error{Code: 47, Name: "UNKNOWN_IDENTIFIER", Text: "Unknown 'anna@example.com'"}),
		Result: engine.Result{RowsRead: 1, BytesRead: 2, RowsWritten: 3, ResultRows: 4, ResultBytes: 5},
	})
	log.StatementEnded(engine.Statement{ID: "two", User: strings.Repeat("x", 5000), Kind: "other", State: engine.StateRefused, SQL: strings.Repeat("a \xff", 5000), Started: noon})
	log.Flush()
	const columns = "SELECT user, address, client, database, kind, state, code, error, duration_ms, read_rows, read_bytes, written_rows, result_rows, result_bytes, fingerprint > 0, query FROM ops.queries WHERE id = 'one'"
	want := "anna\t10.0.0.1\tDBeaver\tmart\tselect\tfailed\t47\tUNKNOWN_IDENTIFIER\t1.5\t1\t2\t3\t4\t5\t1\tSELECT x FROM t WHERE email = ? AND n = ?\n"
	if got := w.Exec(t, columns); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := w.Exec(t, "SELECT count(), max(length(user)), max(lengthUTF8(query)) FROM ops.queries"); got != "3\t202\t4000\n" {
		t.Errorf("%s", got)
	}
	if got := w.Exec(t, "SELECT count() FROM ops.queries WHERE toString(tuple(*)) LIKE '%example%' OR toString(tuple(*)) LIKE '%4711%'"); got != "0\n" {
		t.Errorf("%s rows hold what was in the statement", got)
	}
}

// The days that are over are dropped, whole.
func TestLog_Keeps(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "ops")
	log := querylog.New(querylog.Options{Days: 7, Now: func() time.Time { return noon }})
	defer log.Close()
	go log.Run(w.Conn(t))
	for day := range 10 {
		log.StatementEnded(engine.Statement{ID: fmt.Sprint(day), Started: noon.AddDate(0, 0, -day), State: engine.StateDone})
	}
	log.Flush()
	if err := log.Prune(); err != nil {
		t.Fatal(err)
	}
	if got := w.Exec(t, "SELECT groupArray(id) FROM (SELECT id FROM ops.queries ORDER BY id)"); got != "['0','1','2','3','4','5','6','7']\n" {
		t.Errorf("kept are %s", got)
	}
}

// A warehouse that does not keep up slows nobody down, and takes no memory
// without end.
func TestLog_Full(t *testing.T) {
	t.Parallel()
	log := querylog.New(querylog.Options{Days: 7})
	for range 50_000 {
		log.StatementEnded(engine.Statement{ID: "x"})
	}
	if n := log.Dropped(); n != 40_000 {
		t.Errorf("%d were dropped", n)
	}
}

// Long statements are held in memory up to a bound only, and make room once written.
func TestLog_LongStatements(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "ops")
	log := querylog.New(querylog.Options{Days: 30, Now: func() time.Time { return noon }})
	defer log.Close()
	long := engine.Statement{ID: "long", Started: noon, Kind: "select", State: engine.StateDone, SQL: "SELECT '" + strings.Repeat("x", 10<<20) + "'"}
	for range 5 {
		log.StatementEnded(long)
	}
	if n := log.Dropped(); n != 2 {
		t.Errorf("%d of 50 MB were dropped, want 2", n)
	}
	go log.Run(w.Conn(t))
	log.Flush()
	log.StatementEnded(long)
	log.Flush()
	if got := w.Exec(t, "SELECT count(), any(query) FROM ops.queries"); got != "4\tSELECT ?\n" {
		t.Errorf("written: %s", got)
	}
}
