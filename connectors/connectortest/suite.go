package connectortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// Subject is a connector under test.
type Subject struct {
	Connector *connectors.Connector
	// Start makes a fake of the source, with enough records that a first run takes a
	// hundred requests or more. Limits and times go by the clock.
	Start func(t testing.TB, clock connectors.Clock) Fake
	// Idle is how many requests a run may send that finds nothing new; without a
	// server, how many rows it may hand over.
	Idle int
	// Anew says that a later slice of a run may make rows of an earlier one anew, as
	// those of calls of which more was written down.
	Anew bool
}

// Fake is a fake of a source, with its data.
type Fake interface {
	// Server is what the source is asked over HTTP. Nil: it is not, and the fake is
	// Troubled.
	Server() *Server
	// Config is the YAML of a source that reads the fake, its connector line
	// included; secrets stand as ${VARIABLES}. Paths count from a folder of the test.
	Config() string
	// Variables are the secrets, by variable.
	Variables() map[string]string
	// Wrong are secrets that the fake refuses; nil, it asks for none.
	Wrong() map[string]string
	// Rows are the keys that each entity has now, as KeyOf writes them.
	Rows() map[string][]string
	// Touch changes about n records now. It returns the keys of the rows that must
	// come again, by entity.
	Touch(n int) map[string][]string
	// Remove deletes about n records now, and returns the keys of the rows that must
	// be marked. Nil: deletions cannot be noticed.
	Remove(n int) map[string][]string
	// Expire has the access token expire, so that it must be renewed; false says
	// that tokens do not.
	Expire() bool
}

// Began is when a test begins, by its clock.
var Began = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// trial is one fake with a source that reads it.
type trial struct {
	*testing.T
	fake   Fake
	clock  *Clock
	reader *Reader

	handed int           // rows so far
	before []appointment // by rows, where there is no server to count requests
}

func (s Subject) trial(t *testing.T) *trial {
	t.Helper()
	clock := NewClock(Began)
	fake := s.Start(t, clock)
	return s.begin(t, fake, clock, fake.Variables())
}

func (s Subject) begin(t *testing.T, fake Fake, clock *Clock, variables map[string]string) *trial {
	t.Helper()
	source, err := Open(s.Connector, fake.Config(), Project{Dir: t.TempDir(), Clock: clock, Variables: variables})
	if err != nil {
		t.Fatal(err)
	}
	trial := &trial{T: t, fake: fake, clock: clock, reader: NewReader(source)}
	trial.reader.OnWrite = trial.handOver
	return trial
}

// Run holds a connector to its contract.
func Run(t *testing.T, s Subject) {
	first := s.trial(t)
	t.Run("describes itself", func(t *testing.T) { s.describes(t, first) })
	t.Run("every row comes once", s.everyRowOnce)
	t.Run("a second run finds nothing new and asks little", s.idle)
	t.Run("changed records come again, and only they", s.changed)
	t.Run("a range of time is read again", s.again)
	t.Run("a run that breaks goes on where it broke", s.breaks)
	t.Run("records that change while they are read are not lost", s.changesBetweenPages)
	t.Run("records that vanish while they are read take no others with them", s.vanishBetweenPages)
	t.Run("deleted records are found", s.deleted)
	if first.fake.Server() == nil {
		s.runTroubled(t, first)
	} else {
		s.runServed(t)
	}
	t.Run("wrong credentials are told at once, and how to get right ones", s.refused)
	t.Run("stops when asked to", s.stops)
	t.Run("a check shows rows of every entity", s.checks)
}

// runServed is the part of Run for sources that are asked over HTTP.
func (s Subject) runServed(t *testing.T) {
	for name, faults := range faults {
		t.Run("gets everything in spite of "+name, func(t *testing.T) { s.inSpiteOf(t, faults) })
	}
	t.Run("gets everything in spite of throttling", s.throttled)
	t.Run("an expired token is renewed", s.expired)
	t.Run("a source that is down is told", s.down)
	t.Run("a source that repeats what it is sent brings no secret out", s.echoed)
}

// echoed looks for secrets in what is said when every request fails with an answer
// that has all of it.
func (s Subject) echoed(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404, 500} {
		trial := s.trial(t)
		for range 200 {
			trial.fake.Server().Next(Echo(code))
		}
		got, err := trial.reader.Run(t.Context())
		if err == nil {
			t.Fatalf("%d: no error", code)
		}
		trial.noSecrets(fmt.Sprintf("the error of an answer %d", code), err.Error())
		trial.noSecrets("what was landed", got.Everything())
		findings, err := trial.reader.Source.(connectors.Checker).Check(t.Context())
		trial.noSecrets("a check", fmt.Sprint(findings, err))
	}
}

