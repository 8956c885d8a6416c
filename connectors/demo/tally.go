package demo

import (
	"math"

	"winback/connectors/entity"
)

// Days that a status lasts, as the product's default configuration has them.
const (
	newFor      = 30
	returnedFor = 365
)

// statuses a buyer can have, in the order in which the first that fits is taken.
var statuses = []string{"lost_twice", "lost", "sleeping", "returned", "new", "active"}

const (
	lostTwice = iota
	lost
	sleeping
	returned
	isNew
	active
)

// tally adds up the truth while customers and orders go by.
type tally struct {
	w      *world
	totals Totals
	goods  entity.Decimal
	dirt   Dirt
	months [][]monthCount // by segment and month
	years  [][]yearCount  // by segment and last month

	refunded           entity.Decimal
	duplicates         int
	switchboardHolders int

	now [6]int // statuses on the last day
	h   history

	exits     *exits
	funnel    *funnelCount
	surveys   surveyCount
	calls     callCount
	carts     CartsTruth
	campaigns []CampaignTruth
	payments  PaymentsTruth
	plans     PlansTruth
	problems  [len(answerNames)]ComplaintTruth
}

type monthCount struct {
	atStart, lost, fresh, returned, left, cameBack, orders int
	statuses                                               [6]int
}

type yearCount struct{ atStart, lost int }

func newTally(w *world) *tally {
	t := &tally{w: w, totals: Totals{CustomersBySegment: map[string]int{}}}
	months := len(w.monthStarts) - 1
	for range segments {
		t.months = append(t.months, make([]monthCount, months))
		t.years = append(t.years, make([]yearCount, months))
	}
	t.h.atStart, t.h.lostIn = make([]bool, months), make([]bool, months)
	t.exits, t.funnel = newExits(w), newFunnelCount(&t.dirt)
	t.campaigns = newCampaignTruths(w)
	return t
}

// history is a customer's purchases as the rules see them.
type history struct {
	episodes []episode
	atStart  []bool // by month: a customer at its start
	lostIn   []bool // by month: has a loss date in it
}

// episode is a stretch from a first purchase, or a return, to a loss.
type episode struct {
	from, to int // in purchases; to is one beyond
	loss     int // day, never if it has not come
}

// split cuts purchases into episodes. A loss comes some days after the last
// purchase, or with the end of the contract if that is earlier.
func (h *history) split(purchases []int, lostAfter, terminated int) {
	h.episodes = h.episodes[:0]
	from := 0
	for i, day := range purchases {
		loss := day + lostAfter
		if terminated > day {
			loss = min(loss, terminated)
		}
		if i+1 == len(purchases) || purchases[i+1] >= loss {
			h.episodes = append(h.episodes, episode{from, i + 1, loss})
			from = i + 1
		}
	}
}

// customer adds one customer's life to the truth. A guest of whom no order
// counts is nobody's customer.
func (t *tally) customer(c *customer, l *life) {
	if c.presence == isGuest && len(l.purchases) == 0 {
		return
	}
	totals, seg := &t.totals, &segments[c.segment]
	totals.Customers++
	totals.CustomersBySegment[seg.name]++
	if c.inCRM {
		totals.CRMRecords++
	}
	if l.terminated >= 0 {
		totals.Terminated++
	}
	months := t.months[c.segment]
	for _, leave := range l.departures {
		months[t.w.monthOf[leave.day]].left++
		if leave.back <= t.w.lastDay {
			months[t.w.monthOf[leave.back]].cameBack++
		}
	}
	if len(l.purchases) == 0 {
		totals.Silent++
		return
	}
	totals.Buyers++
	if len(l.purchases) == 1 {
		totals.OneTime++
	}
	if c.presence == isGuest {
		totals.GuestsOnly++
	}
	for _, day := range l.purchases {
		months[t.w.monthOf[day]].orders++
	}
	t.h.split(l.purchases, seg.lostAfter, l.terminated)
	t.movements(c.segment, l.purchases)
	t.endsOfMonths(c.segment, l.purchases)
	t.lastYears(c.segment)
	t.exits.customer(c, l, &t.h)
	t.calls.customer(t.w, l)
}

