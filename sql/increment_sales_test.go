package sqlfiles_test

import "fmt"

// liveSales brings deals that come, move, are won, lost and reopened, in no good
// order, and what customers say when they leave.
func (c *company) liveSales(scale int) {
	if c.run == 1 || c.one(6) {
		var stages []string
		for i, kind := range []string{"open", "open", "open", "won", "lost"} {
			stages = append(stages, fmt.Sprintf("'p', 's%d', 'Stage %d', %d, '%s'", i, i, c.random.IntN(2)+i*10, kind))
		}
		c.bring("crm.pipelines", "id, name", "'p', 'Sales'")
		c.bring("crm.stages", "pipeline_id, id, name, sort, kind", stages...)
	}
	var deals, moves, surveys []string
	for range scale/3 + c.random.IntN(3) {
		deals = append(deals, fmt.Sprintf("'%d', %s, %s, %s, %s, %d, %s, %s, %s, %s, %s, %s", c.random.IntN(50),
			c.pick("", fmt.Sprintf("c%d", c.random.IntN(20))), c.pick("", "p", "p"), c.pick("", "s1", "s2", "s4"), c.pick("", "open", "won", "lost"),
			c.random.IntN(100), c.pick("", "USD", "EUR"), c.pick("", "m1", "m2"), c.moment(200), c.pick("", c.moment(100)[1:20]),
			c.pick("", "too dear", "asdf", "went to OfficeMart"), c.pick("", "Office Mart")))
		moves = append(moves, fmt.Sprintf("'%d', %d, %s, %s", c.random.IntN(50), c.random.IntN(4), c.pick("", "s0", "s1", "s2", "s3", "s4"), c.moment(150)))
		surveys = append(surveys, fmt.Sprintf("'%d', %s, 'exit', %s, %s, %s", c.random.IntN(40), c.pick("", fmt.Sprintf("c%d", c.random.IntN(20))), c.moment(200),
			c.pick("", "quality got worse", "дорого"), c.pick("", "rude manager")))
	}
	c.bring("crm.deals", "id, customer_id, pipeline_id, stage_id, status, amount, currency, manager_id, created_at, closed_at, lost_reason, competitor", deals...)
	c.bring("crm.deal_stages", "deal_id, seq, stage_id, entered_at", moves...)
	c.bring("crm.surveys", "id, customer_id, kind, at, stated_reason, verified_reason", surveys...)
}
