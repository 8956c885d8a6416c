package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// RepeatModel is a model of when customers buy again and when they stop. In both
// a customer buys at a steady rate of their own (gamma distributed over customers)
// and stops after a purchase with a chance of their own (beta distributed).
type RepeatModel string

// The models of repeat purchases.
const (
	// MBGNBD lets customers stop after any purchase, the first among them
	// (Batislam, Denizel, Filiztekin 2007): the one for winning back.
	MBGNBD RepeatModel = "MBG/NBD"
	// BGNBD lets them stop after repeat purchases only, so that whoever bought once
	// is alive for ever (Fader, Hardie, Lee 2005).
	BGNBD RepeatModel = "BG/NBD"
)

// first is 1 where the first purchase may be the last one.
func (m RepeatModel) first() float64 {
	if m == BGNBD {
		return 0
	}
	return 1
}

// RepeatParameters are the parameters of a RepeatModel, in weeks: purchase rates
// have the gamma distribution with shape R and rate Alpha, chances to stop the
// beta distribution with A and B.
type RepeatParameters struct {
	Model          RepeatModel
	R, Alpha, A, B float64
}

// RepeatFit is a fitted RepeatModel.
type RepeatFit struct {
	RepeatParameters
	// Estimates are R, Alpha, A and B with their standard errors.
	Estimates     [4]Estimate
	LogLikelihood float64
	Customers     float64
	Convergence
}

// RepeatNames are the names of the parameters, in the order of the estimates.
var RepeatNames = [4]string{"r", "alpha", "a", "b"}

// roughGroups is how many distinct histories are looked at from every start; when
// there are more, days are rounded for that. The fit itself takes all.
const roughGroups = 20_000

// FitRepeat fits the model by maximum likelihood. Purchases in which nobody bought
// twice tell nothing about the rate; the fit says then that it did not converge.
func FitRepeat(model RepeatModel, p *Purchases) RepeatFit {
	if p.events == 0 {
		return RepeatFit{RepeatParameters: RepeatParameters{Model: model}, LogLikelihood: math.NaN(), Customers: p.customers, Convergence: Convergence{Reason: "nobody bought twice"}}
	}
	rough := p.coarse(roughGroups)
	exposure := 0.0
	for _, g := range rough.groups {
		exposure += g.Customers * float64(g.Age) / Week
	}
	// With a rate like everybody's, Alpha is R over purchases a week.
	rate := (p.events + 1) / (exposure + 1)
	var starts [][]float64
	for _, s := range [][3]float64{{1, 1, 1}, {0.3, 0.5, 2}, {2, 1, 4}, {0.5, 3, 10}} {
		starts = append(starts, []float64{math.Log(s[0]), math.Log(s[0] / rate / 2), math.Log(s[1]), math.Log(s[2])})
	}
	o := maximize(newRepeatLikelihood(model, rough).of, newRepeatLikelihood(model, p).of, p.customers, starts, RepeatNames[:])
	fit := RepeatFit{LogLikelihood: o.value, Customers: p.customers, Convergence: o.Convergence}
	fit.Model = model
	if o.logs == nil {
		return fit
	}
	e := o.estimates()
	fit.Estimates = [4]Estimate(e)
	fit.R, fit.Alpha, fit.A, fit.B = e[0].Value, e[1].Value, e[2].Value, e[3].Value
	return fit
}

// LogLikelihood returns the logarithm of the likelihood of the purchases:
//
//	Γ(r+x) αʳ / Γ(r) · B(a, b+x+f) / B(a, b) · ((α+T)^−(r+x) + a / (b+x−1+f) (α+t)^−(r+x))
//
// for x repeats, the last at t, and age T, where f is 1 for MBG/NBD and 0 for
// BG/NBD, which has the last summand only for x > 0.
func (p RepeatParameters) LogLikelihood(purchases *Purchases) float64 {
	return newRepeatLikelihood(p.Model, purchases).of([]float64{math.Log(p.R), math.Log(p.Alpha), math.Log(p.A), math.Log(p.B)}, nil)
}