// terminated adds the reason that a record gives for an ended contract.
func (t *tally) terminated(said *farewell) {
	t.exits.surveys.Terminations++
	if said.words.said == noCause {
		t.exits.surveys.UnmappedEnds++
	}
}

// movements counts who came, was lost and returned in which month.
func (t *tally) movements(segment int, purchases []int) {
	h, months := &t.h, t.months[segment]
	clear(h.lostIn)
	for i, e := range h.episodes {
		began := t.w.monthOf[purchases[e.from]]
		if i == 0 {
			months[began].fresh++
		} else {
			months[began].returned++
			t.totals.Returns++
		}
		if e.loss <= t.w.lastDay {
			h.lostIn[t.w.monthOf[e.loss]] = true
			t.totals.Losses++
		}
	}
	for m, start := range t.w.monthStarts[:len(months)] {
		h.atStart[m] = h.isCustomer(purchases, start-1)
		if h.atStart[m] {
			months[m].atStart++
			if h.lostIn[m] {
				months[m].lost++
			}
		}
	}
}

// isCustomer says whether the customer had bought by the end of a day and was not
// lost on it.
func (h *history) isCustomer(purchases []int, day int) bool {
	for _, e := range h.episodes {
		if purchases[e.from] <= day && day < e.loss {
			return true
		}
	}
	return false
}

// endsOfMonths counts the customer's status at the end of each month.
func (t *tally) endsOfMonths(segment int, purchases []int) {
	months := t.months[segment]
	for m := range months {
		day := min(t.w.monthStarts[m+1]-1, t.w.lastDay)
		if status, ok := t.h.status(purchases, day, segments[segment].sleepingAfter); ok {
			months[m].statuses[status]++
			if m == len(months)-1 {
				t.now[status]++
			}
		}
	}
}

// status returns the customer's status at the end of a day, false before the
// first purchase.
func (h *history) status(purchases []int, day, sleepingAfter int) (int, bool) {
	if purchases[0] > day {
		return 0, false
	}
	at := 0 // the episode of the day
	for at+1 < len(h.episodes) && purchases[h.episodes[at+1].from] <= day {
		at++
	}
	e := h.episodes[at]
	last := e.from
	for last+1 < e.to && purchases[last+1] <= day {
		last++
	}
	switch {
	case day >= e.loss && at > 0:
		return lostTwice, true
	case day >= e.loss:
		return lost, true
	case day-purchases[last] >= sleepingAfter:
		return sleeping, true
	case at > 0 && day-h.episodes[at-1].loss < returnedFor:
		return returned, true
	case day-purchases[0] < newFor:
		return isNew, true
	}
	return active, true
}

// lastYears counts the customer in the years that end with each month.
func (t *tally) lastYears(segment int) {
	for m := 11; m < len(t.h.atStart); m++ {
		if !t.h.atStart[m-11] {
			continue
		}
		year := &t.years[segment][m]
		year.atStart++
		for _, wasLost := range t.h.lostIn[m-11 : m+1] {
			if wasLost {
				year.lost++
				break
			}
		}
	}
}

// order adds one order to the truth.
func (t *tally) order(o *order) {
	t.totals.Orders++
	t.totals.OrderLines += o.lineCount
	if o.flags&isCancelled != 0 {
		t.totals.Cancelled++
		return
	}
	t.goods += o.goods()
}

// orderRefund adds a refund that has been paid.
func (t *tally) orderRefund(amount entity.Decimal) {
	t.totals.Refunds++
	t.refunded += amount
}

