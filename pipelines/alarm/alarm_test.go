package alarm_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jonboulle/clockwork"

	"winback/pipelines/alarm"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/notify"
	"winback/pipelines/notify/notifytest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// chat is a webhook on loopback that can be out of order.
type chat struct {
	url    string
	got    []string
	status int
}

func newChat(t *testing.T) *chat {
	c := &chat{status: http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the webhook got %v, %v", r.Header, err)
		}
		if c.status == http.StatusOK {
			c.got = append(c.got, body.Text)
		}
		w.WriteHeader(c.status)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL + "/secret-token"
	return c
}

// last takes what came since it was last asked.
func (c *chat) last() string {
	all := strings.Join(c.got, "\n---\n")
	c.got = nil
	return all
}

// watch is a watcher under a clock that stands still, of things that are wrong as
// the test says.
type watch struct {
	*testing.T
	*alarm.Watcher
	o     alarm.Options
	conn  driver.Conn
	clock *clockwork.FakeClock
	chat  *chat
	wrong map[alarm.Kind][]string
	// unknown are subjects of which nobody knows, blind is why nobody sees anything.
	unknown []string
	blind   error
}

func newWatch(t *testing.T, change func(*alarm.Options)) *watch {
	t.Helper()
	w := enginetest.Start(t)
	w.Database(t, "ops")
	v := &watch{T: t, conn: w.Conn(t), clock: clockwork.NewFakeClockAt(noon), chat: newChat(t), wrong: map[alarm.Kind][]string{}}
	v.o = alarm.Options{
		Project: "Acme", Warehouse: func() (driver.Conn, error) { return v.conn, nil }, Clock: v.clock,
		Channels: []notify.Channel{notify.Webhook{URL: v.chat.url}},
	}
	for _, kind := range []alarm.Kind{alarm.RunFailed, alarm.SourceStale, alarm.DiskLow} {
		v.o.Finders = append(v.o.Finders, alarm.Finder{Kind: kind, Find: func(context.Context, time.Time) ([]alarm.Finding, error) {
			var found []alarm.Finding
			for _, subject := range v.wrong[kind] {
				found = append(found, alarm.Finding{Kind: kind, Subject: subject, Text: subject + " is wrong"})
			}
			for _, subject := range v.unknown {
				found = append(found, alarm.Finding{Kind: kind, Subject: subject, Unknown: true})
			}
			return found, v.blind
		}})
	}
	if change != nil {
		change(&v.o)
	}
	v.restart()
	return v
}

// restart is a new process.
func (v *watch) restart() { v.Watcher = alarm.New(v.o) }

// look looks after a while.
func (v *watch) look(after time.Duration) {
	v.Helper()
	v.clock.Advance(after)
	if err := v.Look(v.Context()); err != nil {
		v.Fatal(err)
	}
}

// expect wants a message with these lines, or none.
func (v *watch) expect(about string, lines ...string) {
	v.Helper()
	got := v.chat.last()
	if len(lines) == 0 && got != "" {
		v.Errorf("%s: told %q", about, got)
	}
	for _, line := range lines {
		if !strings.Contains(got, line) {
			v.Errorf("%s: %q lacks %q", about, got, line)
		}
	}
}

// incidents are those that are open, or whose end is still to be told.
func (v *watch) incidents() []alarm.Incident {
	v.Helper()
	list, err := alarm.Incidents(v.Context(), v.conn, false)
	if err != nil {
		v.Fatal(err)
	}
	return list
}

func TestWatcher_TellsOnceAndOfTheEnd(t *testing.T) {
	v := newWatch(t, nil)
	v.look(0)
	v.expect("all is well")

	v.wrong[alarm.RunFailed] = []string{"nightly"}
	v.look(time.Minute)
	v.expect("it begins", "*Acme: nightly is wrong*", "ALARM: nightly is wrong (since 2026-11-22 12:01)")
	v.look(time.Minute)
	v.expect("it goes on")
	v.restart()
	v.look(time.Minute)
	v.expect("it goes on after a restart")

	v.wrong[alarm.SourceStale] = []string{"crm.deals", "shop.orders"}
	v.look(time.Minute)
	v.expect("two more", "*Acme: 2 alarms*", "crm.deals", "shop.orders")

	v.blind = errors.New("the warehouse is busy")
	v.wrong = map[alarm.Kind][]string{}
	v.look(time.Minute)
	v.expect("nobody can see")
	if n := len(v.incidents()); n != 3 {
		t.Errorf("%d incidents while nobody can see", n)
	}
	v.blind = nil
	v.wrong[alarm.SourceStale] = []string{"crm.deals"}
	v.look(time.Minute)
	v.expect("two are over", "*Acme: 2 over*", "OVER: nightly is wrong (after 5m0s)", "OVER: shop.orders is wrong")
	v.restart()
	v.look(time.Minute)
	v.expect("over stays over")
	if list := v.incidents(); len(list) != 1 || list[0].Subject != "crm.deals" {
		t.Errorf("open: %+v", list)
	}

	v.wrong[alarm.RunFailed] = []string{"nightly"}
	v.look(time.Minute)
	v.expect("the same again is another incident", "ALARM: nightly")
}