// faults are what goes wrong on the way to every server.
var faults = map[string][]Fault{
	"failing servers":     {nil, Status(500, "oops"), Status(502, "bad gateway"), nil, Status(503, "busy", "Retry-After", "3")},
	"cut connections":     {Cut, nil, Cut, Cut},
	"pages for people":    {nil, WebPage(200), WebPage(503)},
	"answers too late":    {nil, Hang},
	"a server that rests": {nil, Status(503, ""), Status(503, ""), Status(503, ""), Status(503, "")},
}

func (s Subject) describes(t *testing.T, trial *trial) {
	c := s.Connector
	if err := spec.Check(c.NewConfig()); err != nil {
		t.Error(err)
	}
	if c.Summary == "" || c.Example == "" || len(c.Needs) == 0 || len(c.Limits) == 0 {
		t.Error("wants a summary, an example, what it needs and its limits")
	}
	read := map[string]bool{}
	for _, r := range c.Reads {
		if r.From == "" || r.Changes == "" || r.Deletions == "" {
			t.Errorf("%s: say where it comes from and how changes and deletions are noticed", r.Entity.FullName())
		}
		read[r.Entity.FullName()] = true
	}
	names := map[string]bool{}
	for _, d := range trial.reader.Source.Datasets() {
		if names[d.Name] || len(d.Entities) == 0 {
			t.Errorf("dataset %s: the name is taken or it has no entity", d.Name)
		}
		names[d.Name] = true
		for _, e := range d.Entities {
			if !read[e.FullName()] && len(c.Reads) > 0 {
				t.Errorf("dataset %s: %s is not among what the connector says it reads", d.Name, e.FullName())
			}
		}
	}
	if !strings.HasPrefix(c.Example, "connector: "+c.Name+"\n") {
		t.Errorf("the example begins with %q", c.Example)
	}
	if _, err := Open(c, c.Example, Project{Dir: t.TempDir(), Variables: variablesOf(c.Example, "https://example.com/rest/1/abcdefgh")}); err != nil {
		t.Errorf("the example does not open: %v", err)
	}
}

// variablesOf gives every variable of a text a value.
func variablesOf(text, value string) map[string]string {
	variables := map[string]string{}
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return variables
		}
		name, after, _ := strings.Cut(rest, "}")
		name, _, _ = strings.Cut(name, ":-")
		variables[name] = value
		text = after
	}
}

// complete checks that what was committed is what the fake has.
func (t *trial) complete() {
	t.Helper()
	for name, want := range t.fake.Rows() {
		got := live(t.reader.Committed, name)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			missing, extra := difference(want, got), difference(got, want)
			t.Errorf("%s: %d rows of %d; missing %s, too many %s", name, len(got), len(want), few(missing), few(extra))
		}
	}
	if rejects := t.reader.Committed.Rejects(); len(rejects) > 0 {
		t.Errorf("%d records were put aside, first %+v", len(rejects), rejects[0])
	}
}

// live are the keys of rows that are not marked as deleted.
func live(m *Memory, name string) []string {
	return slices.DeleteFunc(m.Keys(name), func(key string) bool {
		return strings.Contains(" "+m.Row(name, key)+" ", " deleted=true ")
	})
}

func difference(a, b []string) []string {
	var only []string
	for _, key := range a {
		if _, found := slices.BinarySearch(b, key); !found {
			only = append(only, key)
		}
	}
	return only
}

func few(keys []string) string {
	if n := len(keys); n > 5 {
		return fmt.Sprintf("%d (%s …)", n, strings.Join(keys[:5], ", "))
	}
	return fmt.Sprintf("%d (%s)", len(keys), strings.Join(keys, ", "))
}

// noSecrets checks that none of the fake's secrets is in a text.
func (t *trial) noSecrets(where, text string) {
	t.Helper()
	for name, secret := range t.fake.Variables() {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("%s shows %s", where, name)
		}
	}
}

