package bitrix24

import (
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/bitrix24/bitrix24test"
	"winback/connectors/connectortest"
)

// BenchmarkBudget reports the share of the allowed two requests a second that a long reading
// uses when the fifty that may come at once are used up.
func BenchmarkBudget(b *testing.B) {
	for b.Loop() {
		f := bitrix24test.Start(b, connectors.SystemClock{})
		source, err := connectortest.Open(Connector(), f.Config(), connectortest.Project{Dir: b.TempDir(), Variables: f.Variables()})
		if err != nil {
			b.Fatal(err)
		}
		connectortest.Budget(b, source, f.Server(), connectortest.Allowance{PerSecond: 2, Warm: 8 * time.Second, Last: 20 * time.Second})
	}
}

// BenchmarkChanges reports what a run costs, of the first, when one record in a hundred
// has changed.
func BenchmarkChanges(b *testing.B) {
	for b.Loop() {
		connectortest.CostOfChanges(b, Connector(), func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return bitrix24test.StartLarge(t, clock, 50)
		}, 700)
	}
}
