// Package all lists every connector of the program. A new connector is a folder
// of its own and one line here.
package all

import (
	"winback/connectors"
	"winback/connectors/amocrm"
	"winback/connectors/asterisk"
	"winback/connectors/bitrix24"
	"winback/connectors/files"
	"winback/connectors/hubspot"
	"winback/connectors/shopify"
	"winback/connectors/sqldb"
	"winback/connectors/twilio"
	"winback/connectors/woocommerce"
)

// Connectors returns all connectors, each made anew.
func Connectors() []*connectors.Connector {
	return []*connectors.Connector{
		amocrm.Connector(),
		bitrix24.Connector(),
		asterisk.Connector(),
		files.Connector(),
		hubspot.Connector(),
		shopify.Connector(),
		sqldb.MySQL(),
		sqldb.Postgres(),
		twilio.Connector(),
		woocommerce.Connector(),
	}
}

// Registry returns a registry of all connectors.
func Registry() (*connectors.Registry, error) {
	return connectors.NewRegistry(Connectors()...)
}
