package stats

import (
	"cmp"
	"math"
	"slices"
)

// Week is the unit of time that models of repeat purchases are fitted in, in days.
const Week = 7

// History is what a model of repeat purchases knows of a customer, and how many
// customers have it in common. A day with several orders is one purchase.
type History struct {
	// Repeats is the number of days with a purchase after the first one.
	Repeats int
	// Last and Age are days since the first purchase: to the last purchase, and to
	// the end of the observation. 0 <= Last <= Age.
	Last, Age int
	// Customers have this history; at least 1.
	Customers float64
}

// Purchases are the histories of many customers, equal ones counted once.
type Purchases struct {
	groups []History
	// customers is the sum of all, events that of their repeat purchases.
	customers, events float64
	// What the likelihood needs of each number of repeats, each age and each last
	// day is computed once for all groups that share it.
	repeats      []int
	lasts, ages  []float64 // in weeks
	repeatCounts []float64
	index        []historyIndex
}

// historyIndex says where the values of a group stand in the lists of Purchases.
type historyIndex struct{ repeats, last, age int32 }

// NewPurchases puts equal histories together. The order of those given does not
// matter.
func NewPurchases(histories []History) *Purchases {
	sorted := slices.Clone(histories)
	slices.SortFunc(sorted, func(a, b History) int {
		return cmp.Or(cmp.Compare(a.Repeats, b.Repeats), cmp.Compare(a.Last, b.Last), cmp.Compare(a.Age, b.Age), cmp.Compare(a.Customers, b.Customers))
	})
	p := &Purchases{groups: sorted[:0]}
	for _, h := range sorted {
		p.customers += h.Customers
		p.events += h.Customers * float64(h.Repeats)
		if n := len(p.groups); n > 0 && sameHistory(p.groups[n-1], h) {
			p.groups[n-1].Customers += h.Customers
			continue
		}
		p.groups = append(p.groups, h)
	}
	p.number()
	return p
}

func sameHistory(a, b History) bool {
	return a.Repeats == b.Repeats && a.Last == b.Last && a.Age == b.Age
}

// number lists the distinct values and notes which of them each group has.
func (p *Purchases) number() {
	value := func(of func(History) int) (distinct []int, at map[int]int32) {
		at = map[int]int32{}
		for _, g := range p.groups {
			if _, known := at[of(g)]; !known {
				at[of(g)] = int32(len(distinct))
				distinct = append(distinct, of(g))
			}
		}
		return distinct, at
	}
	repeats, repeatAt := value(func(h History) int { return h.Repeats })
	lasts, lastAt := value(func(h History) int { return h.Last })
	ages, ageAt := value(func(h History) int { return h.Age })
	p.repeats, p.lasts, p.ages = repeats, weeks(lasts), weeks(ages)
	p.repeatCounts = make([]float64, len(repeats))
	p.index = make([]historyIndex, len(p.groups))
	for i, g := range p.groups {
		p.index[i] = historyIndex{repeatAt[g.Repeats], lastAt[g.Last], ageAt[g.Age]}
		p.repeatCounts[p.index[i].repeats] += g.Customers
	}
}

func weeks(days []int) []float64 {
	weeks := make([]float64, len(days))
	for i, day := range days {
		weeks[i] = float64(day) / Week
	}
	return weeks
}

// Rounded returns the purchases with times rounded to so many decimals of a week:
// two in the published table of the CDNOW sample.
func (p *Purchases) Rounded(decimals int) *Purchases {
	rounded := *p
	factor := math.Pow10(decimals)
	for _, times := range []*[]float64{&rounded.lasts, &rounded.ages} {
		*times = slices.Clone(*times)
		for i, time := range *times {
			(*times)[i] = math.Round(time*factor) / factor
		}
	}
	return &rounded
}

// Customers returns how many customers there are.
func (p *Purchases) Customers() float64 { return p.customers }

// Repeats returns how many repeat purchases they made.
func (p *Purchases) Repeats() float64 { return p.events }

// Histories returns the distinct histories, sorted.
func (p *Purchases) Histories() []History { return slices.Clone(p.groups) }

// Most returns the largest number of repeat purchases, and the largest age in
// days.
func (p *Purchases) Most() (repeats, age int) {
	for _, g := range p.groups {
		repeats, age = max(repeats, g.Repeats), max(age, g.Age)
	}
	return repeats, age
}

// coarse returns the histories with days rounded to the middle of bins, as many as
// needed to leave fewer than most groups: good enough to find where to start.
func (p *Purchases) coarse(most int) *Purchases {
	for bin := Week; len(p.groups) > most && bin <= 64*Week; bin *= 2 {
		rounded := make([]History, len(p.groups))
		for i, g := range p.groups {
			g.Age = g.Age/bin*bin + bin/2
			if g.Repeats > 0 {
				g.Last = g.Last/bin*bin + bin/2
			}
			rounded[i] = g
		}
		p = NewPurchases(rounded)
	}
	return p
}
