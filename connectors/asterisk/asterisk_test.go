package asterisk

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/spec"
)

const bothLogs = `connector: asterisk
timezone: UTC
cdr: {files: Master.csv*}
queue_log: {files: queue_log*}
contexts: {from-trunk: inbound, from-internal: outbound}
`

// exchange is a folder with the logs of an exchange.
type exchange struct {
	t   testing.TB
	dir string
}

func newExchange(t testing.TB) *exchange { return &exchange{t, t.TempDir()} }

func (e *exchange) add(name, text string) {
	e.t.Helper()
	f, err := os.OpenFile(filepath.Join(e.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		e.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exchange) rename(from, to string) {
	e.t.Helper()
	if err := os.Rename(filepath.Join(e.dir, from), filepath.Join(e.dir, to)); err != nil {
		e.t.Fatal(err)
	}
}

func (e *exchange) reader(yaml string) *connectortest.Reader {
	e.t.Helper()
	source, err := connectortest.Open(Connector(), yaml, connectortest.Project{Dir: e.dir})
	if err != nil {
		e.t.Fatal(err)
	}
	return connectortest.NewReader(source)
}

const (
	sampleCDR = `"","79160000001","600","from-trunk","""Anna Kim"" <79160000001>","PJSIP/trunk-00000010","PJSIP/101-00000012","Queue","sales,t,,,60","2026-02-10 09:15:00","2026-02-10 09:15:01","2026-02-10 09:18:21",201,200,"ANSWERED","DOCUMENTATION","1770714900.16",""
"","79160000002","600","from-trunk","79160000002","PJSIP/trunk-00000014","","Queue","sales,t,,,60","2026-02-10 09:20:00",,"2026-02-10 09:20:40",40,0,"NO ANSWER","DOCUMENTATION","1770715200.20","src=site;camp=2"
`
	sampleCDR21 = `"","101","79160000003","from-internal","""Agent 101"" <101>","PJSIP/101-00000020","PJSIP/trunk-00000021","Dial","PJSIP/79160000003@trunk,60","2026-02-10 10:00:00",,"2026-02-10 10:00:12",12,0,"BUSY","DOCUMENTATION","1770717600.32","","","1770717600.32",57
`
	sampleQueueLog = `1770714000|NONE|NONE|NONE|QUEUESTART|
1770714010|MANAGER|sales|PJSIP/101|ADDMEMBER|
1770714901|1770714900.16|sales|NONE|ENTERQUEUE||79160000001|1
1770714911|1770714900.16|sales|Agent 102|RINGNOANSWER|10000
1770714921|1770714900.16|sales|Agent 101|CONNECT|20|1770714912.18|9
1770715101|1770714900.16|sales|Agent 101|COMPLETECALLER|20|180|1
1770715200|1770715200.20|sales|NONE|ENTERQUEUE||79160000002|1|Petr
1770715240|1770715200.20|sales|NONE|ABANDON|1|1|40
1770715300|1770715300.22|sales|NONE|ENTERQUEUE|||2
1770715310|1770715300.22|sales|Agent 101|CONNECT|10|1770715301.23|8
1770715350|1770715300.22|sales|Agent 101|BLINDTRANSFER|700|from-internal|10|40|2
1770715400|NONE|NONE|Agent 101|PAUSEALL|lunch
1770715400|NONE|sales|Agent 101|PAUSE|lunch
1770715500|1770715450.25|sales|NONE|EXITWITHTIMEOUT|1|1|50
1770715600|1770715590.27|support|NONE|EXITWITHKEY|1|3|4|10
1770715700|1770715650.29|sales|Agent 101|ATTENDEDTRANSFER|BRIDGE|9f1c2e0a-1111|5|45|1
1770715800|NONE|NONE|NONE|CONFIGRELOAD|
`
)

func TestCalls_AreMadeOfDetailRecordsAndTheQueueLog(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	e.add("Master.csv", sampleCDR+sampleCDR21)
	e.add("queue_log", sampleQueueLog)
	got := e.reader(bothLogs).MustRun(t)
	for id, want := range map[string]string{
		"1770714900.16": "agent_id=Agent 101|agent_name=Agent 101|answered_at=2026-02-10T09:15:21Z|customer_phone=79160000001|direction=inbound|disposition=answered|ended_at=2026-02-10T09:18:21Z|queue=sales|started_at=2026-02-10T09:15:00Z|talk_seconds=180|transfers=0|wait_seconds=20|to_number=600",
		"1770715200.20": "disposition=abandoned|wait_seconds=40|queue=sales|customer_phone=79160000002",
		"1770715300.22": "disposition=answered|talk_seconds=40|transfers=1|wait_seconds=10",
		"1770715450.25": "disposition=abandoned|wait_seconds=50",
		"1770715590.27": "disposition=abandoned|queue=support|wait_seconds=10",
		"1770717600.32": "direction=outbound|disposition=busy|customer_phone=79160000003|from_number=101",
	} {
		row := got.Row("callcenter.calls", id)
		for part := range strings.SplitSeq(want, "|") {
			if !strings.Contains(" "+row+" ", " "+part+" ") {
				t.Errorf("%s: want %s in\n%s", id, part, row)
			}
		}
	}
	if n := len(got.Keys("callcenter.queue_events")); n != 17 {
		t.Errorf("%d events of 17", n)
	}
	if keys := got.Keys("callcenter.agents"); !slices.Equal(keys, []string{"Agent 101", "Agent 102", "PJSIP/101"}) {
		t.Errorf("agents: %q", keys)
	}
	if r := got.Rejects(); len(r) > 0 {
		t.Errorf("put aside: %+v", r)
	}
}

func TestCalls_TimesAreOfTheDeclaredZone(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	e.add("Master.csv", sampleCDR21)
	got := e.reader("connector: asterisk\ntimezone: Europe/Moscow\ncdr: {files: Master.csv}\n").MustRun(t)
	if row := got.Row("callcenter.calls", "1770717600.32"); !strings.Contains(row, "started_at=2026-02-10T07:00:00Z") {
		t.Error(row)
	}
}

func TestLogs_WhatDoesNotFitIsPutAsideOnce(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	e.add("Master.csv", sampleCDR+"\"\",\"1\",\"2\"\n"+strings.Replace(sampleCDR21, "2026-02-10 10:00:00", "yesterday", 1))
	e.add("queue_log", "1770714000|NONE\nnoon|a|b|c|ABANDON|\n"+sampleQueueLog)
	reader := e.reader(bothLogs)
	got := reader.MustRun(t)
	var reasons []string
	for _, r := range got.Rejects() {
		reasons = append(reasons, fmt.Sprintf("%s:%d %s", filepath.Base(r.Input), r.Line, r.Reason))
	}
	slices.Sort(reasons)
	want := []string{
		"Master.csv:3 has 3 columns, where Master.csv has 16 to 21: name them in cdr.columns",
		"Master.csv:4 start is no time: yesterday",
		"queue_log:1 has 2 fields, where the queue log has five or more",
		"queue_log:2 does not begin with a time in seconds since 1970",
	}
	if !slices.Equal(reasons, want) {
		t.Errorf("got %q", reasons)
	}
	if rows := len(got.Keys("callcenter.calls")); rows != 6 {
		t.Errorf("%d calls", rows)
	}
	e.add("queue_log", "1770716000|1770715990.40|sales|NONE|ENTERQUEUE||79160000009|1\n")
	if again := reader.MustRun(t).Rejects(); len(again) > 0 {
		t.Errorf("put aside again: %+v", again)
	}
}

func TestLogs_NothingNewIsNothing(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	e.add("Master.csv", sampleCDR)
	e.add("queue_log", sampleQueueLog)
	reader := e.reader(bothLogs)
	reader.MustRun(t)
	e.add("queue_log", "1770716000|1770715990.40|sales|NONE|ENT") // still being written
	got := reader.MustRun(t)
	if n := got.Written("callcenter.calls") + got.Written("callcenter.queue_events"); n > 0 {
		t.Errorf("%d rows", n)
	}
	if n := len(reader.Cursors[dataset]); n != 1 {
		t.Errorf("%d cursors", n)
	}
}

func TestColumns_OfMasterCSV(t *testing.T) {
	t.Parallel()
	record := func(more ...string) []string { return append(slices.Clone(masterColumns), more...) }
	for name, c := range map[string]struct {
		record []string
		last   string
	}{
		"16":                {record(), "amaflags"},
		"17 with uniqueid":  {record("1770714900.16"), "uniqueid"},
		"17 with userfield": {record("src=site"), "userfield"},
		"18":                {record("1770714900.16", ""), "userfield"},
		"21":                {record("1770714900.16", "", "", "1770714900.16", "7"), "sequence"},
		"system name":       {record("pbx-1770714900.16"), "uniqueid"},
	} {
		if got, err := columnsOf(c.record); err != nil || got[len(got)-1] != c.last {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if _, err := columnsOf(record("", "", "", "", "", "")); err == nil {
		t.Error("22 columns are read")
	}
}

func TestCustomColumns(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	e.add("calls.csv", `"""Anna"" <79160000001>",79160000001,101,from-trunk,2026-02-10 09:15:00,2026-02-10 09:15:05,2026-02-10 09:16:05,65,60,ANSWERED,1770714900.16,PJSIP/101-00000012,/rec/1.wav`+"\n")
	got := e.reader(`connector: asterisk
timezone: UTC
contexts: {from-trunk: inbound}
cdr:
  files: calls.csv
  columns: [clid, src, dst, dcontext, start, answer, end, duration, billsec, disposition, uniqueid, dstchannel, recordingfile]
`).MustRun(t)
	row := got.Row("callcenter.calls", "1770714900.16")
	for _, want := range []string{"agent_id=101", "disposition=answered", "recording_url=/rec/1.wav", "talk_seconds=60", "wait_seconds=5"} {
		if !strings.Contains(row, want) {
			t.Errorf("want %s in %s", want, row)
		}
	}
}

func TestConfig_MistakesAreTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"timezone: UTC": "wants cdr, queue_log, or both",
		"timezone: Mars/Base\nqueue_log: {files: q}":                             `unknown zone "Mars/Base"`,
		"timezone: UTC\ncdr: {files: m, columns: [src, dst, strat, uniqueid]}":   `unknown column "strat"`,
		"timezone: UTC\ncdr: {files: m, columns: [src, dst, start]}":             "needs uniqueid or linkedid",
		"timezone: UTC\nqueue_log: {files: q}\ninside: \"[\"":                    "is no regular expression",
		"timezone: UTC\nqueue_log: {files: q}\ncontexts: {from-trunk: incoming}": "unknown value",
		"queue_log: {files: q}": "timezone",
	} {
		if _, err := connectortest.Open(Connector(), text, connectortest.Project{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v", text, err)
		}
	}
	if err := spec.Check(&Config{}); err != nil {
		t.Error(err)
	}
	if _, err := newExchange(t).open(Connector().Example); err != nil {
		t.Errorf("the example does not open: %v", err)
	}
}

func (e *exchange) open(yaml string) (connectors.Source, error) {
	return connectortest.Open(Connector(), yaml, connectortest.Project{Dir: e.dir})
}

func TestMissingLog_IsTold(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	e.add("Master.csv", sampleCDR)
	_, err := e.reader(bothLogs).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "queue log: nothing to read: no file fits ") {
		t.Errorf("got %v", err)
	}
}

func TestRange_IsReadAgain(t *testing.T) {
	t.Parallel()
	e := newExchange(t)
	day := newDay(1, 200)
	e.add("Master.csv", day.text("cdr", 0, 1))
	e.add("queue_log", day.text("queue", 0, 1))
	reader := e.reader(bothLogs)
	reader.MustRun(t)
	before := fmt.Sprint(reader.Cursors)
	from := day.began.Add(6 * time.Hour)
	got, err := reader.Again(t.Context(), connectors.Range{From: from, Until: from.Add(6 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if n, all := len(got.Keys("callcenter.calls")), len(reader.Committed.Keys("callcenter.calls")); n < all/8 || n > all/2 {
		t.Errorf("%d calls of %d in a quarter of the day", n, all)
	}
	if fmt.Sprint(reader.Cursors) != before {
		t.Error("the cursor has moved")
	}
}

// However the logs grow and are cut, and however they are read, the calls come out
// the same as from the logs read whole at the end.
func TestLogs_ReadAsTheyGrow_GiveWhatTheyGiveWhole(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			day := newDay(seed, 300)
			whole := newExchange(t)
			whole.add("Master.csv", day.text("cdr", 0, 1))
			whole.add("queue_log", day.text("queue", 0, 1))
			want := whole.reader(bothLogs).MustRun(t)

			grown := newExchange(t)
			random := rand.New(rand.NewPCG(seed, 5))
			yaml := bothLogs + fmt.Sprintf("lag: 3h\nslice: %d\n", 20+random.IntN(200))
			reader := grown.reader(yaml)
			grown.add("queue_log", day.text("queue", 0, 0.01))
			grown.add("Master.csv", day.text("cdr", 0, 0.01))
			const steps = 25
			for i := range steps {
				from, to := 0.01+0.99*float64(i)/steps, 0.01+0.99*float64(i+1)/steps
				grown.add("Master.csv", day.text("cdr", from, to))
				grown.add("queue_log", day.text("queue", from, to))
				if random.IntN(8) == 0 {
					grown.rename("queue_log", fmt.Sprintf("queue_log.%d", i))
					grown.add("queue_log", fmt.Sprintf("%d|NONE|NONE|NONE|CONFIGRELOAD|%d\n", day.at(to), i))
				}
				if random.IntN(8) == 0 {
					grown.pack("Master.csv", fmt.Sprintf("Master.csv.%d.gz", i))
				}
				if _, err := os.Stat(filepath.Join(grown.dir, "Master.csv")); err != nil {
					continue // between two files
				}
				reader.MustRun(t)
			}
			reader.MustRun(t)
			compare(t, want, reader.Committed)
		})
	}
}

// pack replaces a file by its packed copy.
func (e *exchange) pack(from, to string) {
	e.t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, from))
	if err != nil {
		return
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		e.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		e.t.Fatal(err)
	}
	e.add(to, packed.String())
	if err := os.Remove(filepath.Join(e.dir, from)); err != nil {
		e.t.Fatal(err)
	}
}

