package demo

// life is what happened to one customer: orders, departures, the end.
type life struct {
	orders     []event
	calls      []event
	purchases  []int // days of the orders that count, ascending; a day may repeat
	departures []departure
	terminated int // day the contract ended, -1 if it did not
	secondAt   int // second, since the start, of a second account; -1 if none
}

// departure is a time when a customer stopped buying.
type departure struct {
	day   int   // from which on the customer buys no more
	cause cause // true one
	event int   // of the company's history that drove the customer away, -1 for none
	leak  leak  // of the call centre that did, if any
	from  int   // day of the last purchase, -1 if none counted
	loss  int   // day on which the rules see it
	back  int   // day of the first order after it; never if none came so far
	wonBy int   // number of the campaign that brought the customer back, plus 1
}

// event is one order, or one call, as far as a customer's life decides it. 16
// bytes, as there may be many millions.
type event struct {
	second   uint32 // since the start
	customer uint32
	sequence uint32 // number of the order, or call, within the customer's life
	flags    eventFlags
}

type eventFlags uint32

const (
	isCancelled     eventFlags = 1 << iota
	withoutLogin               // by e-mail only
	onSecondAccount            // of a duplicate
	isUnpaid                   // by a firm that had run out of money
	isCall                     // no order, but a call
)

// A problem with an order and what came of it are in the flags, too.
const (
	problemShift = 8  // five bits: the cause it would be of a departure
	answerShift  = 13 // two bits: an answer
)

const campaignShift = 16 // the campaign that an order is due to, plus 1

func (e event) campaign() int { return int(e.flags >> campaignShift & 15) }

func (e event) problem() cause { return cause(e.flags >> problemShift & 31) }
func (e event) answer() answer { return answer(e.flags >> answerShift & 3) }

// answer is what came of a problem with an order.
type answer uint8

const (
	notComplained answer = iota // nine out of ten say nothing
	answeredWell
	answeredBadly
	notAnswered
)

func (e event) day() int { return int(e.second / 86_400) }

// compareEvents orders events by time; ties by customer.
func compareEvents(a, b event) int {
	switch {
	case a.second != b.second:
		return int(int64(a.second) - int64(b.second))
	case a.customer != b.customer:
		return int(int64(a.customer) - int64(b.customer))
	}
	return int(int64(a.sequence) - int64(b.sequence))
}

// live plays a customer's life up to the last day of the history. What lies
// after that day has no influence on what lies before it.
func (w *world) live(c *customer, l *life) {
	l.orders, l.purchases = l.orders[:0], l.purchases[:0]
	l.departures, l.calls = l.departures[:0], l.calls[:0]
	l.terminated, l.secondAt = -1, -1
	if c.silent {
		return
	}
	p := player{w: w, c: c, l: l, segment: &segments[c.segment]}
	p.d.start(w.seed, streamLife, uint64(c.index), 0)
	p.play()
}

// player plays one life.
type player struct {
	w         *world
	c         *customer
	l         *life
	d         dice
	segment   *segment
	calendar  *calendar
	clock     clock
	pace      int64 // busy time between orders
	last      int   // second of the last order, since the start
	pressures []pressure
	campaign  int  // that the next order is due to, plus 1
	hasEnded  bool // the contract
}

func (p *player) play() {
	p.calendar, p.clock = p.w.people, p.w.peopleHours
	if p.segment.isFirm {
		p.calendar, p.clock = p.w.firms, p.w.firmHours
	}
	p.pressures = p.w.pressuresOn(p.c)
	p.pace = p.d.from(p.w.chances.pace[p.c.segment])
	at := p.firstOrder()
	p.last = at - 1
	for lives := 0; at/86_400 <= p.w.lastDay; lives++ {
		day := at / 86_400
		leave := p.leaves(day, lives)
		leave = p.buy(at, leave)
		if leave.day > p.w.lastDay {
			break
		}
		if leave.cause == causeDebt {
			p.leaveUnpaid()
		}
		at = p.goAway(leave)
		if at < 0 {
			break
		}
	}
}

// goAway notes a departure and returns the second of the first order after it,
// -1 if there is none.
func (p *player) goAway(leave departure) int {
	leave.from, leave.loss, leave.back = -1, never, never
	if n := len(p.l.purchases); n > 0 {
		leave.from = p.l.purchases[n-1]
		leave.loss = leave.from + p.segment.lostAfter
	}
	chance := p.segment.returns
	if leave.event >= 0 {
		chance /= 3 // those who went in anger
	}
	comesBack := !p.c.oneTime && p.d.chance(chance) && causeReturns[leave.cause]
	away := int(p.d.from(p.w.chances.away[p.c.segment]))
	second := p.clock.second(&p.d)
	if comesBack {
		leave.back = p.last/86_400 + p.segment.lostAfter + max(away, 1)
	} else {
		p.end(leave)
		if p.l.terminated > leave.from {
			leave.loss = min(leave.loss, p.l.terminated)
		}
	}
	if t, isWon := p.wonBack(&leave); isWon {
		leave.back, leave.wonBy = t.back, t.campaign+1
		if p.l.terminated > t.back {
			p.l.terminated = -1 // it was not ended after all
		}
	}
	p.campaign = leave.wonBy
	p.l.departures = append(p.l.departures, leave)
	if leave.back == never {
		return -1
	}
	return leave.back*86_400 + second
}

// causeReturns says after which causes customers may think better of it.
var causeReturns = func() (list [causeUnknown + 1]bool) {
	for i := range list {
		list[i] = cause(i) != causeClosed && cause(i) != causeRelocation
	}
	return list
}()

