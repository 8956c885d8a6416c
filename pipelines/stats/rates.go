package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// z975 is the 97.5 % quantile of the normal distribution, for intervals of 95 %.
const z975 = 1.959963984540054

// Wilson returns the 95 % score interval of the rate k of n, from 0 to 1 (Wilson
// 1927; method 3 of Newcombe, Statistics in Medicine 17, 857, 1998). NaN without
// anybody to count.
func Wilson(k, n float64) (lower, upper float64) {
	if n <= 0 || k < 0 || k > n {
		return math.NaN(), math.NaN()
	}
	p := k / n
	middle := p + z975*z975/(2*n)
	half := z975 * math.Sqrt(p*(1-p)/n+z975*z975/(4*n*n))
	whole := 1 + z975*z975/n
	return max(0, (middle-half)/whole), min(1, (middle+half)/whole)
}

// Newcombe returns the 95 % interval of the difference k1/n1 − k2/n2, from −1 to 1
// (method 10 of Newcombe, Statistics in Medicine 17, 873, 1998).
func Newcombe(k1, n1, k2, n2 float64) (lower, upper float64) {
	l1, u1 := Wilson(k1, n1)
	l2, u2 := Wilson(k2, n2)
	p1, p2 := k1/n1, k2/n2
	return p1 - p2 - math.Hypot(p1-l1, u2-p2), p1 - p2 + math.Hypot(u1-p1, p2-l2)
}

// Sample is what is known of the values of a group: how many, their mean, and
// their variance with n−1 below.
type Sample struct{ N, Mean, Variance float64 }

// Difference is that of two means.
type Difference struct {
	Value, StdError float64
	// DF are the degrees of freedom by Welch and Satterthwaite.
	DF float64
	// Lower and Upper are the 95 % interval, P the two-sided chance of as large a
	// difference where there is none.
	Lower, Upper, P float64
}

// Welch compares the means of two groups that need not vary alike (Welch 1947).
// All but the value is NaN where a group has fewer than two, or nothing varies.
func Welch(a, b Sample) Difference {
	d := Difference{Value: a.Mean - b.Mean}
	va, vb := a.Variance/a.N, b.Variance/b.N
	if !(a.N > 1 && b.N > 1 && va+vb > 0) {
		nan := math.NaN()
		d.StdError, d.DF, d.Lower, d.Upper, d.P = nan, nan, nan, nan, nan
		return d
	}
	d.StdError = math.Sqrt(va + vb)
	d.DF = (va + vb) * (va + vb) / (va*va/(a.N-1) + vb*vb/(b.N-1))
	student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: d.DF}
	t := student.Quantile(0.975)
	d.Lower, d.Upper = d.Value-t*d.StdError, d.Value+t*d.StdError
	d.P = 2 * student.Survival(math.Abs(d.Value/d.StdError))
	return d
}

// Power is what a test of two rates is designed for.
type Power struct {
	// Level is the two-sided chance to see a difference where there is none, Power
	// the chance to see the one there is.
	Level, Power float64
}

// UsualPower is a level of 5 % and a power of 80 %.
var UsualPower = Power{Level: 0.05, Power: 0.8}

func (w Power) quantiles() (alpha, beta float64) {
	return distuv.UnitNormal.Quantile(1 - w.Level/2), distuv.UnitNormal.Quantile(w.Power)
}

// SampleSize returns how many each of two equal groups needs to tell the rates p1
// and p2 apart (Fleiss, Levin, Paik 2003, 4.14, without correction for continuity).
func (w Power) SampleSize(p1, p2 float64) float64 {
	alpha, beta := w.quantiles()
	middle := (p1 + p2) / 2
	root := alpha*math.Sqrt(2*middle*(1-middle)) + beta*math.Sqrt(p1*(1-p1)+p2*(1-p2))
	return math.Ceil(root * root / ((p1 - p2) * (p1 - p2)))
}

// DetectableRate returns the smallest rate above the base that a treated and a
// control group of these sizes would tell from it; NaN when no rate is enough.
func (w Power) DetectableRate(base, treated, control float64) float64 {
	if !(base >= 0 && base < 1 && treated > 0 && control > 0) {
		return math.NaN()
	}
	alpha, beta := w.quantiles()
	missing := func(rate float64) float64 { // what lacks to the needed difference
		pooled := (rate*treated + base*control) / (treated + control)
		need := alpha*math.Sqrt(pooled*(1-pooled)*(1/treated+1/control)) + beta*math.Sqrt(rate*(1-rate)/treated+base*(1-base)/control)
		return need - (rate - base)
	}
	lower, upper := base, 1.0
	if missing(upper) > 0 {
		return math.NaN()
	}
	for range 100 {
		if middle := (lower + upper) / 2; missing(middle) > 0 {
			lower = middle
		} else {
			upper = middle
		}
	}
	return upper
}