func compare(t *testing.T, want, got *connectortest.Memory) {
	t.Helper()
	for _, name := range []string{"callcenter.calls", "callcenter.queue_events", "callcenter.agents"} {
		different := 0
		for _, key := range want.Keys(name) {
			if w, g := want.Row(name, key), got.Row(name, key); w != g {
				if different++; different <= 3 {
					t.Errorf("%s %s:\nwhole %s\ngrown %s", name, key, w, g)
				}
			}
		}
		live := slices.DeleteFunc(got.Keys(name), func(key string) bool { return strings.Contains(got.Row(name, key), "deleted=true") })
		if w, g := len(want.Keys(name)), len(live); g < w || name == "callcenter.calls" && g != w {
			t.Errorf("%s: %d keys whole, %d grown", name, w, g)
		}
		if different > 3 {
			t.Errorf("%s: %d rows differ", name, different)
		}
	}
}

// day is a day of an exchange, as it is written down.
type day struct {
	began time.Time
	lines map[string][]timedLine // cdr, queue
}

type timedLine struct {
	at   int64
	text string
}

func newDay(seed uint64, n int) *day {
	random := rand.New(rand.NewPCG(seed, 11))
	d := &day{began: time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC), lines: map[string][]timedLine{}}
	for i := range n {
		at := d.began.Unix() + random.Int64N(22*3600)
		d.conversation(random, at, i)
	}
	for _, lines := range d.lines {
		slices.SortStableFunc(lines, func(a, b timedLine) int { return cmp.Compare(a.at, b.at) })
	}
	return d
}