func (s Subject) everyRowOnce(t *testing.T) {
	trial := s.trial(t)
	got := trial.reader.MustRun(t)
	trial.complete()
	for _, r := range s.Connector.Reads {
		name := r.Entity.FullName()
		if rows, written := len(got.Keys(name)), got.Written(name); written > rows && !s.Anew {
			t.Errorf("%s: %d rows were handed over for %d keys", name, written, rows)
		}
	}
	trial.noSecrets("what was landed", got.Everything())
	for _, cursors := range trial.reader.Cursors {
		for _, c := range cursors {
			trial.noSecrets("a cursor", string(c))
		}
	}
	t.Logf("%d requests or rows, %d slices, %v by the clock", trial.asked(), trial.reader.Slices, trial.clock.Now().Sub(Began).Round(time.Second))
}

func (s Subject) idle(t *testing.T) {
	trial := s.trial(t)
	trial.reader.MustRun(t)
	first := trial.asked()
	trial.forget()
	trial.clock.Advance(2 * time.Hour)
	trial.reader.MustRun(t)
	asked := trial.asked()
	if asked > s.Idle {
		t.Errorf("asked %d times, %d are allowed", asked, s.Idle)
	}
	trial.complete()
	t.Logf("%d requests after %d", asked, first)
}

func (s Subject) changed(t *testing.T) {
	trial := s.trial(t)
	trial.reader.MustRun(t)
	first := trial.asked()
	trial.clock.Advance(24 * time.Hour)
	touched := trial.fake.Touch(10)
	trial.clock.Advance(2 * time.Hour)
	trial.forget()
	got := trial.reader.MustRun(t)
	for name, keys := range touched {
		have := got.Keys(name)
		if missing := difference(keys, have); len(missing) > 0 {
			t.Errorf("%s: %s did not come again", name, few(missing))
		}
	}
	trial.complete()
	t.Logf("%d requests after %d, for %v", trial.asked(), first, sizes(touched))
}

func sizes(keys map[string][]string) map[string]int {
	n := map[string]int{}
	for name, list := range keys {
		n[name] = len(list)
	}
	return n
}

func (s Subject) again(t *testing.T) {
	trial := s.trial(t)
	if _, ok := trial.reader.Source.(connectors.Backfiller); !ok {
		t.Skip("the connector does not read ranges")
	}
	trial.clock.Advance(time.Hour)
	touched := trial.fake.Touch(10)
	trial.clock.Advance(time.Hour)
	trial.reader.MustRun(t)
	before := fmt.Sprint(trial.reader.Cursors)
	got, err := trial.reader.Again(t.Context(), connectors.Range{From: Began.AddDate(0, 0, -3), Until: trial.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	backfiller := trial.reader.Source.(connectors.Backfiller)
	for _, d := range trial.reader.Source.Datasets() {
		for _, e := range d.Entities {
			if missing := difference(touched[e.FullName()], got.Keys(e.FullName())); backfiller.Backfills(d.Name) && len(missing) > 0 {
				t.Errorf("%s: %s did not come again", e.FullName(), few(missing))
			}
		}
	}
	if after := fmt.Sprint(trial.reader.Cursors); after != before {
		t.Error("the cursors have moved")
	}
}

func (s Subject) breaks(t *testing.T) {
	trial := s.trial(t)
	trial.reader.MustRun(t)
	all := trial.asked()
	for _, share := range []int{5, 30, 60, 90} {
		trial := s.trial(t)
		ctx, cancel := context.WithCancel(t.Context())
		trial.at(share, all, cancel)
		_, err := trial.reader.Run(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at %d%%: got %v", share, err)
		}
		cancel()
		trial.reader.MustRun(t)
		trial.complete()
	}
}

func (s Subject) changesBetweenPages(t *testing.T) {
	trial := s.trial(t)
	trial.reader.MustRun(t)
	all := trial.asked()
	trial = s.trial(t)
	for share := 10; share < 100; share += 10 {
		trial.at(share, all, func() { trial.fake.Touch(3) })
	}
	trial.reader.MustRun(t)
	trial.before = nil // what was left for the next run is to be complete after it
	trial.clock.Advance(2 * time.Hour)
	trial.reader.MustRun(t)
	trial.complete()
}

func (s Subject) vanishBetweenPages(t *testing.T) {
	trial := s.trial(t)
	trial.reader.MustRun(t)
	all := trial.asked()
	trial = s.trial(t)
	removed := map[string][]string{}
	for share := 10; share < 100; share += 20 {
		trial.at(share, all, func() {
			for name, keys := range trial.fake.Remove(2) {
				removed[name] = append(removed[name], keys...)
			}
		})
	}
	trial.reader.MustRun(t)
	for name, want := range trial.fake.Rows() {
		slices.Sort(want)
		if missing := difference(want, trial.reader.Committed.Keys(name)); len(missing) > 0 {
			t.Errorf("%s: %s are missing", name, few(missing))
		}
	}
}

func (s Subject) deleted(t *testing.T) {
	trial := s.trial(t)
	trial.reader.MustRun(t)
	trial.clock.Advance(time.Hour)
	removed := trial.fake.Remove(5)
	if removed == nil {
		t.Skip("deletions cannot be noticed in this source")
	}
	trial.clock.Advance(2 * time.Hour)
	trial.reader.MustRun(t)
	if err := trial.sweep(); err != nil {
		t.Fatal(err)
	}
	for name, keys := range removed {
		if still := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !slices.Contains(live(trial.reader.Committed, name), key) }); len(still) > 0 {
			t.Errorf("%s: %s are not marked as deleted", name, few(still))
		}
	}
	trial.complete()
}

