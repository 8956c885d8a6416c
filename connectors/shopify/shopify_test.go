package shopify_test

import (
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/shopify"
	"winback/connectors/shopify/shopifytest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{
		Connector: shopify.Connector(),
		Start: func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return shopifytest.Start(t, clock, shopifytest.Options{Seed: 1})
		},
		Idle: 12,
	})
}
