package shopify_test

import (
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/shopify"
	"winback/connectors/shopify/shopifytest"
)

// BenchmarkBudget reads a shop page by page by the machine's own clock, with a tenth
// of a second for every answer, and reports how much of the points was used that the
// shop gave out.
func BenchmarkBudget(b *testing.B) {
	for b.Loop() {
		const rate, full = 400, 1000
		shop := shopifytest.Start(b, connectors.SystemClock{}, shopifytest.Options{Seed: 3, Months: 1, Orders: 600, Rate: rate, Bucket: full, Latency: 100 * time.Millisecond})
		config := shop.Config() + "bulk: never\n"
		source, err := connectortest.Open(shopify.Connector(), config, connectortest.Project{Dir: b.TempDir(), Variables: shop.Variables()})
		if err != nil {
			b.Fatal(err)
		}
		started := time.Now()
		connectortest.NewReader(source).MustRun(b)
		elapsed := time.Since(started).Seconds()
		b.ReportMetric(100*shop.Spent/(full+rate*elapsed), "%budget")
	}
}
