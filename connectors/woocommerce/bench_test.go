package woocommerce_test

import (
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/woocommerce"
	"winback/connectors/woocommerce/woocommercetest"
)

// BenchmarkChanges reports what a run costs, of the first, when one record in a hundred
// has changed.
func BenchmarkChanges(b *testing.B) {
	for b.Loop() {
		connectortest.CostOfChanges(b, woocommerce.Connector(), func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return woocommercetest.Start(t, clock, woocommercetest.Options{Seed: 1, Orders: 9000, Customers: 5000, Products: 600})
		}, 90)
	}
}
