package stats

import (
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Lifetime is how long something lasted, or, censored, how long it had lasted when
// it was last seen.
type Lifetime struct {
	Time  float64
	Ended bool
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
