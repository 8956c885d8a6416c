package pipelines

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/pipelines/check"
	"winback/pipelines/warehouse"
)

// chat is a webhook on loopback.
type chat struct {
	*testing.T
	url  string
	told []string
}

func newChat(t *testing.T) *chat {
	t.Helper()
	c := &chat{T: t}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		c.told = append(c.told, message.Text)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// expect wants one message with a text since it was last asked, or none.
func (c *chat) expect(about, want string) {
	c.Helper()
	got := strings.Join(c.told, "\n---\n")
	if c.told = nil; want == "" && got != "" || !strings.Contains(got, want) || strings.Contains(got, "---") {
		c.Errorf("%s: told %q, want %q", about, got, want)
	}
}

const watchedOrders = `      orders:
        files: orders*.csv
        entity: shop.orders
        fields: {id: id, ordered_at: at, status: {const: completed}, items_total: total}
`

// notes are what a run tells a person.
type notes struct {
	unobserved
	texts []string
}

func (n *notes) Note(text string) { n.texts = append(n.texts, text) }

// A project that cron runs tells what is wrong at the end of a run, once, and once that
// it is over; not in quiet hours, and not where a service looks already.
func TestRun_TellsAlarms(t *testing.T) {
	b, c := newBench(t), newChat(t)
	const orders = "id,at,total\n1,2026-01-05,10\n"
	b.write("orders.csv", orders)
	open := func(more string) {
		t.Helper()
		b.configureWith(fmt.Sprintf("alarms: {webhook: %q, without: [source_stale, disk_low, run_late]%s}\nmodels: {only: [stg_shop__orders]}\n", c.url, more), watchedOrders)
	}
	run := func() (Summary, []string) {
		t.Helper()
		said := &notes{}
		s, err := b.project.Run(t.Context(), RunOptions{Observer: said})
		if err != nil {
			t.Fatal(err)
		}
		return s, said.texts
	}
	open("")
	run()
	c.expect("all is well", "")
	b.remove("orders.csv")
	run()
	c.expect("the first failure", "ALARM: the run ")
	run()
	c.expect("the second failure", "")
	b.write("orders.csv", orders)
	run()
	c.expect("the end", "OVER: the run ")
	run()
	c.expect("after the end", "")

	b.remove("orders.csv")
	now := time.Now().UTC()
	open(fmt.Sprintf(", quiet: %s-%s", now.Add(-time.Hour).Format("15:04"), now.Add(time.Hour).Format("15:04")))
	_, said := run()
	c.expect("in quiet hours", "")
	if text := strings.Join(said, "\n"); !strings.Contains(text, "1 wait for the end of the quiet hours") {
		t.Errorf("the run says %q", text)
	}
	open("")
	look, err := b.project.LookForAlarms(t.Context())
	if err != nil || len(look.Open) != 1 || look.Waits != 0 {
		t.Errorf("after the quiet hours: %+v, %v", look, err)
	}
	c.expect("after the quiet hours", "ALARM: the run ")

	lock, err := b.project.lockAlarms() // as winback serve does
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	b.write("orders.csv", orders)
	run()
	c.expect("while a service looks", "")
	if look, err := b.project.LookForAlarms(t.Context()); err != nil || !look.Elsewhere {
		t.Errorf("while a service looks: %+v, %v", look, err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.project.LookForAlarms(t.Context()); err != nil {
		t.Error(err)
	}
	c.expect("after the service", "OVER: the run ")
}

// A warehouse that a run cannot open is told at once, once over several runs, and
// once that it can be opened again.
func TestRun_TellsThatTheWarehouseIsAway(t *testing.T) {
	b, c := newBench(t), newChat(t)
	b.write("orders.csv", "id,at,total\n1,2026-01-05,10\n")
	open := func(url string) {
		t.Helper()
		server := b.server
		b.server = url
		b.configureWith(fmt.Sprintf("alarms: {webhook: %q, without: [disk_low, source_stale]}\nmodels: {only: [stg_shop__orders]}\n", c.url), watchedOrders)
		b.server = server
	}
	open("http://127.0.0.1:1")
	for i, want := range []string{"ALARM: nobody can look for what is wrong since ", ""} {
		if _, err := b.project.Run(t.Context(), RunOptions{}); err == nil {
			t.Fatal("it ran")
		}
		c.expect(fmt.Sprintf("run %d", i+1), want)
	}
	open(b.server)
	b.build()
	c.expect("it answers again", "OVER: what is wrong is looked for again")
	if _, err := os.Stat(filepath.Join(b.project.Home, alarmsBlind)); err == nil {
		t.Error("that it was away is still noted")
	}
}

// What winback check finds is told too, and that it is over.
func TestCheck_TellsAlarms(t *testing.T) {
	b, c := newBench(t), newChat(t)
	b.configureWith(fmt.Sprintf("alarms: {webhook: %q, without: [source_stale, disk_low]}\n", c.url), watchedOrders)
	failing := check.Result{Model: "customers", Check: "unique customer_key", Severity: check.Error, Status: check.Failed, Failures: 2, CheckedAt: time.Now().UTC()}
	for _, step := range []struct {
		status check.Status
		want   string
	}{{check.Failed, "ALARM: check unique customer_key of customers fails in 2 rows"}, {check.Failed, ""}, {check.Passed, "OVER: check unique customer_key"}} {
		failing.Status, failing.CheckedAt = step.status, failing.CheckedAt.Add(time.Second)
		b.project.tellOfChecks(t.Context(), b.w, []check.Result{failing})
		c.expect(string(step.status), step.want)
	}
}

// A home has one service, whatever the warehouse is: two would do every job twice.
func TestLockService(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	unlock, err := lockService(home)
	if err != nil {
		t.Fatal(err)
	}
	var held *warehouse.HeldError
	if _, err := lockService(home); !errors.As(err, &held) || held.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), "(winback serve, since ") {
		t.Errorf("a second service: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := lockService(home)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}
