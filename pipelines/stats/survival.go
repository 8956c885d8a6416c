package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Lifetime is how long something lasted, or, censored, how long it had lasted when
// it was last seen.
type Lifetime struct {
	Time  float64
	Ended bool
}

// SurvivalPoint is a time at which something ended.
type SurvivalPoint struct {
	Time float64
	// AtRisk were there just before; Ended of them ended.
	AtRisk, Ended float64
	// Survival is the share that lasts longer, StdError Greenwood's.
	Survival, StdError float64
}

// KaplanMeier estimates survival from lifetimes (Kaplan, Meier 1958), at each time
// at which one ended. Those censored at a time are still at risk at it. The
// variance is Greenwood's: S² Σ d / (n (n−d)); at the very end, where nobody is
// left, it is not defined, and NaN.
func KaplanMeier(lifetimes []Lifetime) []SurvivalPoint {
	sorted := slices.Clone(lifetimes)
	slices.SortFunc(sorted, func(a, b Lifetime) int { return compareTimes(a.Time, b.Time) })
	var points []SurvivalPoint
	survival, sum := 1.0, 0.0
	for i := 0; i < len(sorted); {
		p := SurvivalPoint{Time: sorted[i].Time, AtRisk: float64(len(sorted) - i)}
		for ; i < len(sorted) && sorted[i].Time == p.Time; i++ {
			if sorted[i].Ended {
				p.Ended++
			}
		}
		if p.Ended == 0 {
			continue
		}
		survival *= 1 - p.Ended/p.AtRisk
		sum += p.Ended / (p.AtRisk * (p.AtRisk - p.Ended))
		p.Survival, p.StdError = survival, survival*math.Sqrt(sum)
		points = append(points, p)
	}
	return points
}

func compareTimes(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Median returns the first time at which no more than half last; NaN when more do.
func Median(points []SurvivalPoint) float64 {
	for _, p := range points {
		if p.Survival <= 0.5 {
			return p.Time
		}
	}
	return math.NaN()
}

// LogRank tests whether two groups last alike (Mantel 1966): the chi-square with
// one degree of freedom, and the chance of one as large where they do.
func LogRank(a, b []Lifetime) (chiSquare, p float64) {
	var times []float64
	for _, l := range slices.Concat(a, b) {
		if l.Ended {
			times = append(times, l.Time)
		}
	}
	slices.Sort(times)
	observed, expected, variance := 0.0, 0.0, 0.0
	for _, time := range slices.Compact(times) {
		atRiskA, endedA := at(a, time)
		atRiskB, endedB := at(b, time)
		n, d := atRiskA+atRiskB, endedA+endedB
		observed += endedA
		expected += d * atRiskA / n
		if n > 1 {
			variance += d * (atRiskA / n) * (1 - atRiskA/n) * (n - d) / (n - 1)
		}
	}
	chiSquare = (observed - expected) * (observed - expected) / variance
	return chiSquare, distuv.ChiSquared{K: 1}.Survival(chiSquare)
}

// at returns how many are at risk at the time, and how many end at it.
func at(lifetimes []Lifetime, time float64) (atRisk, ended float64) {
	for _, l := range lifetimes {
		if l.Time >= time {
			atRisk++
		}
		if l.Ended && l.Time == time {
			ended++
		}
	}
	return atRisk, ended
}
