package bitrix24

import (
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/bitrix24/bitrix24test"
	"winback/connectors/connectortest"
)

// BenchmarkBudget reports the share of the allowed fifty requests at once and two a second that a
// long reading uses.
func BenchmarkBudget(b *testing.B) {
	for b.Loop() {
		f := bitrix24test.Start(b, connectors.SystemClock{})
		source, err := connectortest.Open(Connector(), f.Config(), connectortest.Project{Dir: b.TempDir(), Variables: f.Variables()})
		if err != nil {
			b.Fatal(err)
		}
		connectortest.Budget(b, source, f.Server(), 12*time.Second, func(seconds float64) float64 { return 50 + 2*seconds })
	}
}
