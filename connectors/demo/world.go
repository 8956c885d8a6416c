package demo

import (
	"math"
	"math/bits"
	"sort"
	"time"
)

// world is everything that the customers of one demo company have in common.
type world struct {
	seed      uint64
	customers int // by the end of the last full month
	months    int
	start     time.Time
	lastDay   int // day number of End; the start is day 0

	monthStarts  []int     // day numbers of first days, up to the month after lastDay
	monthOf      []int16   // month number of each day
	dayTexts     []string  // 2006-01-02 of each day from earliestDay to some weeks after lastDay
	people       *calendar // busy time of private persons
	firms        *calendar // busy time of firms
	peopleHours  clock
	firmHours    clock
	arrivals     []int64 // arrivals[d] is the weight of arrivals before day d
	arrivalsAll  int64   // weight of the full months
	badFrom      int     // first and last day of the bad quarter; none if from > to
	badTo        int
	riseDay      int // day from which the prices of today hold
	events       []PlantedEvent
	carrierEvent int // among them
	campaigns    []campaign
	pressures    [][]pressure // of events on all customers, by segment
	chances      chances
	catalogue    *catalogue
	sharesPhone  bool // some firms give the switchboard of their business centre
}

// chances are the distributions that customers are drawn from.
type chances struct {
	segment    *quantiles
	pace       []*quantiles // of a customer, by segment
	gap        []*quantiles // of one gap, by segment, in thousandths
	away       []*quantiles // days from loss to return, by segment
	lines      []*quantiles // number of lines less 1, by segment
	firstGap   *quantiles   // minutes from sign-up to a first order that was not at once
	resignDays *quantiles   // median days from leaving to the end of a contract
	endurance  *quantiles   // hazard that a customer stands, in millionths
	delivery   *quantiles   // days of delay, if late
	causes     []*quantiles // of leaving when nothing in particular happened, by segment
	wrongs     *quantiles   // what may be wrong with an order, of wrongs

	wait *quantiles // for an operator, in seconds
	talk *quantiles // with one, in seconds

	leadSources *quantiles   // of deals
	loseFrom    []*quantiles // stages that deals are lost from, by funnel
	stay        *quantiles   // in a stage, in thousandths of what is usual
}

// earliestDay is the first day that any file mentions: contracts from before the
// shop was opened.
const earliestDay = -3_000

func newWorld(o Options) *world {
	w := &world{seed: o.Seed, customers: o.Customers, months: o.Months, start: o.Start()}
	w.lastDay = daysBetween(w.start, dateOnly(o.End))
	w.layMonths()
	w.people = newCalendar(privateRhythm, w.start, w.days())
	w.firms = newCalendar(businessRhythm, w.start, w.days())
	w.peopleHours, w.firmHours = newClock(privateRhythm), newClock(businessRhythm)
	w.layArrivals()
	w.planEvents(o.Months)
	w.layCampaigns()
	w.chances = newChances()
	w.catalogue = newCatalogue(w)
	w.sharesPhone = o.Customers >= 4_000
	return w
}

func newChances() chances {
	c := chances{
		firstGap:   lognormal(3*24*60, 1.2),
		resignDays: lognormal(18, 0.6),
		endurance:  exponential(1_000_000),
		delivery:   lognormal(2, 0.8),
		wait:       lognormal(16, 0.9),
		talk:       lognormal(170, 0.7),
	}
	c.wrongs, c.leadSources, c.stay = newWrongs(), newLeadSources(), lognormal(1_000, 0.7)
	for _, f := range funnels {
		var weights []int
		for _, s := range f.stages {
			weights = append(weights, s.lose)
		}
		c.loseFrom = append(c.loseFrom, weighted(weights))
	}
	person, firm := newCauses()
	shares := make([]int, len(segments))
	for i, s := range segments {
		shares[i] = s.share
		c.causes = append(c.causes, person)
		if s.isFirm {
			c.causes[i] = firm
		}
		c.pace = append(c.pace, lognormal(s.medianGap, s.paceSpread))
		c.gap = append(c.gap, lognormal(1_000, s.gapSpread))
		c.away = append(c.away, lognormal(s.awayMedian, 0.7))
		c.lines = append(c.lines, weighted(s.lines))
	}
	c.segment = weighted(shares)
	return c
}

func daysBetween(from, to time.Time) int { return int(to.Sub(from).Hours() / 24) }

// days is the number of days of the history.
func (w *world) days() int { return w.lastDay + 1 }

// monthStart returns the day number of the first day of month m, which may lie
// outside of the history.
func (w *world) monthStart(m int) int { return daysBetween(w.start, w.start.AddDate(0, m, 0)) }

func (w *world) layMonths() {
	for m := 0; ; m++ {
		first := w.monthStart(m)
		w.monthStarts = append(w.monthStarts, first)
		if first > w.lastDay {
			break
		}
	}
	w.monthOf = make([]int16, w.days())
	for m := range w.monthStarts[:len(w.monthStarts)-1] {
		for d := w.monthStarts[m]; d < w.monthStarts[m+1] && d < w.days(); d++ {
			w.monthOf[d] = int16(m)
		}
	}
	w.dayTexts = make([]string, w.days()+60-earliestDay)
	for i := range w.dayTexts {
		w.dayTexts[i] = w.start.AddDate(0, 0, earliestDay+i).Format(time.DateOnly)
	}
}

// dayText writes a day as 2006-01-02.
func (w *world) dayText(day int) string { return w.dayTexts[day-earliestDay] }

// layArrivals lays out when customers come: a quarter of them in the first weeks,
// taken over from the time before the shop, the others at a rate that grows by
// the month and goes with the season.
func (w *world) layArrivals() {
	const takeOverDays = 56
	w.arrivals = make([]int64, w.days()+1)
	fullDays := w.monthStart(w.months)
	season := newCalendar(privateRhythm, w.start, max(fullDays, w.days()))
	weight := func(d int) int64 {
		month := d * 12 / 365
		// New customers go with the season less than orders do.
		busy := 3*1_000 + season.upTo[d+1] - season.upTo[d]
		return busy * int64(100+2*month) / 400
	}
	var later int64
	for d := range fullDays {
		later += weight(d)
	}
	takenOver := min(takeOverDays, fullDays)
	perDay := later / 3 / int64(takenOver)
	at := func(d int) int64 {
		if d < takenOver {
			return weight(d) + perDay
		}
		return weight(d)
	}
	for d := range w.days() {
		w.arrivals[d+1] = w.arrivals[d] + at(d)
	}
	w.arrivalsAll = later + perDay*int64(takenOver)
}

// isTakenOver says whether a customer who comes on that day may well have bought
// from the company before it had a shop.
func (w *world) isTakenOver(day int) bool { return day < 56 }

// arrival returns the day that customer i comes on, or a day after the last.
// Later customers come later.
func (w *world) arrival(i int) int {
	hi, lo := bits.Mul64(uint64(2*i+1), uint64(w.arrivalsAll))
	quotient, _ := bits.Div64(hi, lo, uint64(2*w.customers))
	at := int64(quotient)
	return sort.Search(w.days(), func(d int) bool { return w.arrivals[d+1] > at })
}

// population is the number of customers who come by the last day.
func (w *world) population() int {
	limit := w.customers*2 + 100 // a cut-off month brings far fewer
	return sort.Search(min(limit, math.MaxUint32), func(i int) bool { return w.arrival(i) > w.lastDay })
}
