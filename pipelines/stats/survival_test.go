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

func TestKaplanMeier_6MP(t *testing.T) {
	want := []struct{ time, survival, stdError float64 }{
		{6, 0.857143, 0.0763604}, {7, 0.806723, 0.0869353}, {10, 0.752941, 0.0963497}, {13, 0.690196, 0.1068147},
		{16, 0.627451, 0.1140539}, {22, 0.537815, 0.1282338}, {23, 0.448179, 0.1345915},
	}
	points := stats.KaplanMeier(treated)
	if len(points) != len(want) {
		t.Fatalf("%d times: %v", len(points), points)
	}
	for i, p := range points {
		near(t, "time", p.Time, want[i].time, 9)
		near(t, "survival", p.Survival, want[i].survival, 6)
		near(t, "standard error", p.StdError, want[i].stdError, 7)
	}
	near(t, "median", stats.Median(points), 23, 9)
}

func TestLogRank_6MP(t *testing.T) {
	chiSquare, p := stats.LogRank(treated, placebo)
	near(t, "chi-square", chiSquare, 16.79294, 5)
	near(t, "p", p, 4.17e-05, 7)
}

func TestMedian_NotReached(t *testing.T) {
	if m := stats.Median(stats.KaplanMeier(lifetimes(1, -2, -3, -4))); !math.IsNaN(m) {
		t.Errorf("median %v", m)
	}
	if points := stats.KaplanMeier(nil); points != nil {
		t.Errorf("of nobody: %v", points)
	}
}
