package amocrm

import (
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/amocrm/amocrmtest"
	"winback/connectors/connectortest"
)

// BenchmarkBudget reports the share of the allowed seven requests a second that a
// long reading uses.
func BenchmarkBudget(b *testing.B) {
	for b.Loop() {
		f := amocrmtest.Start(b, connectors.SystemClock{})
		source, err := connectortest.Open(Connector(), f.TokenConfig(), connectortest.Project{Dir: b.TempDir(), Variables: f.Variables()})
		if err != nil {
			b.Fatal(err)
		}
		connectortest.Budget(b, source, f.Server(), connectortest.Allowance{PerSecond: 7, Warm: time.Second, Last: 6 * time.Second})
	}
}

// BenchmarkChanges reports what a run costs, of the first, when one record in a hundred
// has changed.
func BenchmarkChanges(b *testing.B) {
	for b.Loop() {
		connectortest.CostOfChanges(b, Connector(), func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return amocrmtest.StartLarge(t, clock, 24)
		}, 175)
	}
}
