package stats_test

import (
	"math"
	"testing"

	"winback/pipelines/stats"
)

// lifetimes are times, negative where censored.
func lifetimes(times ...float64) []stats.Lifetime {
	var all []stats.Lifetime
	for _, time := range times {
		all = append(all, stats.Lifetime{Time: math.Abs(time), Ended: time > 0})
	}
	return all
}

// Freireich and others 1963: weeks of remission under 6-MP and placebo.
var (
	treated = lifetimes(6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35)
	placebo = lifetimes(1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
)

func TestLogRank_6MP(t *testing.T) {
	chiSquare, p := stats.LogRank(treated, placebo)
	near(t, "chi-square", chiSquare, 16.79294, 5)
	near(t, "p", p, 4.17e-05, 7)
}
