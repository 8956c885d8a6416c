package status_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"winback/pipelines/check"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/ledger"
	"winback/pipelines/progress"
	"winback/pipelines/schedule"
	"winback/pipelines/status"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var night = time.Date(2026, 11, 22, 2, 15, 0, 0, time.UTC)

const run = "20261122T021500Z-aaaaaa"

// service is a status page over the books of one night.
type service struct {
	*testing.T
	*status.Server
	url   string
	clock *clockwork.FakeClock
	jobs  *schedule.Scheduler
	did   chan schedule.Slot
	end   func()
}

// login knows ann, an analyst, and bob, an admin.
func login(_ context.Context, name, password, _ string) (status.Viewer, error) {
	if (name == "ann" || name == "bob") && password == "secret-of-"+name {
		return status.Viewer{Name: name, Admin: name == "bob"}, nil
	}
	return status.Viewer{}, errors.New("no")
}

func newService(t *testing.T, change func(*status.Options)) *service {
	t.Helper()
	v := &service{T: t, clock: clockwork.NewFakeClockAt(night.Add(time.Hour)), did: make(chan schedule.Slot, 10)}
	calendar, err := schedule.ParseCron("15 2 * * *", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	v.jobs, err = schedule.New([]schedule.Job{{Name: "nightly", Calendar: calendar, Do: func(_ context.Context, slot schedule.Slot) error {
		v.did <- slot
		return nil
	}}}, schedule.Options{Store: schedule.NewStore(filepath.Join(t.TempDir(), "jobs.json")), Clock: v.clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.jobs.Run(ctx) }()
	v.end = func() { cancel(); <-ended }
	t.Cleanup(cancel)
	for v.jobs.Alive() != nil {
		time.Sleep(time.Millisecond)
	}
	o := status.Options{
		Project: "Ромашка <Co>", Version: "1.2.3", Home: t.TempDir(), Embedded: true, Jobs: v.jobs, Login: login, Now: v.clock.Now,
		RoleOf: func(user string) string { return map[string]string{"ann": "analyst"}[user] },
		Incidents: func(context.Context) ([]status.Incident, error) {
			return []status.Incident{{Kind: "source_stale", Subject: "crm.deals", Text: "crm.deals was not read for 3 days", Since: night, Delivery: "the mail server does not answer"}}, nil
		},
	}
	if change != nil {
		change(&o)
	}
	if v.Server, err = status.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(v.Server)
	t.Cleanup(server.Close)
	v.url = server.URL
	return v
}

// books fills the warehouse and attaches it.
func (v *service) books() {
	v.Helper()
	w := enginetest.Start(v)
	w.Database(v, "ops")
	conn := w.Conn(v)
	l, err := ledger.Open(v.Context(), conn)
	err = errors.Join(err, check.CreateTable(v.Context(), conn))
	if err != nil {
		v.Fatal(err)
	}
	err = errors.Join(
		l.WriteRun(v.Context(), ledger.Run{ID: run, Command: "run", AsOf: night, StartedAt: night, FinishedAt: night.Add(90 * time.Second), State: ledger.Partly, Message: "FAILED extract of crm", Job: "nightly", Slot: night}),
		l.WriteRun(v.Context(), ledger.Run{ID: "20261122T030000Z-bbbbbb", Command: "run", AsOf: night, StartedAt: night.Add(45 * time.Minute), State: ledger.Running}),
		l.WriteSteps(v.Context(), run, []ledger.Step{{Kind: "extract", Name: "crm.deals", State: ledger.Failed, Started: night, Message: "no <answer>"}}),
		l.WriteSteps(v.Context(), "20261122T030000Z-bbbbbb", []ledger.Step{{Kind: "extract", Name: "shop.orders", State: ledger.Done, Rows: 12345, Started: night.Add(45 * time.Minute), Duration: 90 * time.Second, Earlier: []string{"the shop said 503"}}}),
		l.WriteExtractions(v.Context(), run, []ledger.Extraction{{Source: "shop", Dataset: "orders", Entity: "shop.orders", Read: 27, Landed: 20, Unchanged: 7, Slices: 1, Started: night}}),
		l.RecordLoad(v.Context(), ledger.Load{Path: "a", Checksum: "a", Source: "shop", Entity: "shop.orders", RunID: run, Rows: 20, Bytes: 200}),
		check.Record(v.Context(), conn, run, []check.Result{{Model: "customers", Check: "unique customer_key", Severity: check.Error, Status: check.Failed, Failures: 2, Sample: []string{`{"customer_key":"7"}`}, Query: "select 1", CheckedAt: night}}),
		conn.Exec(v.Context(), `INSERT INTO ops.quarantine_records (id, run_id, source, dataset, number, input, line, column, value, reason, record, at, state, revision)
			VALUES ('k3f9a2x.1', '`+run+`', 'shop', 'orders', 1, 'orders.csv', 17, 'mail', 'jane@example', 'is no address', '{"mail":"jane@example"}', now64(6), 'open', 1)`),
	)
	if err != nil {
		v.Fatal(err)
	}
	v.Attach(conn)
	v.Cleanup(v.Detach)
}

// get asks for a page as a user; an empty one logs in as nobody.
func (v *service) get(user, path string) (int, string) {
	v.Helper()
	req, err := http.NewRequestWithContext(v.Context(), http.MethodGet, v.url+path, nil)
	if err != nil {
		v.Fatal(err)
	}
	return v.send(user, req)
}

func (v *service) post(user, path string, form url.Values, origin string) (int, string) {
	v.Helper()
	req, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	return v.send(user, req)
}

func (v *service) send(user string, req *http.Request) (int, string) {
	v.Helper()
	if user != "" {
		req.SetBasicAuth(user, "secret-of-"+user)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		v.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.Fatal(err)
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		v.Errorf("%s: headers %v", req.URL.Path, res.Header)
	}
	return res.StatusCode, string(body)
}

func TestServer_Pages(t *testing.T) {
	v := newService(t, nil)
	v.books()
	for path, wants := range map[string][]string{
		"/":            {"Ромашка &lt;Co&gt;", "shop.orders", "12\u202f345", "nightly", "crm.deals was not read for 3 days", "It could not be delivered: the mail server does not answer", "FAILED extract of crm", "1.2.3"},
		"/runs":        {run, "nightly of 02:15:00", "partly", "running"},
		"/runs/" + run: {"no &lt;answer&gt;", "customers: unique customer_key", "orders.csv:17"},
		"/sources":     {"crm.deals", "never", "no &lt;answer&gt;"},
		"/checks":      {"customers: unique customer_key", "customer_key&#34;:&#34;7"},
		"/quarantine":  {"orders.csv:17", "is no address", "hold personal data"},
		"/alarms":      {"crm.deals was not read for 3 days"},
	} {
		status, body := v.get("ann", path)
		if status != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q:\n%s", path, want, body)
			}
		}
		for _, never := range []string{"jane@example", "<button", "ZgotmplZ", "<script", "<no value>"} {
			if strings.Contains(body, never) {
				t.Errorf("%s has %q", path, never)
			}
		}
		beside := strings.TrimSuffix(path, "/") + ".json"
		if path == "/" {
			beside = "/index.json"
		}
		if status, body := v.get("ann", beside); status != http.StatusOK || !json.Valid([]byte(body)) || strings.Contains(body, "jane@example") {
			t.Errorf("%s: %d %s", beside, status, body)
		}
		if status, _ := v.get("", path); status != http.StatusUnauthorized {
			t.Errorf("%s without a login: %d", path, status)
		}
	}
	if _, body := v.get("bob", "/quarantine"); !strings.Contains(body, "jane@example") {
		t.Errorf("an admin does not see the line:\n%s", body)
	}
	if status, _ := v.get("ann", "/runs/nosuch"); status != http.StatusNotFound {
		t.Errorf("a run that is not there: %d", status)
	}
}

