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
