package shopify_test

import (
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/shopify"
	"winback/connectors/shopify/shopifytest"
)

// BenchmarkBudget reads a shop page by page by the machine's own clock, and reports the
// share of the points used that the shop of a usual plan gives out a second, when those
// are used up that are there at the beginning.
func BenchmarkBudget(b *testing.B) {
	for b.Loop() {
		shop := shopifytest.Start(b, connectors.SystemClock{}, shopifytest.Options{Seed: 3, Months: 1, Orders: 1200, Rate: 100, Bucket: 1000})
		config := shop.Config() + "bulk: never\n"
		source, err := connectortest.Open(shopify.Connector(), config, connectortest.Project{Dir: b.TempDir(), Variables: shop.Variables()})
		if err != nil {
			b.Fatal(err)
		}
		connectortest.Budget(b, source, shop.Server(), connectortest.Allowance{PerSecond: 100, Warm: 5 * time.Second, Last: 20 * time.Second, Spent: shop.Spent, Left: shop.Left})
	}
}

// BenchmarkChanges reports what a run costs, of the first, when one record in a hundred
// has changed.
func BenchmarkChanges(b *testing.B) {
	for b.Loop() {
		connectortest.CostOfChanges(b, shopify.Connector(), func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return shopifytest.Start(t, clock, shopifytest.Options{Seed: 3, Months: 24, Orders: 2400})
		}, 24)
	}
}