var tokenIn = regexp.MustCompile(`name="token" value="(\w+)"`)

// A run that is under way is shown with what it does at the moment, since when and how
// far it is, how long such runs take, and when jobs are due next: as a page and as JSON.
func TestServer_ARunUnderWay(t *testing.T) {
	home := t.TempDir()
	v := newService(t, func(o *status.Options) { o.Home = home })
	v.books()
	const under = "20261122T030000Z-bbbbbb"
	began := v.clock.Now().Add(-40 * time.Second)
	at := func() time.Time { return began }
	r := progress.NewRecorder(home, under, at)
	r.Update(progress.Stage, "extract", nil)
	r.Update("extract", "shop.orders", func(a *progress.Activity) { a.Rows, a.Bytes, a.Done, a.Of = 54321, 2<<20, 30, 120 })
	if err := r.Write(); err != nil {
		t.Fatal(err)
	}
	l := ledger.Over(enginetest.Start(t).Conn(t))
	before := ledger.Run{ID: "20261121T030000Z-cccccc", Command: "run", AsOf: night, StartedAt: night.Add(-24 * time.Hour), FinishedAt: night.Add(-24*time.Hour + 4*time.Minute), State: ledger.Done}
	if err := l.WriteRun(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	expect := func(path string, wants ...string) {
		t.Helper()
		code, body := v.get("ann", path)
		if code != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, code, body)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q:\n%s", path, want, body)
			}
		}
	}
	expect("/", "54\u202f321", "2.0 MiB", `value="25"`, "03:14:20", "Such runs take 4m0s as a rule", `content="5"`, "Next: <b>nightly</b> at 2026-11-23 02:15, in 23 h")
	expect("/runs/"+under, "54\u202f321", "tried 2 times", "the shop said 503")
	expect("/runs/"+under+".json", `"attempts": 2`, `"the shop said 503"`)
	_, body := v.get("ann", "/index.json")
	var now status.Overview
	if err := json.Unmarshal([]byte(body), &now); err != nil {
		t.Fatal(err)
	}
	if len(now.Running) != 1 || now.Running[0].Present == nil || len(now.Running[0].Present.Doing) != 2 || now.Running[0].Silent || now.Running[0].Usual != 240 {
		t.Errorf("it tells %+v", now.Running)
	}
	if len(now.Next) != 1 || now.Next[0].Job != "nightly" || !now.Next[0].At.Equal(night.Add(24*time.Hour)) {
		t.Errorf("next comes %+v", now.Next)
	}
	began = v.clock.Now().Add(-10 * time.Minute)
	if err := r.Write(); err != nil {
		t.Fatal(err)
	}
	expect("/", "It has not told how far it is since 03:05:00")
}

