package twilio_test

import (
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/twilio"
	"winback/connectors/twilio/twiliotest"
)

// BenchmarkChanges reports what a run costs, of the first, when one record in a hundred
// has changed.
func BenchmarkChanges(b *testing.B) {
	for b.Loop() {
		connectortest.CostOfChanges(b, twilio.Connector(), func(t testing.TB, clock connectors.Clock) connectortest.Fake {
			return twiliotest.New(t, clock, 300)
		}, 60)
	}
}
