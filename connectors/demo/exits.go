package demo

import "math"

// farewell is what the company learns of a departure.
type farewell struct {
	isAsked  bool
	at       int // second of the exit survey
	stated   cause
	verified cause // noCause: nobody asked further
	words    reason
	found    reason // verified, in words
}

// farewellOf draws what a customer says of departure i, and what is found when
// somebody asks five times why.
func (w *world) farewellOf(c *customer, l *life, i int) farewell {
	var d dice
	d.start(w.seed, streamSurvey, uint64(c.index), uint64(1_000+i))
	leave := &l.departures[i]
	f := farewell{stated: drawStated(&d, leave.cause)}
	f.words = drawReason(&d, f.stated, c.language)
	f.isAsked = d.chance(6_500) && c.inCRM && leave.loss < never
	f.at = (leave.loss+d.between(1, 12))*86_400 + w.firmHours.second(&d)
	if day := f.at / 86_400; day > w.lastDay || day >= leave.back {
		f.isAsked = false
	}
	if d.chance(6_000) {
		f.verified = leave.cause
		f.found = drawReason(&d, f.verified, c.language)
	}
	return f
}

// reasonCount counts departures that the rules see, by cause.
type reasonCount struct{ lost, stated, verified int }

// exits counts why customers left: by month of the loss, segment and cause.
type exits struct {
	w        *world
	byMonth  [][][]reasonCount // the last cause but one is for losses that are none
	surveys  ReasonsTruth
	events   []eventCount
	quarters []window // of events
}

// causeKinds is the number of causes, with one for customers who only paused.
const causeKinds = int(causeUnknown) + 1

type eventCount struct {
	atStart, lost, decided [2]int // before and after
	caused, left           int
}

// window is the three months before an event and the three after.
type window struct{ from, at, until int }

func newExits(w *world) *exits {
	x := &exits{w: w, events: make([]eventCount, len(w.events))}
	for range w.monthStarts[1:] {
		month := make([][]reasonCount, len(segments))
		for s := range month {
			month[s] = make([]reasonCount, causeKinds)
		}
		x.byMonth = append(x.byMonth, month)
	}
	for _, e := range w.events {
		day := w.start.AddDate(0, 0, e.day)
		x.quarters = append(x.quarters, window{daysBetween(w.start, day.AddDate(0, -3, 0)), e.day, daysBetween(w.start, day.AddDate(0, 3, 0))})
	}
	return x
}

// customer counts the losses of a customer by their true causes, and what was said
// of them.
func (x *exits) customer(c *customer, l *life, h *history) {
	for _, e := range h.episodes {
		if e.loss > x.w.lastDay {
			continue
		}
		of := noCause
		if leave := l.departureFrom(l.purchases[e.to-1]); leave != nil {
			of = leave.cause
		}
		x.byMonth[x.w.monthOf[e.loss]][c.segment][of].lost++
	}
	for i := range l.departures {
		leave := &l.departures[i]
		if leave.event >= 0 {
			x.events[leave.event].left++
		}
		if f := x.w.farewellOf(c, l, i); f.isAsked && leave.loss <= x.w.lastDay {
			x.survey(c, leave, &f)
		}
	}
	x.windows(c, l, h)
}

// departureFrom returns the departure after the purchase of a day, nil if the
// customer only paused.
func (l *life) departureFrom(day int) *departure {
	for i := range l.departures {
		if l.departures[i].from == day {
			return &l.departures[i]
		}
	}
	return nil
}

func (x *exits) survey(c *customer, leave *departure, f *farewell) {
	counts := x.byMonth[x.w.monthOf[leave.loss]][c.segment]
	x.surveys.Asked++
	if f.words.said == noCause {
		x.surveys.UnmappedStated++
	} else {
		counts[f.stated].stated++
	}
	if f.verified == noCause {
		return
	}
	x.surveys.Verified++
	if f.found.said == noCause {
		x.surveys.UnmappedVerified++
	} else {
		counts[f.verified].verified++
	}
	if f.words.said != noCause && f.found.said != noCause {
		x.surveys.Both++
		if f.stated != f.verified {
			x.surveys.Disagree++
		}
	}
}

