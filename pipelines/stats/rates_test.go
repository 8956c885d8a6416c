package stats_test

import (
	"math"
	"testing"

	"winback/pipelines/stats"
)

// Newcombe 1998, table I of both papers; METRICS: 12 of 100 is 7.0 to 19.8 %.
func TestWilson_Published(t *testing.T) {
	for _, c := range []struct{ k, n, lower, upper float64 }{
		{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {12, 100, 0.0700, 0.1981}, {4, 4, 0.5101, 1},
	} {
		lower, upper := stats.Wilson(c.k, c.n)
		near(t, "lower", lower, c.lower, 4)
		near(t, "upper", upper, c.upper, 4)
	}
	if lower, upper := stats.Wilson(0, 0); !math.IsNaN(lower) || !math.IsNaN(upper) {
		t.Errorf("of nobody: %v to %v", lower, upper)
	}
}

func TestNewcombe_Published(t *testing.T) {
	for _, c := range []struct{ k1, n1, k2, n2, lower, upper float64 }{
		{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090}, {10, 10, 0, 20, 0.6791, 1},
		// The mail campaign of Hillstrom: conversions of both mails less those without.
		{267, 21307, 122, 21306, 0.0050, 0.0086}, {189, 21387, 122, 21306, 0.0015, 0.0047},
	} {
		lower, upper := stats.Newcombe(c.k1, c.n1, c.k2, c.n2)
		near(t, "lower", lower, c.lower, 4)
		near(t, "upper", upper, c.upper, 4)
	}
	lower, upper := stats.Newcombe(267, 21307, 122, 21306)
	near(t, "men's mail, lower", lower, 0.005014, 6)
	near(t, "men's mail, upper", upper, 0.008641, 6)
	lower, upper = stats.Newcombe(189, 21387, 122, 21306)
	near(t, "women's mail, lower", lower, 0.001502, 6)
	near(t, "women's mail, upper", upper, 0.004745, 6)
}

// Two groups of fifteen: Welch's degrees of freedom and the table of Student's t.
func TestWelch(t *testing.T) {
	d := stats.Welch(stats.Sample{N: 15, Mean: 23, Variance: 13.2}, stats.Sample{N: 15, Mean: 20.8, Variance: 13.1})
	near(t, "difference", d.Value, 2.2, 6)
	near(t, "standard error", d.StdError, 1.3241, 4)
	near(t, "degrees of freedom", d.DF, 28, 2)
	near(t, "lower", d.Lower, -0.5124, 4)
	near(t, "upper", d.Upper, 4.9124, 4)
	near(t, "p", d.P, 0.1078, 4)
	if none := stats.Welch(stats.Sample{N: 9}, stats.Sample{N: 9}); !math.IsNaN(none.Lower) || none.Value != 0 {
		t.Errorf("nothing varies: %+v", none)
	}
}

func TestPower_SampleSize(t *testing.T) {
	for _, c := range []struct{ p1, p2, want float64 }{{0.10, 0.12, 3841}, {0.05, 0.06, 8158}, {0.02, 0.025, 13809}} {
		near(t, "sample size", stats.UsualPower.SampleSize(c.p1, c.p2), c.want, 0)
	}
	near(t, "the rate that 3,841 a group tell from 10 %", stats.UsualPower.DetectableRate(0.10, 3841, 3841), 0.12, 4)
	if !math.IsNaN(stats.UsualPower.DetectableRate(0.1, 3, 0)) || !math.IsNaN(stats.UsualPower.DetectableRate(0.9, 3, 3)) {
		t.Error("groups that tell nothing apart")
	}
}
