package amocrm

import (
	"testing"

	"winback/connectors"
	"winback/connectors/amocrm/amocrmtest"
	"winback/connectors/connectortest"
)

func TestConnector_KeepsTheContract(t *testing.T) {
	connectortest.Run(t, connectortest.Subject{
		Connector: Connector(),
		Start:     func(t testing.TB, clock connectors.Clock) connectortest.Fake { return amocrmtest.Start(t, clock) },
		Idle:      40,
	})
}