// repeatLikelihood computes the likelihood of purchases, with room for what groups
// share.
type repeatLikelihood struct {
	*Purchases
	first            float64
	logAges, logLast []float64
	aliveAges        []float64 // 1 / (α + T)
	aliveLast        []float64
	shares           []float64 // of each number of repeats: ln(a / (b+x−1+f))
}

func newRepeatLikelihood(model RepeatModel, p *Purchases) *repeatLikelihood {
	return &repeatLikelihood{
		Purchases: p, first: model.first(),
		logAges: make([]float64, len(p.ages)), aliveAges: make([]float64, len(p.ages)),
		logLast: make([]float64, len(p.lasts)), aliveLast: make([]float64, len(p.lasts)),
		shares: make([]float64, len(p.repeats)),
	}
}

// of returns the log-likelihood at r, alpha, a and b, given as logarithms.
func (l *repeatLikelihood) of(logs, gradient []float64) float64 {
	r, alpha, a, b := math.Exp(logs[0]), math.Exp(logs[1]), math.Exp(logs[2]), math.Exp(logs[3])
	for i, age := range l.ages {
		l.logAges[i], l.aliveAges[i] = math.Log(alpha+age), 1/(alpha+age)
	}
	for i, last := range l.lasts {
		l.logLast[i], l.aliveLast[i] = math.Log(alpha+last), 1/(alpha+last)
	}
	var slope [4]float64
	total := l.ofCounts(r, logs[1], a, b, &slope, gradient != nil)
	for i, g := range l.groups {
		at := l.index[i]
		x := float64(g.Repeats)
		alive := -(r + x) * l.logAges[at.age]
		if g.Repeats == 0 && l.first == 0 {
			total += g.Customers * alive
			slope[0] -= g.Customers * l.logAges[at.age]
			slope[1] -= g.Customers * r * l.aliveAges[at.age]
			continue
		}
		gone := l.shares[at.repeats] - (r+x)*l.logLast[at.last]
		odds := math.Exp(-math.Abs(gone - alive))
		total += g.Customers * (max(alive, gone) + math.Log1p(odds))
		if gradient == nil {
			continue
		}
		dead := odds / (1 + odds) // the chance that they are gone
		if gone > alive {
			dead = 1 / (1 + odds)
		}
		slope[0] -= g.Customers * ((1-dead)*l.logAges[at.age] + dead*l.logLast[at.last])
		slope[1] -= g.Customers * (r + x) * ((1-dead)*l.aliveAges[at.age] + dead*l.aliveLast[at.last])
		slope[2] += g.Customers * dead / a
		slope[3] -= g.Customers * dead / (b + x - 1 + l.first)
	}
	for i := range gradient {
		gradient[i] = slope[i] * math.Exp(logs[i])
	}
	return total
}

// ofCounts is the part of the likelihood, and of its slope, that the number of
// repeats alone decides.
func (l *repeatLikelihood) ofCounts(r, logAlpha, a, b float64, slope *[4]float64, sloped bool) float64 {
	alpha := math.Exp(logAlpha)
	total := 0.0
	for i, repeats := range l.repeats {
		x, n := float64(repeats), l.repeatCounts[i]
		bought := x + l.first
		l.shares[i] = math.Log(a) - math.Log(b+x-1+l.first)
		total += n * (lgamma(r+x) - lgamma(r) + r*logAlpha + lbeta(a, b+bought) - lbeta(a, b))
		if !sloped {
			continue
		}
		both := mathext.Digamma(a+b) - mathext.Digamma(a+b+bought)
		slope[0] += n * (mathext.Digamma(r+x) - mathext.Digamma(r) + logAlpha)
		slope[1] += n * r / alpha
		slope[2] += n * both
		slope[3] += n * (mathext.Digamma(b+bought) - mathext.Digamma(b) + both)
	}
	return total
}

func lgamma(x float64) float64 {
	value, _ := math.Lgamma(x)
	return value
}

func lbeta(a, b float64) float64 { return lgamma(a) + lgamma(b) - lgamma(a+b) }

// goneOdds is how much more likely it is that the customer is gone than that they
// will buy again.
func (p RepeatParameters) goneOdds(repeats int, last, age float64) float64 {
	first := p.Model.first()
	if repeats == 0 && first == 0 {
		return 0
	}
	x := float64(repeats)
	return p.A / (p.B + x - 1 + first) * math.Exp((p.R+x)*(math.Log(p.Alpha+age)-math.Log(p.Alpha+last)))
}