// Only an admin has jobs done, and only from a page of this service.
func TestServer_Actions(t *testing.T) {
	v := newService(t, nil)
	v.books()
	_, page := v.get("bob", "/")
	token := tokenIn.FindStringSubmatch(page)
	if token == nil {
		t.Fatal(page)
	}
	form := url.Values{"token": {token[1]}}
	for _, c := range []struct {
		about, user, path string
		form              url.Values
		origin            string
		want              int
	}{
		{"nobody", "", "/jobs/nightly/run", form, "", http.StatusUnauthorized},
		{"an analyst", "ann", "/jobs/nightly/run", form, "", http.StatusForbidden},
		{"a form without the token", "bob", "/jobs/nightly/run", nil, "", http.StatusForbidden},
		{"a page elsewhere", "bob", "/jobs/nightly/run", form, "https://evil.example", http.StatusForbidden},
		{"a job that is not there", "bob", "/jobs/weekly/run", form, "", http.StatusNotFound},
		{"nothing that can be done", "bob", "/jobs/nightly/explode", form, "", http.StatusNotFound},
		{"a pause", "bob", "/jobs/nightly/pause", form, v.url, http.StatusSeeOther},
		{"a run", "bob", "/jobs/nightly/run", form, v.url, http.StatusSeeOther},
	} {
		if status, body := v.post(c.user, c.path, c.form, c.origin); status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.about, status, c.want, body)
		}
	}
	select {
	case slot := <-v.did:
		if !slot.Manual {
			t.Errorf("the slot is %+v", slot)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the job was not done")
	}
	paused := func() bool {
		_, page = v.get("bob", "/")
		return strings.Contains(page, "Resume") && strings.Contains(page, `<span class="state paused">`)
	}
	for deadline := time.Now().Add(20 * time.Second); !paused(); {
		if time.Now().After(deadline) {
			t.Fatalf("the job is not paused:\n%s", page)
		}
	}
	if status, _ := v.get("bob", "/jobs/nightly/resume"); status != http.StatusMethodNotAllowed && status != http.StatusNotFound {
		t.Errorf("a link does something: %d", status)
	}
}