// conversation is one call: abandoned, answered, passed on to another queue, long,
// or straight to an extension.
func (d *day) conversation(random *rand.Rand, at int64, i int) {
	id := fmt.Sprintf("%d.%d", at, i)
	caller := fmt.Sprintf("7916%07d", i)
	queue := func(after int64, name, agent, event string) {
		d.lines["queue"] = append(d.lines["queue"], timedLine{at + after, fmt.Sprintf("%d|%s|%s|%s|%s\n", at+after, id, name, agent, event)})
	}
	leg := func(unique, destination, app string, start, end, billsec int64, disposition string) {
		clock := func(s int64) string { return time.Unix(at+s, 0).UTC().Format(time.DateTime) }
		answer := `"` + clock(end-billsec) + `"`
		if billsec == 0 {
			answer = ""
		}
		d.lines["cdr"] = append(d.lines["cdr"], timedLine{at + end, fmt.Sprintf(
			`"","%s","%s","from-trunk","","PJSIP/trunk-1","PJSIP/%s-2","%s","","%s",%s,"%s",%d,%d,"%s","DOCUMENTATION","%s","","","%s",%d`+"\n",
			caller, destination, destination, app, clock(start), answer, clock(end), end-start, billsec, disposition, unique, id, start)})
	}
	talk := 30 + random.Int64N(7200)
	switch random.IntN(5) {
	case 0:
		queue(1, "sales", "NONE", "ENTERQUEUE||"+caller+"|1")
		queue(41, "sales", "NONE", "ABANDON|1|1|40")
		leg(id, "600", "Queue", 0, 41, 40, "ANSWERED")
	case 1:
		queue(1, "sales", "NONE", "ENTERQUEUE||"+caller+"|1")
		queue(11, "sales", "Anna", "RINGNOANSWER|1000")
		queue(11, "sales", "Anna", "RINGNOANSWER|1000") // twice in a second
		queue(21, "sales", "Boris", "CONNECT|20|x|9")
		queue(21+talk, "sales", "Boris", fmt.Sprintf("COMPLETECALLER|20|%d|1", talk))
		leg(id, "600", "Queue", 0, 21+talk, 20+talk, "ANSWERED")
		leg(id+"9", "101", "AppQueue", 11, 21+talk, talk, "ANSWERED")
	case 2:
		queue(1, "sales", "NONE", "ENTERQUEUE||"+caller+"|1")
		queue(31, "sales", "NONE", "EXITWITHTIMEOUT|1|1|30")
		queue(32, "support", "NONE", "ENTERQUEUE||"+caller+"|1")
		queue(50, "support", "Carl", "CONNECT|18|x|9")
		queue(50+talk, "support", "Carl", fmt.Sprintf("BLINDTRANSFER|700|from-internal|18|%d|1", talk))
		leg(id, "600", "Queue", 0, 50+talk, 50, "ANSWERED")
	case 3: // the queue knows the call by the id of another channel
		d.lines["queue"] = append(d.lines["queue"],
			timedLine{at + 2, fmt.Sprintf("%d|%s7|sales|NONE|ENTERQUEUE||%s|1\n", at+2, id, caller)},
			timedLine{at + 9, fmt.Sprintf("%d|%s7|sales|Anna|CONNECT|7|x|3\n", at+9, id)},
			timedLine{at + 9 + talk, fmt.Sprintf("%d|%s7|sales|Anna|COMPLETEAGENT|7|%d|1\n", at+9+talk, id, talk)})
		leg(id, "600", "Dial", 0, 9+talk, 0, "NO ANSWER")
		leg(id+"7", "600", "Queue", 2, 9+talk, talk, "ANSWERED")
	default:
		leg(id, "101", "Dial", 0, 12+talk, talk, "ANSWERED")
	}
}

