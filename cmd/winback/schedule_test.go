package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"winback/dashboards/report"
	"winback/pipelines/notify/notifytest"
)

const jobs = `schedule:
  orders: {every: 5s, only: [source:shop, stg_shop__orders]}
  yearly: {cron: "0 3 1 1 *", only: [source:shop, stg_shop__orders]}
`

// A service does its jobs when they are due; one that was killed in the midst of
// a job begins with it.
func TestServe_DoesJobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "winback.yaml")
	for name, text := range map[string]string{
		"winback.yaml": servedProject + jobs, ".env": "ANN=secret-of-ann\nBOB=secret-of-bob\n",
		"orders.csv": "id,customer,day,total\n1,a,2026-01-05,10.00\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server, _ := serveAgain(t, dir)
	server.await("orders: run ")
	appendTo(t, filepath.Join(dir, "orders.csv"), "2,b,2026-01-06,12.50\n")
	if !server.hears("orders: run ", 2) {
		t.Fatal(server.stderr())
	}
	got := ask(t, config, dir, "select distinct job, slot is not null, state from ops.runs final where state != 'running'")
	if want := "orders\t1\tdone"; strings.Join(got, "\n") != want {
		t.Errorf("the books say %q, want %q", got, want)
	}
	if got := ask(t, config, dir, "select count() from raw.shop_orders final"); got[0] != "2" {
		t.Errorf("%s orders", got)
	}
	list := winback(t, exitDone, "schedule", "list", "-c", config).stdout.String()
	for _, want := range []string{"orders", "every 5s", "yearly", "0 3 1 1 *", "-01-01 03:00"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}

	winback(t, exitDone, "schedule", "pause", "orders", "-c", config)
	server.signal(syscall.SIGKILL)
	server.code()
	state := filepath.Join(dir, "schedule.json")
	text, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	// As if it had been killed in the midst of the first job of the year.
	broken := strings.Replace(string(text), "\n}", `, "yearly": {"slot": "2026-01-01T03:00:00Z", "outcome": "running"}`+"\n}", 1)
	if err := os.WriteFile(state, []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	server, _ = serveAgain(t, dir)
	server.await("yearly: run ")
	server.signal(syscall.SIGTERM)
	if code := server.code(); code != exitDone {
		t.Errorf("exit code %d\n%s", code, server.stderr())
	}
	if said := server.stderr(); strings.Contains(said, "orders: run ") {
		t.Errorf("a paused job was done:\n%s", said)
	}
	winback(t, exitDone, "schedule", "run", "orders", "-c", config)
}

// A job of the schedule mails the report, here with what a project without models has to
// show.
func TestSchedule_MailsReports(t *testing.T) {
	t.Parallel()
	in := notifytest.NewInbox(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "winback.yaml")
	text := fmt.Sprintf(`project: acme
timezone: UTC
currency: GBP
schedule:
  monday: {cron: "0 7 * * MON", does: report}
report:
  mail: {host: 127.0.0.1, port: %d, tls: none, from: winback <reports@example.com>}
  recipients:
    - {to: head@example.com, dashboards: [data-health], filters: {source: shop}}
`, in.Port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startIn(t, []string{report.BrowserVariable + "=" + printer(t)}, "schedule", "run", "monday", "-c", config)
	if code := p.code(); code == exitUsage || !strings.Contains(p.stdout.String(), "Sent 1 report") {
		t.Fatalf("exit code %d: %s%s", code, p.stdout.String(), p.stderr())
	}
	if letter := <-in.Got; !strings.Contains(letter, "head@example.com") {
		t.Errorf("the letter is %s", letter)
	}
}
