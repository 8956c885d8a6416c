package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Spend is what customers spent on average on the days of their repeat purchases.
type Spend struct {
	// Repeats is the number of those days, at least 1.
	Repeats int
	// Mean is the money of a day, more than nothing.
	Mean float64
	// Customers have both in common.
	Customers float64
}

// SpendParameters are those of the Gamma-Gamma model: what a customer's purchases
// bring varies with shape P around a mean of their own, which varies over the
// customers by Q and Gamma. Gamma is in the money of the spend.
type SpendParameters struct{ P, Q, Gamma float64 }

// SpendFit is a fitted Gamma-Gamma model.
type SpendFit struct {
	SpendParameters
	// Estimates are P, Q and Gamma with their standard errors.
	Estimates     [3]Estimate
	LogLikelihood float64
	// Customers with a repeat purchase.
	Customers float64
	// Correlation of the number of purchases with their mean. The model takes it for
	// none; beyond some 0.3 its values mislead.
	Correlation float64
	Convergence
}

// SpendNames are the names of the parameters, in the order of the estimates.
var SpendNames = [3]string{"p", "q", "gamma"}

// FitSpend fits the model by maximum likelihood. The order of the spends does not
// matter.
func FitSpend(spends []Spend) SpendFit {
	sorted := slices.Clone(spends)
	slices.SortFunc(sorted, func(a, b Spend) int {
		return cmp.Or(cmp.Compare(a.Repeats, b.Repeats), cmp.Compare(a.Mean, b.Mean), cmp.Compare(a.Customers, b.Customers))
	})
	fit := SpendFit{Correlation: correlation(sorted)}
	sum := 0.0
	for _, s := range sorted {
		fit.Customers += s.Customers
		sum += s.Customers * math.Log(s.Mean)
	}
	if fit.Customers == 0 {
		fit.Reason = "nobody bought twice"
		return fit
	}
	// In units of the usual spend no currency is better than another to search in.
	scale := math.Exp(sum / fit.Customers)
	fine := newSpendLikelihood(sorted, scale)
	rough := newSpendLikelihood(coarseSpends(sorted, roughGroups), scale)
	var starts [][]float64
	for _, s := range [][3]float64{{1, 2, 1}, {5, 3, 0.5}, {2, 10, 5}, {10, 1.5, 0.1}} {
		starts = append(starts, []float64{math.Log(s[0]), math.Log(s[1]), math.Log(s[2])})
	}
	o := maximize(rough.of, fine.of, fit.Customers, starts, SpendNames[:])
	fit.Convergence, fit.LogLikelihood = o.Convergence, o.value-fit.Customers*math.Log(scale)
	if o.logs == nil {
		return fit
	}
	e := o.estimates()
	e[2].Value, e[2].StdError = e[2].Value*scale, e[2].StdError*scale
	fit.Estimates = [3]Estimate(e)
	fit.P, fit.Q, fit.Gamma = e[0].Value, e[1].Value, e[2].Value
	return fit
}

// LogLikelihood returns the logarithm of the likelihood of the spends: the sum of
//
//	lnΓ(px+q) − lnΓ(px) − lnΓ(q) + q lnγ + (px−1) ln z + px ln x − (px+q) ln(γ+xz)
//
// for the mean z of x days (Fader, Hardie 2013).
func (p SpendParameters) LogLikelihood(spends []Spend) float64 {
	return newSpendLikelihood(spends, 1).of([]float64{math.Log(p.P), math.Log(p.Q), math.Log(p.Gamma)}, nil)
}

// Mean returns what a purchase of the customer is expected to bring, from the mean
// of so many repeat purchases; without any, what everybody's brings. It is infinite
// where Q is 1 or less.
func (p SpendParameters) Mean(repeats int, mean float64) float64 {
	if p.Q <= 1 {
		return math.Inf(1)
	}
	everybody := p.P * p.Gamma / (p.Q - 1)
	known := p.P * float64(repeats)
	weight := known / (known + p.Q - 1)
	return (1-weight)*everybody + weight*mean
}