// Without users everybody on this machine looks; a page on the web whose name leads
// here does not.
func TestServer_WithoutUsers(t *testing.T) {
	v := newService(t, func(o *status.Options) { o.Login = nil })
	if status, body := v.get("", "/"); status != http.StatusOK || strings.Contains(body, "<button") {
		t.Errorf("%d\n%s", status, body)
	}
	if status, _ := v.post("", "/jobs/nightly/run", nil, ""); status != http.StatusForbidden {
		t.Errorf("somebody has a job done: %d", status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	if status, _ := v.send("", req); status != http.StatusForbidden {
		t.Errorf("a foreign name: %d", status)
	}
}

// Health fails once the scheduler's loop or another part is gone; readiness needs
// the warehouse too. The first page tells both.
func TestServer_Health(t *testing.T) {
	var watch error
	v := newService(t, func(o *status.Options) { o.Parts = map[string]func() error{"alarms": func() error { return watch }} })
	expect := func(path string, want int, text string) {
		t.Helper()
		if status, body := v.get("", path); status != want || !strings.Contains(body, text) {
			t.Errorf("%s: %d %q, want %d %q", path, status, body, want, text)
		}
	}
	expect("/healthz", 200, "ok")
	expect("/readyz", 503, "the warehouse is not open yet")
	v.books()
	expect("/readyz", 200, "ok")
	watch = errors.New("nobody has looked for 5m0s")
	expect("/healthz", 503, "alarms: nobody has looked")
	watch = nil
	expect("/healthz", 200, "ok")
	v.end()
	expect("/healthz", 503, "the scheduler does not run")
	expect("/readyz", 503, "the scheduler does not run")
	if _, body := v.get("bob", "/"); !strings.Contains(body, "the scheduler does not run") {
		t.Errorf("the page does not say it:\n%s", body)
	}
}

// TestServer_Metrics reads the figures as Prometheus does.
func TestServer_Metrics(t *testing.T) {
	v := newService(t, nil)
	v.books()
	v.Metrics().QueryEnded("ann", "done", 30*time.Millisecond)
	v.Metrics().QueryEnded("jane@example", "refused", time.Millisecond)
	code, body := v.get("", "/metrics")
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`winback_build_info{goversion="`, `winback_runs_total{job="nightly",state="partly"} 1`, `winback_rows_total{entity="shop.orders",source="shop"} 20`,
		`winback_unchanged_rows_total{entity="shop.orders",source="shop"} 7`, `winback_bytes_total{entity="shop.orders",source="shop"} 200`, `winback_run_duration_seconds_bucket{job="nightly",le="300"} 1`,
		`winback_run_duration_seconds_bucket{job="nightly",le="60"} 0`, `winback_run_duration_seconds_sum{job="nightly"} 90`,
		`winback_source_freshness_seconds{dataset="orders",source="shop"} 900`, `winback_source_last_read_ok{dataset="deals",source="crm"} 0`,
		`winback_steps_total{kind="extract",state="done"} 1`, `winback_step_retries_total{kind="extract",state="done"} 1`, `winback_step_retries_total{kind="extract",state="failed"} 0`,
		`winback_queries_total{state="done",user_role="analyst"} 1`, `winback_queries_total{state="refused",user_role="none"} 1`,
		`winback_query_duration_seconds_count{user_role="analyst"} 1`, `winback_scheduler_up 1`, `winback_warehouse_up 1`,
		`winback_checks_failing{severity="error"} 1`, `winback_quarantine_open_records{dataset="orders",source="shop"} 1`,
		`winback_incidents_open{kind="source_stale"} 1`, `winback_job_next_run_timestamp_seconds{job="nightly"} 1.7954001e+09`,
	} {
		if !strings.Contains(body, line) {
			t.Errorf("no %s in\n%s", line, grep(body, "winback_"))
		}
	}
	for _, never := range []string{"ann\"", "jane", "secret"} {
		if strings.Contains(body, never) {
			t.Errorf("%q is among the figures", never)
		}
	}
	for name := range maps.Keys(families) {
		if !strings.HasPrefix(name, "winback_") && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("a foreign name: %s", name)
		}
	}
	v.Detach()
	if _, body := v.get("", "/metrics"); !strings.Contains(body, "winback_build_info") {
		t.Errorf("without a warehouse nothing is told:\n%s", body)
	}
}

// Where it has a certificate, passwords travel encrypted or not at all. An address
// that somebody else has is told with a way out.
func TestServer_Listen(t *testing.T) {
	v := newService(t, nil)
	with := httptest.NewTLSServer(http.NotFoundHandler())
	defer with.Close()
	at, stop, err := v.Listen("127.0.0.1:0", &tls.Config{Certificates: with.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(url string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := with.Client().Do(req)
		if err != nil {
			return 0
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := ask("https://" + at + "/healthz"); got != http.StatusOK {
		t.Errorf("with TLS: %d", got)
	}
	if got := ask("http://" + at + "/healthz"); got == http.StatusOK {
		t.Errorf("without TLS: %d", got)
	}
	_, _, err = v.Listen(at, nil)
	var taken *status.ListenError
	if !errors.As(err, &taken) || !strings.Contains(err.Error(), "in use by another program") || taken.Hint() == "" {
		t.Errorf("a second one: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := ask("https://" + at + "/healthz"); got != 0 {
		t.Errorf("after its end: %d", got)
	}
}

func TestServer_MetricsBehindALogin(t *testing.T) {
	v := newService(t, func(o *status.Options) { o.LoginForMetrics = true })
	if status, _ := v.get("", "/metrics"); status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", status)
	}
	if status, _ := v.get("ann", "/metrics"); status != http.StatusOK {
		t.Errorf("ann: %d", status)
	}
}

func grep(text, what string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return !strings.HasPrefix(line, what) }), "\n")
}
