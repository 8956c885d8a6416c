// Package all lists every connector of the program. A new connector is a folder
// of its own and one line here.
package all

import (
	"winback/connectors"
	"winback/connectors/amocrm"
	"winback/connectors/files"
	"winback/connectors/sqldb"
	"winback/connectors/woocommerce"
	"winback/connectors/twilio"
)

// Connectors returns all connectors, each made anew.
func Connectors() []*connectors.Connector {
	return []*connectors.Connector{
		amocrm.Connector(),
		files.Connector(),
		sqldb.Postgres(),
		woocommerce.Connector(),
		twilio.Connector(),
	}
}

// Registry returns a registry of all connectors.
func Registry() (*connectors.Registry, error) {
	return connectors.NewRegistry(Connectors()...)
}
