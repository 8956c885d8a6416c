package demo

// life is what happened to one customer: orders, departures, the end.
type life struct {
	orders     []event
	purchases  []int // days of the orders that count, ascending; a day may repeat
	deaths     []int // days on which the customer stopped buying
	comebacks  []int // days of the first order after those
	terminated int   // day the contract ended, -1 if it did not
	secondAt   int   // second, since the start, of a second account; -1 if none
}

// event is one order as far as a customer's life decides it. 16 bytes, as there
// may be many millions.
type event struct {
	second   uint32 // since the start
	customer uint32
	sequence uint32 // number of the order within the customer's life
	flags    eventFlags
}

type eventFlags uint32

const (
	isCancelled     eventFlags = 1 << iota
	withoutLogin               // by e-mail only
	onSecondAccount            // of a duplicate
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
	l.deaths, l.comebacks = l.deaths[:0], l.comebacks[:0]
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
	w        *world
	c        *customer
	l        *life
	d        dice
	segment  *segment
	calendar *calendar
	clock    clock
	pace     int64 // busy time between orders
	last     int   // second of the last order, since the start
}

func (p *player) play() {
	p.calendar, p.clock = p.w.people, p.w.peopleHours
	if p.segment.isFirm {
		p.calendar, p.clock = p.w.firms, p.w.firmHours
	}
	p.pace = p.d.from(p.w.chances.pace[p.c.segment])
	at := p.firstOrder()
	p.last = at - 1
	for lives := 0; at/86_400 <= p.w.lastDay; lives++ {
		day := at / 86_400
		death := day
		if !p.c.oneTime {
			death = p.w.deathDay(&p.d, p.segment, day, lives)
		}
		p.buy(at, death)
		if death > p.w.lastDay {
			break
		}
		p.l.deaths = append(p.l.deaths, death)
		if p.c.oneTime || !p.d.chance(p.segment.returns) {
			p.end(death)
			break
		}
		away := int(p.d.from(p.w.chances.away[p.c.segment]))
		back := p.last/86_400 + p.segment.lostAfter + max(away, 1)
		at = back*86_400 + p.clock.second(&p.d)
		if back <= p.w.lastDay {
			p.l.comebacks = append(p.l.comebacks, back)
		}
	}
}

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

// deathDay returns the day on which a life that begins on a day ends. Customers
// leave most easily in their first half year and in their second life.
func (w *world) deathDay(d *dice, s *segment, from, lives int) int {
	endurance := d.from(w.chances.endurance)
	for day := from; day <= w.lastDay; {
		hazard := s.hazard // per year, in millionths
		if day-from < 180 {
			hazard = hazard * 135 / 100
		} else if day-from > 540 {
			hazard = hazard * 75 / 100
		}
		if lives > 0 {
			hazard = hazard * 170 / 100
		}
		next := day + 30
		switch {
		case day >= w.badFrom && day <= w.badTo:
			hazard = hazard * s.badQuarter / 100
			next = min(next, w.badTo+1)
		case day < w.badFrom:
			next = min(next, w.badFrom)
		}
		spent := hazard * int64(next-day) / 365
		if spent >= endurance {
			return day + int(endurance*365/hazard)
		}
		endurance -= spent
		day = next
	}
	return w.lastDay + 1
}

// buy places orders from a second on until the customer dies or the history ends.
func (p *player) buy(at, death int) {
	until := min(death, p.w.lastDay)
	day := at / 86_400
	busy := p.calendar.upTo[day]
	for day <= until {
		p.order(at)
		if p.c.oneTime {
			return
		}
		gap := p.pace * p.d.from(p.w.chances.gap[p.c.segment]) / 1_000
		// The pace counts thousandths of a day, as the calendar does.
		busy = max(busy, p.calendar.upTo[day]) + gap
		day = p.calendar.day(busy, day)
		at = max(day*86_400+p.clock.second(&p.d), p.last+p.d.between(900, 7_200))
		day = at / 86_400
	}
}

func (p *player) order(at int) {
	p.last = at
	e := event{second: uint32(at), customer: uint32(p.c.index), sequence: uint32(len(p.l.orders))}
	if p.d.chance(p.segment.cancels) {
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

// end closes the contract of some of the firms that left for good.
func (p *player) end(death int) {
	if !p.segment.isFirm || !p.d.chance(3_500) {
		return
	}
	day := max(death, p.last/86_400) + 3 + int(p.d.from(p.w.chances.resignDays))
	if day <= p.w.lastDay {
		p.l.terminated = day
	}
}
