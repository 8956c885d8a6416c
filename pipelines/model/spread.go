package model

import "maps"

// customerKey is the column by which rows of customers are spread over servers.
const customerKey = "customer_key"

// localJoins has every server join its own rows: those of a customer are on one.
var localJoins = map[string]string{"distributed_product_mode": "local"}

// settingsOf returns the settings of a model's statements.
func (r *run) settingsOf(m *Model) map[string]string {
	if !r.runner.options.Spread || !r.runner.project.PerCustomer(m) {
		return r.settings
	}
	settings := maps.Clone(r.settings)
	maps.Copy(settings, localJoins)
	return settings
}

// PerCustomer says that the rows of a customer, and no others, decide on the
// customer's rows in a model: it is built by the customer's key, so it says itself
// what a change of one touches, and nothing it reads is spread in another way.
func (p *Project) PerCustomer(m *Model) bool {
	return m.Materialized == Incremental && len(m.Key) > 0 && m.Key[0] == customerKey && p.readsCustomersOnly(m)
}

// readsCustomersOnly says that no raw rows are read, which are spread by their own
// keys, be it through a view.
func (p *Project) readsCustomersOnly(m *Model) bool {
	if len(m.Sources) > 0 {
		return false
	}
	for _, name := range m.Parents {
		if parent := p.byName[name]; parent.Materialized == View && !p.readsCustomersOnly(parent) {
			return false
		}
	}
	return true
}
