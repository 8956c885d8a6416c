package pipelines

import (
	"fmt"
	"testing"

	"winback/connectors"
	"winback/pipelines/landing"
)

// The landing zone keeps the last failures of a dataset, and so does the warehouse:
// what it cannot show any more is not listed. A source that cannot be looked through
// loses nothing.
func TestQuarantine_GoesWithPrunedFailures(t *testing.T) {
	b, shop, crm := newBench(t), filled(1, 50), filled(1, 50)
	shop.orders[0] = order{status: "broken"}
	crm.orders[0] = order{status: "broken"}
	b.connect(map[string]connectors.Source{"shop": shop, "crm": crm})
	b.pass(RunOptions{})
	for range landing.KeptFailures {
		b.pass(RunOptions{Only: []string{"source:shop"}})
	}
	const records = "select concat(source, ' ', toString(count()), ' ', toString(uniqExact(run_id))) from ops.quarantine group by source order by source"
	kept := fmt.Sprintf("shop %d %[1]d", landing.KeptFailures)
	b.expect("records", records, "crm 1 1", kept)
	b.expect("their loads", "select concat(source, ' ', toString(count())) from ops.loads final where entity = 'ops.quarantine_records' group by source order by source",
		"crm 1", fmt.Sprintf("shop %d", landing.KeptFailures))
	b.expect("the first failure is gone", "select toString(count()) from ops.quarantine where source = 'shop' and run_id = (select min(run_id) from ops.runs)", "0")
}
