package demo

import "winback/connectors/entity"

// plans writes what managers plan that a firm will buy in a month.
type plans struct {
	w     *world
	t     *table
	count *tally
	d     dice
}

func newPlans(w *world, files *fileSet, count *tally) (*plans, error) {
	t, err := files.create(dataDir+"/sales_plans.csv", officeFormat("Клиент", "Месяц", "План EUR"))
	return &plans{w: w, t: t, count: count}, err
}

// PlansTruth is what managers planned for the months that have begun by the last day.
type PlansTruth struct {
	Plans   int    `json:"plans"` // of one firm for one month
	Planned string `json:"planned"`

	amount entity.Decimal
}

func (p *PlansTruth) add(amount entity.Decimal) {
	p.Plans++
	p.amount += amount
}

func (p *PlansTruth) result() PlansTruth {
	return PlansTruth{Plans: p.Plans, Planned: money(p.amount)}
}

// usualCheck is what an order of a firm usually brings, by segment, in whole units
// of the currency.
var usualCheck = map[string]int64{"small_firm": 118, "wholesale": 610}

// customer plans by the pace that the firm has shown, a little more every month;
// for a firm that has left, until somebody notices.
func (p *plans) customer(c *customer, l *life) {
	if !c.isFirm() || !c.inCRM || len(l.purchases) == 0 {
		return
	}
	p.d.start(p.w.seed, streamLife, uint64(c.index), 0)
	pace := p.d.from(p.w.chances.pace[c.segment])
	p.d.start(p.w.seed, streamPlan, uint64(c.index), 0)
	monthly := usualCheck[segments[c.segment].name] * 30_500 / max(pace, 1_000)
	for m, start := range p.w.monthStarts {
		ambition := int64(p.d.between(94, 112))
		if start <= l.purchases[0] || l.isGone(start) || start > p.w.lastDay+31 {
			continue
		}
		amount := entity.Decimal(monthly*ambition*int64(100+m)/10_000) * 100 * cent
		p.t.integer(c.crmID())
		p.t.plain(p.w.dayText(start))
		p.t.money(amount)
		p.t.endRow()
		if start <= p.w.lastDay {
			p.count.plans.add(amount)
		}
	}
}

// isGone says whether everybody knows on a day that the customer has left.
func (l *life) isGone(day int) bool {
	for _, leave := range l.departures {
		if leave.loss <= day && day <= leave.back {
			return true
		}
	}
	return false
}