// truth returns what was added up.
func (t *tally) truth() Truth {
	w, totals := t.w, t.totals
	totals.SecondAccounts, totals.SwitchboardHolders = t.duplicates, t.switchboardHolders
	totals.Goods, totals.Refunded, totals.NetRevenue = money(t.goods), money(t.refunded), money(t.goods-t.refunded)
	totals.Statuses = statusMap(t.now)
	totals.WithdrawnProducts = w.catalogue.withdrawn
	return Truth{
		Customers: w.customers, Months: w.months, Seed: w.seed,
		Start: w.dayText(0), End: w.dayText(w.lastDay), Timezone: Timezone, Currency: Currency,
		Limits: limits(), Totals: totals, ChurnByMonth: t.monthTruths(), YearlyChurn: t.yearTruths(),
		Planted: t.exits.impacts(), Reasons: t.exits.reasons(), Funnel: t.funnel.result(), LostDeals: t.funnel.said,
		Problems: t.problemTruths(), Surveys: t.surveys.result(),
		Calls: t.calls.result(), Carts: t.carts, Campaigns: t.campaignTruths(), Payments: t.payments.result(), Plans: t.plans.result(), Dirt: t.dirt, LinksFile: LinksFile,
	}
}

func statusMap(counts [6]int) map[string]int {
	byName := map[string]int{}
	for i, n := range counts {
		byName[statuses[i]] = n
	}
	return byName
}

// isComplete says whether the history holds the whole month.
func (w *world) isComplete(month int) bool { return w.monthStarts[month+1]-1 <= w.lastDay }

func (t *tally) monthTruths() []MonthTruth {
	var rows []MonthTruth
	for m := range t.months[0] {
		all := monthCount{}
		for s := range segments {
			all.add(t.months[s][m])
		}
		rows = append(rows, t.monthTruth(m, AllSegments, all))
		for s := range segments {
			rows = append(rows, t.monthTruth(m, segments[s].name, t.months[s][m]))
		}
	}
	return rows
}

func (t *tally) monthTruth(month int, segment string, c monthCount) MonthTruth {
	return MonthTruth{
		Month: t.w.dayText(t.w.monthStarts[month]), Segment: segment, Complete: t.w.isComplete(month),
		AtStart: c.atStart, Lost: c.lost, New: c.fresh, Returned: c.returned,
		Left: c.left, CameBack: c.cameBack, Orders: c.orders, Statuses: statusMap(c.statuses),
	}
}

func (c *monthCount) add(other monthCount) {
	c.atStart += other.atStart
	c.lost += other.lost
	c.fresh += other.fresh
	c.returned += other.returned
	c.left += other.left
	c.cameBack += other.cameBack
	c.orders += other.orders
	for i := range c.statuses {
		c.statuses[i] += other.statuses[i]
	}
}

func (t *tally) yearTruths() []YearTruth {
	rows := []YearTruth{}
	for m := range t.years[0] {
		// Nobody was a customer before the first day, so the first year with
		// customers at its start ends with the thirteenth month.
		if m < 12 || !t.w.isComplete(m) {
			continue
		}
		all := yearCount{}
		for s := range segments {
			all.atStart += t.years[s][m].atStart
			all.lost += t.years[s][m].lost
		}
		rows = append(rows, t.yearTruth(m, AllSegments, all))
		for s := range segments {
			rows = append(rows, t.yearTruth(m, segments[s].name, t.years[s][m]))
		}
	}
	return rows
}

func (t *tally) yearTruth(month int, segment string, c yearCount) YearTruth {
	row := YearTruth{Month: t.w.dayText(t.w.monthStarts[month]), Segment: segment, AtStart: c.atStart, Lost: c.lost}
	if c.atStart > 0 {
		row.ChurnPct = math.Round(1e4*100*float64(c.lost)/float64(c.atStart)) / 1e4
	}
	return row
}

// YearlyChurnPct returns the yearly churn of the whole company at the last full
// month, in percent; false if there is no year to look back on.
func (t Truth) YearlyChurnPct() (float64, bool) {
	for i := len(t.YearlyChurn) - 1; i >= 0; i-- {
		if t.YearlyChurn[i].Segment == AllSegments {
			return t.YearlyChurn[i].ChurnPct, t.YearlyChurn[i].AtStart > 0
		}
	}
	return 0, false
}