// firstOrder returns the second of the first order.
func (p *player) firstOrder() int {
	signedUp := p.c.day*86_400 + p.c.second
	if p.c.presence == isGuest {
		return signedUp
	}
	if p.c.atOnce {
		return signedUp + p.d.between(120, 1_500)
	}
	return signedUp + int(p.d.from(p.w.chances.firstGap))*60
}

// leaves returns when and why a life that begins on a day would end if nothing
// went wrong with its orders. Customers leave most easily in their first half
// year and in their second life, and under pressure.
func (p *player) leaves(from, lives int) departure {
	endurance := p.d.from(p.w.chances.endurance)
	choice := p.d.source.Uint64() // drawn in any case: later days change nothing
	usual := cause(p.w.chances.causes[p.c.segment].at(scramble(choice)))
	if p.c.oneTime {
		return departure{day: from, cause: usual, event: -1}
	}
	for day := from; day <= p.w.lastDay; {
		hazard := hazardOf(p.segment, day-from, lives)
		total, next := hazard, day+30
		for _, pr := range p.pressures {
			switch {
			case day < pr.from:
				next = min(next, pr.from)
			case day <= pr.until:
				total += hazard * pr.extra / 100
				next = min(next, pr.until+1)
			}
		}
		spent := total * int64(next-day) / 365
		if spent >= endurance {
			leave := departure{day: day + int(endurance*365/total), cause: usual, event: -1}
			p.blame(&leave, day, hazard, int64(choice%uint64(total)))
			return leave
		}
		endurance -= spent
		day = next
	}
	return departure{day: p.w.lastDay + 1, event: -1}
}

// hazardOf is the hazard, per year and in millionths, of leaving some days after a
// life began.
func hazardOf(s *segment, days, lives int) int64 {
	hazard := s.hazard
	if days < 180 {
		hazard = hazard * 135 / 100
	} else if days > 540 {
		hazard = hazard * 75 / 100
	}
	if lives > 0 {
		hazard = hazard * 170 / 100
	}
	return hazard
}

// blame finds the pressure, if any, that a departure is due to: the choice falls
// on one of them by its part of the hazard.
func (p *player) blame(leave *departure, day int, hazard, choice int64) {
	choice -= hazard
	for _, pr := range p.pressures {
		if choice < 0 {
			return
		}
		if day < pr.from || day > pr.until {
			continue
		}
		if choice -= hazard * pr.extra / 100; choice < 0 {
			leave.cause, leave.event = pr.cause, pr.event
		}
	}
}

// buy places orders from a second on until the customer leaves or the history
// ends, and returns the departure: an order that went wrong may bring it on.
func (p *player) buy(at int, leave departure) departure {
	day := at / 86_400
	busy := p.calendar.upTo[day]
	for day <= min(leave.day, p.w.lastDay) {
		p.order(at)
		if upset := p.goWrong(); upset.day < leave.day {
			leave = upset
		}
		if upset := p.telephone(); upset.day < leave.day {
			leave = upset
		}
		if p.c.oneTime {
			return leave
		}
		gap := p.pace * p.d.from(p.w.chances.gap[p.c.segment]) / 1_000
		// The pace counts thousandths of a day, as the calendar does.
		busy = max(busy, p.calendar.upTo[day]) + gap
		day = p.calendar.day(busy, day)
		at = max(day*86_400+p.clock.second(&p.d), p.last+p.d.between(900, 7_200))
		day = at / 86_400
	}
	return leave
}

func (p *player) order(at int) {
	p.last = at
	e := event{second: uint32(at), customer: uint32(p.c.index), sequence: uint32(len(p.l.orders))}
	e.flags |= eventFlags(p.campaign) << campaignShift
	p.campaign = 0
	if p.d.chance(p.segment.cancels) && e.campaign() == 0 {
		e.flags |= isCancelled
	} else {
		p.l.purchases = append(p.l.purchases, at/86_400)
	}
	if p.c.presence == isGuest || p.c.forgetful && p.d.chance(1_500) {
		e.flags |= withoutLogin
	} else if p.c.duplicate != noDuplicate && len(p.l.orders) > 0 {
		p.useSecondAccount(&e)
	}
	p.l.orders = append(p.l.orders, e)
}

// useSecondAccount lets a customer with a duplicate make it at one order, and use
// either account from then on.
func (p *player) useSecondAccount(e *event) {
	if p.l.secondAt < 0 {
		if !p.d.chance(3_000) {
			return
		}
		p.l.secondAt = int(e.second) - 240
	} else if p.d.chance(3_000) {
		return
	}
	e.flags |= onSecondAccount
}

// leaveUnpaid marks the last orders of a firm without money.
func (p *player) leaveUnpaid() {
	orders := p.l.orders
	for i := max(0, len(orders)-p.d.between(1, 3)); i < len(orders); i++ {
		orders[i].flags |= isUnpaid
	}
}

// end closes the contract of some of those who left for good: those whom an event
// of the company's history drove away mostly say so.
func (p *player) end(leave departure) {
	chance := 0
	switch {
	case leave.event >= 0:
		chance = 9_500
	case p.segment.isFirm:
		chance = 3_500
	}
	fate, days := p.d.below(10_000), 3+int(p.d.from(p.w.chances.resignDays))
	if leave.event >= 0 {
		days = (days + 1) / 2
	}
	if fate >= chance || p.hasEnded {
		return // the CRM has one contract of each
	}
	p.hasEnded = true
	day := max(leave.day, p.last/86_400) + days
	if day <= p.w.lastDay {
		p.l.terminated = day
	}
}