// A job that is being done again may fail again: until that is known, it counts as
// what it was.
func TestWatcher_WhatIsNotKnownStaysAsItIs(t *testing.T) {
	v := newWatch(t, nil)
	v.unknown = []string{"nightly", "hourly"}
	v.look(0)
	v.expect("nothing begins")
	v.unknown, v.wrong[alarm.RunFailed] = nil, []string{"nightly"}
	v.look(time.Minute)
	v.expect("it failed", "ALARM: nightly")
	v.unknown, v.wrong[alarm.RunFailed] = []string{"nightly"}, nil
	v.look(time.Minute)
	v.expect("it is being done again")
	v.unknown, v.wrong[alarm.RunFailed] = nil, []string{"nightly"}
	v.look(time.Minute)
	v.expect("it failed again")
	v.wrong[alarm.RunFailed] = nil
	v.look(time.Minute)
	v.expect("it is done", "OVER: nightly is wrong (after 3m0s)")
}

func TestWatcher_QuietHours(t *testing.T) {
	quiet, err := alarm.ParseHours("22:00-07:00")
	if err != nil {
		t.Fatal(err)
	}
	v := newWatch(t, func(o *alarm.Options) { o.Quiet, o.Urgent = quiet, []alarm.Kind{alarm.DiskLow} })
	v.look(11 * time.Hour) // 23:00
	v.wrong[alarm.RunFailed], v.wrong[alarm.SourceStale] = []string{"nightly", "hourly"}, []string{"crm.deals"}
	v.look(time.Hour)
	v.expect("at midnight")
	v.wrong[alarm.DiskLow] = []string{"disk"}
	v.look(time.Hour)
	v.expect("what is urgent", "*Acme: disk is wrong*")
	v.wrong[alarm.RunFailed] = []string{"nightly"} // hourly is well again
	v.look(time.Hour)
	v.expect("at two")
	v.restart()
	v.look(5 * time.Hour)
	v.expect("at seven, all together", "*Acme: 2 alarms, 1 over*", "ALARM: nightly", "ALARM: crm.deals", "OVER: hourly is wrong (from 2026-11-23 00:00 to 2026-11-23 02:00)")
	v.look(time.Minute)
	v.expect("told")
}

// A channel that fails is tried again, less and less often, and keeps no other
// from its messages; the incident says why, without the secret address.
func TestWatcher_DeliveryFails(t *testing.T) {
	inbox := notifytest.NewInbox(t)
	server := notify.Server{Host: "127.0.0.1", Port: inbox.Port, TLS: "none", From: "winback <winback@example.com>"}
	v := newWatch(t, func(o *alarm.Options) {
		o.Channels = append(o.Channels, notify.Mail{Server: server, To: "nobody@example.com"}, notify.Mail{Server: server, To: "ann@example.com"})
	})
	v.chat.status = http.StatusInternalServerError
	v.wrong[alarm.RunFailed] = []string{"nightly"}
	v.look(0)
	if letter := <-inbox.Got; !strings.Contains(letter, "Subject: Acme: nightly is wrong") || !strings.Contains(letter, "ALARM: nightly") || !strings.Contains(letter, "To: <ann@example.com>") {
		t.Errorf("the letter is %s", letter)
	}
	open := v.incidents()
	if len(open) != 1 || len(open[0].Told) != 1 || !strings.Contains(open[0].Problem, "nobody@example.com") {
		t.Errorf("the incident: %+v", open)
	}
	v.chat.status = http.StatusOK
	v.look(30 * time.Second)
	v.expect("too early to try again")
	v.look(30 * time.Second)
	v.expect("after a minute", "ALARM: nightly")
	v.look(time.Hour)
	v.expect("told once")
	select {
	case letter := <-inbox.Got:
		t.Errorf("told twice: %s", letter)
	default:
	}

	v.chat.status = http.StatusInternalServerError
	v.wrong[alarm.RunFailed] = nil
	v.look(time.Minute)
	if open = v.incidents(); len(open) != 1 || open[0].Open() || strings.Contains(open[0].Problem, "secret-token") {
		t.Errorf("its end is to be told yet: %+v", open)
	}
	v.look(8 * 24 * time.Hour)
	if open = v.incidents(); len(open) != 0 {
		t.Errorf("nobody gives up: %+v", open)
	}
}