// spendLikelihood computes the likelihood of spends in units of scale.
type spendLikelihood struct {
	spends []Spend
	money  []float64 // x times the mean
	// By number of purchases: customers, and the sum of the logarithms of means.
	repeats       []int
	counts, means []float64
	repeatsAt     []int32
}

func newSpendLikelihood(sorted []Spend, scale float64) *spendLikelihood {
	l := &spendLikelihood{spends: sorted, money: make([]float64, len(sorted)), repeatsAt: make([]int32, len(sorted))}
	at := map[int]int32{}
	for i, s := range sorted {
		if _, known := at[s.Repeats]; !known {
			at[s.Repeats] = int32(len(l.repeats))
			l.repeats = append(l.repeats, s.Repeats)
			l.counts, l.means = append(l.counts, 0), append(l.means, 0)
		}
		x := at[s.Repeats]
		l.repeatsAt[i] = x
		l.money[i] = float64(s.Repeats) * s.Mean / scale
		l.counts[x] += s.Customers
		l.means[x] += s.Customers * math.Log(s.Mean/scale)
	}
	return l
}

// of returns the log-likelihood at p, q and gamma, given as logarithms.
func (l *spendLikelihood) of(logs, gradient []float64) float64 {
	p, q, gamma := math.Exp(logs[0]), math.Exp(logs[1]), math.Exp(logs[2])
	total := 0.0
	var slope [3]float64
	for i, repeats := range l.repeats {
		x, n := float64(repeats), l.counts[i]
		total += n*(lgamma(p*x+q)-lgamma(p*x)-lgamma(q)+q*logs[2]+p*x*math.Log(x)) + (p*x-1)*l.means[i]
		if gradient == nil {
			continue
		}
		both := mathext.Digamma(p*x + q)
		slope[0] += n*x*(both-mathext.Digamma(p*x)+math.Log(x)) + x*l.means[i]
		slope[1] += n * (both - mathext.Digamma(q) + logs[2])
		slope[2] += n * q / gamma
	}
	for i, s := range l.spends {
		x := float64(s.Repeats)
		logarithm := math.Log(gamma + l.money[i])
		total -= s.Customers * (p*x + q) * logarithm
		slope[0] -= s.Customers * x * logarithm
		slope[1] -= s.Customers * logarithm
		slope[2] -= s.Customers * (p*x + q) / (gamma + l.money[i])
	}
	for i := range gradient {
		gradient[i] = slope[i] * math.Exp(logs[i])
	}
	return total
}

// coarseSpends rounds means to steps of a few percent when there are more than
// most spends.
func coarseSpends(sorted []Spend, most int) []Spend {
	for step := 0.02; len(sorted) > most && step < 1; step *= 2 {
		var rounded []Spend
		for _, s := range sorted { // means grow within the same number of purchases
			s.Mean = math.Exp(math.Round(math.Log(s.Mean)/step) * step)
			if n := len(rounded); n > 0 && rounded[n-1].Repeats == s.Repeats && rounded[n-1].Mean == s.Mean {
				rounded[n-1].Customers += s.Customers
				continue
			}
			rounded = append(rounded, s)
		}
		sorted = rounded
	}
	return sorted
}

// correlation is that of Pearson between the number of purchases and their mean;
// NaN where one of them does not vary.
func correlation(spends []Spend) float64 {
	n, x, z := 0.0, 0.0, 0.0
	for _, s := range spends {
		n, x, z = n+s.Customers, x+s.Customers*float64(s.Repeats), z+s.Customers*s.Mean
	}
	x, z = x/n, z/n
	xx, zz, xz := 0.0, 0.0, 0.0
	for _, s := range spends {
		dx, dz := float64(s.Repeats)-x, s.Mean-z
		xx, zz, xz = xx+s.Customers*dx*dx, zz+s.Customers*dz*dz, xz+s.Customers*dx*dz
	}
	return xz / math.Sqrt(xx*zz)
}