// at is the time of a share of the day.
func (d *day) at(share float64) int64 { return d.began.Unix() + int64(share*25*3600) }

// text is what a log was given in a part of the day.
func (d *day) text(log string, from, to float64) string {
	var b strings.Builder
	for _, line := range d.lines[log] {
		if line.at >= d.at(from) && (line.at < d.at(to) || to == 1) {
			b.WriteString(line.text)
		}
	}
	return b.String()
}

func TestRealSamples(t *testing.T) {
	dir := cmp.Or(os.Getenv("WINBACK_TESTDATA"), "../../../shared/data")
	dir = filepath.Join(dir, "export_samples", "asterisk")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the published data sets are not at %s", dir)
		}
		t.Skipf("SKIPPED: the published data sets are not at %s; set WINBACK_TESTDATA", dir)
	}
	e := newExchange(t)
	for _, name := range []string{"Master.csv", "queue_log"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		e.add(name, string(text))
	}
	yaml := strings.Replace(bothLogs, "cdr: {files: Master.csv*}", "cdr: {files: Master.csv, columns: [clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata, start, answer, end, duration, billsec, disposition, amaflags, accountcode, uniqueid, userfield, sequence]}", 1)
	got := e.reader(yaml + "inside: ^(client[0-9]+|[0-9]{4})$\n").MustRun(t)
	if r := got.Rejects(); len(r) > 0 {
		t.Errorf("put aside: %+v", r)
	}
	kinds := map[string]int{}
	for _, row := range got.Rows("callcenter.calls") {
		for part := range strings.FieldsSeq(row) {
			if strings.HasPrefix(part, "disposition=") || strings.HasPrefix(part, "direction=") {
				kinds[part]++
			}
		}
	}
	t.Log(kinds, len(got.Keys("callcenter.queue_events")), slices.Collect(maps.Keys(kinds)))
	if len(got.Keys("callcenter.queue_events")) != 10 || len(got.Keys("callcenter.calls")) < 14 {
		t.Errorf("%d calls, %d events", len(got.Keys("callcenter.calls")), len(got.Keys("callcenter.queue_events")))
	}
}