// sweep marks what the source does not have any more, as a run does.
func (t *trial) sweep() error {
	sweeper, ok := t.reader.Source.(connectors.Sweeper)
	if !ok {
		return nil
	}
	for _, d := range t.reader.Source.Datasets() {
		swept, _ := sweeper.Sweeps(d.Name)
		for _, e := range swept {
			has := map[string]bool{}
			if err := sweeper.Sweep(t.Context(), d.Name, e, func(key ...string) { has[strings.Join(key, "/")] = true }); err != nil {
				return err
			}
			t.mark(e, has)
		}
	}
	return nil
}

func (t *trial) mark(e *entity.Schema, has map[string]bool) {
	rows := t.reader.Committed.rows[e.FullName()]
	for key := range maps.Clone(rows) {
		if !has[key] {
			rows[key] = "deleted=true " + rows[key]
		}
	}
}

func (s Subject) inSpiteOf(t *testing.T, faults []Fault) {
	trial := s.trial(t)
	trial.fake.Server().Next(faults...)
	trial.reader.MustRun(t)
	trial.complete()
}

func (s Subject) throttled(t *testing.T) {
	trial := s.trial(t)
	trial.fake.Server().Next(nil)
	trial.fake.Server().Throttle(12)
	trial.reader.MustRun(t)
	trial.complete()
	if trial.clock.Now().Equal(Began) {
		t.Error("did not wait")
	}
}

func (s Subject) expired(t *testing.T) {
	trial := s.trial(t)
	if !trial.fake.Expire() {
		t.Skip("tokens of this source do not expire")
	}
	trial.reader.MustRun(t)
	trial.complete()
	trial.fake.Expire()
	trial.clock.Advance(time.Hour)
	trial.reader.MustRun(t)
	trial.complete()
}

func (s Subject) down(t *testing.T) {
	trial := s.trial(t)
	trial.fake.Server().Stop()
	_, err := trial.reader.Run(t.Context())
	if !errors.Is(err, connectors.ErrUnreachable) {
		t.Fatalf("want connectors.ErrUnreachable, got %v", err)
	}
	trial.noSecrets("the error", err.Error())
	t.Log(err)
	began, tried := trial.clock.Now(), 0
	haste := connectors.Haste{Patience: 10 * time.Second, Trying: func(text string) {
		tried++
		trial.noSecrets("what is told of trying again", text)
	}}
	findings, err := trial.reader.Source.(connectors.Checker).Check(connectors.InHaste(t.Context(), haste))
	if waited := trial.clock.Now().Sub(began); waited > 15*time.Second || tried == 0 {
		t.Errorf("a check waits for %v, and tells %d times that it tries again", waited, tried)
	}
	if err == nil && !slices.ContainsFunc(findings, func(f connectors.Finding) bool { return !f.OK }) {
		t.Errorf("a check finds nothing wrong: %v", findings)
	}
	trial.noSecrets("a check", fmt.Sprint(findings, err))
}

func (s Subject) checks(t *testing.T) {
	trial := s.trial(t)
	checker, ok := trial.reader.Source.(connectors.Checker)
	if !ok {
		t.Fatal("wants a Check")
	}
	findings, err := checker.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if !f.OK {
			t.Errorf("%s: %s", f.Dataset, f.Text)
		}
		trial.noSecrets("a finding", fmt.Sprint(f))
	}
	for _, d := range trial.reader.Source.Datasets() {
		if !slices.ContainsFunc(findings, func(f connectors.Finding) bool { return f.Dataset == d.Name && len(f.Rows) > 0 }) {
			t.Errorf("%s: no rows are shown", d.Name)
		}
	}
}