// The books say what was found before anybody is told: a process that is killed
// while it tells opens no second incident, and only that message comes again.
func TestWatcher_KilledWhileTelling(t *testing.T) {
	v := newWatch(t, nil)
	killed := &dies{}
	v.o.Channels = append(v.o.Channels, killed)
	v.restart()
	v.wrong[alarm.RunFailed] = []string{"nightly"}
	func() {
		defer func() { _ = recover() }()
		_ = v.Look(t.Context())
	}()
	v.expect("before the end", "ALARM: nightly")
	v.o.Channels = v.o.Channels[:1]
	v.restart()
	v.look(time.Minute)
	v.expect("the channel that was told")
	if open := v.incidents(); len(open) != 1 {
		t.Errorf("incidents: %+v", open)
	}
}

// dies ends the process, as far as a test can have that.
type dies struct{}

func (dies) Name() string                               { return "dies" }
func (dies) Send(context.Context, notify.Message) error { panic("killed") }

func TestWatcher_AliveUntilALookHangs(t *testing.T) {
	v := newWatch(t, nil)
	v.look(0)
	v.clock.Advance(10 * time.Minute)
	if err := v.Alive(); err != nil {
		t.Error(err)
	}
	v.clock.Advance(10 * time.Minute)
	if err := v.Alive(); err == nil || !strings.Contains(err.Error(), "20m0s") {
		t.Errorf("a watcher that hangs: %v", err)
	}
	v.o.Warehouse = func() (driver.Conn, error) { return nil, errors.New("the warehouse is not open yet") }
	v.restart()
	if err := v.Look(t.Context()); err == nil || v.Problem() == nil || v.Alive() != nil {
		t.Errorf("without a warehouse it says %v, and lives: %v", err, v.Alive())
	}
}

// A warehouse that does not answer is told of without one, once.
func TestWatcher_TellsThatItIsBlind(t *testing.T) {
	v := newWatch(t, nil)
	var away error
	v.o.Warehouse = func() (driver.Conn, error) { return v.conn, away }
	v.restart()
	v.look(0)
	away = errors.New("the server does not answer")
	blind := func(after time.Duration) {
		t.Helper()
		v.clock.Advance(after)
		if err := v.Look(t.Context()); !errors.Is(err, away) {
			t.Error(err)
		}
	}
	blind(time.Minute)
	v.expect("a short while")
	blind(5 * time.Minute)
	v.expect("five minutes", "ALARM: nobody can look for what is wrong since 2026-11-22 12:01: the server does not answer")
	blind(time.Hour)
	v.expect("told once")
	away = nil
	v.look(time.Minute)
	v.expect("it answers again", "OVER: what is wrong is looked for again (after 1h6m0s)")
	v.look(time.Minute)
	v.expect("all is well")
}

// A finder that never knows leaves a kind of alarm unwatched: that is told too.
func TestWatcher_TellsOfAFinderThatDoesNotKnow(t *testing.T) {
	v := newWatch(t, func(o *alarm.Options) { o.Memory = filepath.Join(t.TempDir(), "blind") })
	v.look(0)
	v.blind = errors.New("read schedule.json: unexpected end")
	v.look(time.Minute)
	v.expect("it may pass")
	if err := v.Problem(); !errors.Is(err, v.blind) {
		t.Errorf("the problem is %v", err)
	}
	v.look(5 * time.Minute)
	v.expect("it does not pass", "ALARM: nobody can look for what is wrong since 2026-11-22 12:01", "run_failed: read schedule.json: unexpected end")
	v.blind = nil
	v.chat.status = http.StatusInternalServerError
	v.look(time.Minute)
	v.restart() // the end is told in spite of a channel that fails, and of a restart
	v.chat.status = http.StatusOK
	v.look(10 * time.Minute)
	v.expect("its end", "OVER: what is wrong is looked for again (after 6m0s)")
	v.look(time.Minute)
	v.expect("told")
}

func TestHours(t *testing.T) {
	for _, c := range []struct {
		text, at string
		want     bool
	}{
		{"22:00-07:00", "21:59", false},
		{"22:00-07:00", "22:00", true},
		{"22:00-07:00", "03:00", true},
		{"22:00-07:00", "07:00", false},
		{"12:30-13:30", "13:00", true},
		{"12:30-13:30", "12:29", false},
	} {
		h, err := alarm.ParseHours(c.text)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("15:04", c.at)
		if err != nil {
			t.Fatal(err)
		}
		if h.Has(at) != c.want {
			t.Errorf("%s within %s: %v", c.at, c.text, !c.want)
		}
	}
	for _, text := range []string{"", "22-7", "24:00-07:00", "07:00-07:00"} {
		if _, err := alarm.ParseHours(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// What nobody wants to be told of any more is not wrong for ever.
func TestWatcher_AKindThatNobodyLooksFor(t *testing.T) {
	v := newWatch(t, nil)
	v.wrong[alarm.DiskLow] = []string{"disk"}
	v.look(0)
	v.expect("it begins", "disk is wrong")
	v.o.Finders = v.o.Finders[:2]
	v.restart()
	v.look(time.Minute)
	v.expect("it is not told of")
	if list := v.incidents(); len(list) != 0 {
		t.Errorf("it goes on: %+v", list)
	}
}
