package hubspot

import (
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/hubspot/hubspottest"
)

// BenchmarkBudget reports the share of the allowed hundred requests in ten seconds that a
// long reading uses.
func BenchmarkBudget(b *testing.B) {
	for b.Loop() {
		f := hubspottest.Start(b, connectors.SystemClock{})
		source, err := connectortest.Open(Connector(), f.TokenConfig(), connectortest.Project{Dir: b.TempDir(), Variables: f.Variables()})
		if err != nil {
			b.Fatal(err)
		}
		connectortest.Budget(b, source, f.Server(), connectortest.Allowance{PerSecond: 10, Warm: time.Second / 2, Last: 3 * time.Second})
	}
}

// BenchmarkChanges reports what a run costs, of the first, when one record in a hundred
// has changed.
func BenchmarkChanges(b *testing.B) {
	for b.Loop() {
		connectortest.CostOfChanges(b, Connector(), func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return hubspottest.StartLarge(t, clock, 60)
		}, 240)
	}
}