// windows counts the customer in the months around each event.
func (x *exits) windows(c *customer, l *life, h *history) {
	for i := range x.w.events {
		e, q := &x.w.events[i], x.quarters[i]
		// The CRM knows who is of a segment.
		if e.Segment != "" && (e.Segment != segments[c.segment].name || !c.inCRM) || q.from < 0 || q.until-1 > x.w.lastDay {
			continue
		}
		for side, from := range []int{q.from, q.at} {
			until := []int{q.at, q.until}[side]
			if !h.isCustomer(l.purchases, from-1) {
				continue
			}
			count := &x.events[i]
			count.atStart[side]++
			loss := h.lostBetween(from, until)
			if loss < 0 {
				continue
			}
			count.lost[side]++
			lost := &h.episodes[loss]
			last := l.purchases[lost.to-1]
			// Who bought for the last time before the months and fell silent was gone.
			if last >= from || lost.loss == l.terminated {
				count.decided[side]++
			}
			if leave := l.departureFrom(last); side == 1 && leave != nil && leave.event == i {
				count.caused++
			}
		}
	}
}

// lostBetween returns the episode whose loss lies between two days, -1 if none.
func (h *history) lostBetween(from, until int) int {
	for i, e := range h.episodes {
		if e.loss >= from && e.loss < until {
			return i
		}
	}
	return -1
}

// impacts returns the events of the history with what they did.
func (x *exits) impacts() []PlantedEvent {
	events := x.w.eventsSoFar()
	for i := range events {
		q, count := x.quarters[i], x.events[i]
		if q.from < 0 || q.until-1 > x.w.lastDay {
			continue
		}
		impact := EventImpact{
			AtStartBefore: count.atStart[0], LostBefore: count.lost[0], BeforePct: pct(count.lost[0], count.atStart[0]),
			AtStartAfter: count.atStart[1], LostAfter: count.lost[1], AfterPct: pct(count.lost[1], count.atStart[1]),
			DecidedBefore: count.decided[0], DecidedAfter: count.decided[1],
			CausedLost: count.caused, TrueDiffPP: pct(count.caused, count.atStart[1]), Left: count.left,
		}
		impact.DiffPP = round4(impact.AfterPct - impact.BeforePct)
		events[i].Impact = &impact
	}
	return events
}

// reasons returns the counts by month, segment and category.
func (x *exits) reasons() ReasonsTruth {
	t := x.surveys
	t.DisagreePct = pct(t.Disagree, t.Both)
	for m, month := range x.byMonth {
		all := make([]reasonCount, causeKinds)
		for s := range month {
			for k, count := range month[s] {
				all[k].add(count)
			}
		}
		t.add(x.w, m, AllSegments, all)
		for s := range month {
			t.add(x.w, m, segments[s].name, month[s])
		}
	}
	return t
}

func (r *reasonCount) add(other reasonCount) {
	r.lost += other.lost
	r.stated += other.stated
	r.verified += other.verified
}

func (t *ReasonsTruth) add(w *world, month int, segment string, counts []reasonCount) {
	for k, count := range counts {
		if count == (reasonCount{}) {
			continue
		}
		row := ReasonTruth{
			Month: w.dayText(w.monthStarts[month]), Segment: segment, Category: causes[k].category, CompanyFault: causes[k].companyFault,
			Lost: count.lost, Stated: count.stated, Verified: count.verified,
		}
		if cause(k) == noCause {
			row.Category = "(pause)"
		}
		t.ByMonth = append(t.ByMonth, row)
	}
}

// pct is a share in percent, to four digits; 0 of nothing.
func pct(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return round4(100 * float64(part) / float64(whole))
}

func round4(x float64) float64 { return math.Round(1e4*x) / 1e4 }
