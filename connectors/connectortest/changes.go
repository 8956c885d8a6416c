package connectortest

import (
	"strings"
	"testing"
	"time"

	"winback/connectors"
)

// mostForChanges is what a run may cost, in percent of the first, when one record in a
// hundred has changed.
const mostForChanges = 3

// CostOfChanges reads a source with a long history, changes a number of its records,
// one in a hundred, and reads what has changed: it reports what that costs of the first
// reading's requests and time, waiting for the budget included.
func CostOfChanges(b *testing.B, c *connectors.Connector, start func(t testing.TB, clock connectors.Clock) Fake, changed int) {
	b.Helper()
	clock := NewClock(Began)
	fake := start(b, clock)
	source, err := Open(c, strings.Replace(fake.Config(), "timeout: 1s", "timeout: 60s", 1), Project{Dir: b.TempDir(), Clock: clock, Variables: fake.Variables()})
	if err != nil {
		b.Fatal(err)
	}
	reader := NewReader(source)
	run := func() (requests, seconds float64) {
		fake.Server().Forget()
		began, waited := time.Now(), clock.Now()
		reader.MustRun(b)
		return float64(len(fake.Server().Asked())), (time.Since(began) + clock.Now().Sub(waited)).Seconds()
	}
	first, took := run()
	clock.Advance(24 * time.Hour)
	fake.Touch(changed)
	clock.Advance(2 * time.Hour)
	again, tookAgain := run()
	b.ReportMetric(first, "requests")
	b.ReportMetric(again, "for-changes")
	b.ReportMetric(100*again/first, "%requests")
	b.ReportMetric(100*tookAgain/took, "%time")
	b.ReportMetric(0, "ns/op")
	if again > first*mostForChanges/100 || tookAgain > took*mostForChanges/100 {
		b.Errorf("a run for 1 %% of the records costs %.0f of %.0f requests (%.1f %%) and %.1f %% of the time of the first, %d %% are allowed", again, first, 100*again/first, 100*tookAgain/took, mostForChanges)
	}
}
