package woocommerce_test

import (
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/woocommerce"
	"winback/connectors/woocommerce/woocommercetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{
		Connector: woocommerce.Connector(),
		Start: func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return woocommercetest.Start(t, clock, woocommercetest.Options{Seed: 1})
		},
		Idle: 9,
	})
}
