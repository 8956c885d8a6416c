package bitrix24_test

import (
	"testing"

	"winback/connectors"
	"winback/connectors/bitrix24"
	"winback/connectors/bitrix24/bitrix24test"
	"winback/connectors/connectortest"
)

func TestContract(t *testing.T) {
	connectortest.Run(t, connectortest.Subject{
		Connector: bitrix24.Connector(),
		Start:     func(t testing.TB, clock connectors.Clock) connectortest.Fake { return bitrix24test.Start(t, clock) },
		Idle:      20,
	})
}
