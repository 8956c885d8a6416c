package hubspot

import (
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/hubspot/hubspottest"
)

func TestConnector_KeepsTheContract(t *testing.T) {
	connectortest.Run(t, connectortest.Subject{
		Connector: Connector(),
		Start:     func(t testing.TB, clock connectors.Clock) connectortest.Fake { return hubspottest.Start(t, clock) },
		Idle:      40,
	})
}