// Alive returns the chance, from 0 to 1, that a customer with so many repeat
// purchases, the last after last weeks and observed for age weeks, will ever buy
// again.
func (p RepeatParameters) Alive(repeats int, last, age float64) float64 {
	return 1 / (1 + p.goneOdds(repeats, last, age))
}

// Expected returns how many days with a purchase to expect of the customer in the
// next weeks:
//
//	(a+b+x−1+f) / (a−1) · (1 − ((α+T)/(α+T+t))^(r+x) ₂F₁(r+x, b+x+f; a+b+x−1+f; t/(α+T+t))) · P(alive)
//
// Of this form and Euler's, ((α+T)/(α+T+t))^(a−1) ₂F₁(a+b−1+f−r, a−1; …), the one is
// taken whose terms grow less: a thousand purchases make r+x large, customers who
// hardly ever differ in how they leave make a large.
func (p RepeatParameters) Expected(weeks float64, repeats int, last, age float64) float64 {
	alive := p.Alive(repeats, last, age)
	if alive == 0 || weeks <= 0 {
		return 0
	}
	return p.purchases(weeks, float64(repeats), age, p.Model.first()) * alive
}

// purchases is what to expect of a customer who is alive.
func (p RepeatParameters) purchases(weeks, x, age, first float64) float64 {
	a := p.A
	if math.Abs(a-1) < 1e-7 { // the limit there is finite
		a = 1 + 1e-7
	}
	c := a + p.B + x - 1 + first
	left := (p.Alpha + age) / (p.Alpha + age + weeks)
	power, other := a-1, a+p.B-1+first-p.R
	if p.R+x < power {
		power, other = p.R+x, p.B+x+first
	}
	return c / (a - 1) * (1 - math.Exp(power*math.Log(left)+logHypergeometric(other, power, c, 1-left)))
}

// ExpectedOfNew returns how many repeat purchases to expect of somebody in the
// first weeks after their first purchase.
func (p RepeatParameters) ExpectedOfNew(weeks float64) float64 {
	if weeks <= 0 {
		return 0
	}
	expected := p.purchases(weeks, 0, 0, p.Model.first())
	if p.Model == BGNBD {
		return expected
	}
	// Whoever stops at the first purchase does not come again.
	return expected * p.B / (p.A + p.B)
}

// MonthWeeks is how many weeks a month has in discounted values.
const MonthWeeks = 4.345

// Discounted returns the purchases to expect in the next months, each worth less by
// the monthly rate (0.01 for 1 %) for every month until then: times what a purchase
// brings it is the customer lifetime value.
func (p RepeatParameters) Discounted(months int, rate float64, repeats int, last, age float64) float64 {
	value, before, worth := 0.0, 0.0, 1.0
	for month := 1; month <= months; month++ {
		worth /= 1 + rate
		expected := p.Expected(float64(month)*MonthWeeks, repeats, last, age)
		value += (expected - before) * worth
		before = expected
	}
	return value
}

// logHypergeometric is the logarithm of ₂F₁(a, b; c; z) for 0 <= z < 1, by its series,
// for parameters with which the function is above zero. Its value may be beyond what
// a number can hold.
func logHypergeometric(a, b, c, z float64) float64 {
	const enough, terms, large = 1e-15, 200_000, 1e200
	sum, term, scale := 1.0, 1.0, 0.0
	for n := range terms {
		k := float64(n)
		term *= (a + k) * (b + k) / ((c + k) * (k + 1)) * z
		sum += term
		if math.Abs(sum) > large {
			sum, term, scale = sum/large, term/large, scale+math.Log(large)
		}
		if math.Abs(term) <= enough*math.Abs(sum)*(1-z) {
			break
		}
	}
	return math.Log(sum) + scale
}

// String tells the parameters, for logs and errors.
func (p RepeatParameters) String() string {
	return fmt.Sprintf("%s r %.4g alpha %.4g a %.4g b %.4g", p.Model, p.R, p.Alpha, p.A, p.B)
}
