package stats_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"winback/pipelines/stats"
)

// company makes customers who buy as MBG/NBD has it, first within three years, and
// spend as Gamma-Gamma has it, observed for three years.
func company(customers int, p stats.RepeatParameters, s stats.SpendParameters, seed uint64) ([]stats.History, []stats.Spend) {
	random := rand.New(rand.NewPCG(seed, 1))
	var histories []stats.History
	var spends []stats.Spend
	for range customers {
		h := stats.History{Age: 1 + random.IntN(1095), Customers: 1}
		rate := gamma(random, p.R) / p.Alpha / stats.Week
		left := gamma(random, p.A)
		stop := left / (left + gamma(random, p.B))
		for at := 0.0; random.Float64() >= stop; {
			if at += random.ExpFloat64() / rate; int(at) > h.Age {
				break
			}
			if day := int(at); day > h.Last {
				h.Repeats, h.Last = h.Repeats+1, day
			}
		}
		histories = append(histories, h)
		if h.Repeats > 0 {
			// The mean of x days has the shape px.
			scale := s.Gamma / gamma(random, s.Q)
			spends = append(spends, stats.Spend{Repeats: h.Repeats, Mean: scale * gamma(random, s.P*float64(h.Repeats)) / float64(h.Repeats), Customers: 1})
		}
	}
	return histories, spends
}

// gamma draws from the gamma distribution (Marsaglia, Tsang 2000).
func gamma(random *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(random, shape+1) * math.Pow(random.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := random.NormFloat64()
		v := math.Pow(1+x/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(random.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

var (
	trueRepeat = stats.RepeatParameters{Model: stats.MBGNBD, R: 0.8, Alpha: 8, A: 1.2, B: 3}
	trueSpend  = stats.SpendParameters{P: 4, Q: 3, Gamma: 1500}
)

// Parameters that are known come back within three standard errors.
func TestFit_FindsWhatWasThere(t *testing.T) {
	histories, spends := company(20_000, trueRepeat, trueSpend, 7)
	repeat, spend := stats.FitRepeat(stats.MBGNBD, stats.NewPurchases(histories)), stats.FitSpend(spends)
	if !repeat.Converged || !spend.Converged {
		t.Fatalf("did not converge: %+v, %+v", repeat.Convergence, spend.Convergence)
	}
	truth := []float64{trueRepeat.R, trueRepeat.Alpha, trueRepeat.A, trueRepeat.B, trueSpend.P, trueSpend.Q, trueSpend.Gamma}
	names := append(slices.Clone(stats.RepeatNames[:]), stats.SpendNames[:]...)
	for i, e := range append(slices.Clone(repeat.Estimates[:]), spend.Estimates[:]...) {
		if math.Abs(e.Value-truth[i]) > 3*e.StdError {
			t.Errorf("%s is %.4g ± %.2g, was %v", names[i], e.Value, e.StdError, truth[i])
		}
	}
}

// The order of customers changes nothing, to the last bit.
func TestFit_OrderDoesNotMatter(t *testing.T) {
	histories, spends := company(3_000, trueRepeat, trueSpend, 3)
	repeat, spend := stats.FitRepeat(stats.MBGNBD, stats.NewPurchases(histories)), stats.FitSpend(spends)
	slices.Reverse(histories)
	slices.Reverse(spends)
	if again := stats.FitRepeat(stats.MBGNBD, stats.NewPurchases(histories)); again != repeat {
		t.Errorf("%+v, in another order %+v", repeat, again)
	}
	if again := stats.FitSpend(spends); again != spend {
		t.Errorf("%+v, in another order %+v", spend, again)
	}
}

// Data that do not tell the parameters are said not to, and nothing hangs.
func TestFit_DoesNotConverge(t *testing.T) {
	for name, histories := range map[string][]stats.History{
		"nobody":                 nil,
		"nobody bought twice":    {{Age: 100, Customers: 900}, {Age: 200, Customers: 300}},
		"all on their first day": {{Customers: 900}},
	} {
		t.Run(name, func(t *testing.T) {
			fit := stats.FitRepeat(stats.MBGNBD, stats.NewPurchases(histories))
			if fit.Converged || fit.Reason == "" {
				t.Errorf("%+v", fit)
			}
		})
	}
	for name, spends := range map[string][]stats.Spend{
		"nobody":               nil,
		"all spend the same":   {{Repeats: 2, Mean: 10, Customers: 600}},
		"one customer is rich": {{Repeats: 2, Mean: 10, Customers: 600}, {Repeats: 2, Mean: 1e9, Customers: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			fit := stats.FitSpend(spends)
			t.Logf("%+v", fit)
			if fit.Converged == (fit.Reason != "") {
				t.Errorf("%+v", fit)
			}
		})
	}
}

// Customers who differ in nothing have parameters at their limits, and what to
// expect of them is plain: three more purchases in as many days as the first took.
func TestFit_AtTheLimit(t *testing.T) {
	fit := stats.FitRepeat(stats.MBGNBD, stats.NewPurchases([]stats.History{{Repeats: 3, Last: 98, Age: 98, Customers: 900}}))
	if !fit.Converged || fit.Limit == "" || !math.IsNaN(fit.Estimates[0].StdError) {
		t.Errorf("%+v", fit)
	}
	near(t, "expected in as long a time", fit.Expected(14, 3, 14, 14), 3, 1)
}

func TestEstimate_Interval(t *testing.T) {
	lower, upper := stats.Estimate{Value: 2, StdError: 0.2}.Interval()
	near(t, "lower", lower, 1.644, 3)
	near(t, "upper", upper, 2.433, 3)
}

func BenchmarkFitRepeat_CDNOW(b *testing.B) {
	histories, spends := cdnow(b)
	for b.Loop() {
		p := stats.NewPurchases(histories)
		stats.FitRepeat(stats.MBGNBD, p)
		stats.FitRepeat(stats.BGNBD, p)
		stats.FitSpend(spends)
	}
}

// A million customers of three years, both models of repeat purchases and that of
// spend.
func BenchmarkFit_Million(b *testing.B) {
	histories, spends := company(1_000_000, trueRepeat, trueSpend, 1)
	runtime.GC()
	for b.Loop() {
		p := stats.NewPurchases(histories)
		mbg := stats.FitRepeat(stats.MBGNBD, p)
		bg := stats.FitRepeat(stats.BGNBD, p)
		spend := stats.FitSpend(spends)
		if !mbg.Converged || !bg.Converged || !spend.Converged {
			b.Errorf("did not converge: %+v %+v %+v", mbg.Convergence, bg.Convergence, spend.Convergence)
		}
		b.ReportMetric(float64(len(p.Histories())), "histories")
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.Sys)/(1<<20), "MiB")
}

// A million customers of whom nothing tells some parameters: nobody differs in rate,
// nobody ever stops, or both. The parameters run to their limits, which is where a
// search takes longest.
func BenchmarkFit_MillionAtLimits(b *testing.B) {
	for name, p := range map[string]stats.RepeatParameters{
		"nobody stops":                {R: 0.8, Alpha: 8, A: 1e-9, B: 3},
		"all buy at one rate":         {R: 1e5, Alpha: 4e5, A: 1.2, B: 3},
		"all alike":                   {R: 1e5, Alpha: 4e5, A: 1e-9, B: 3},
		"hardly anybody comes back":   {R: 0.8, Alpha: 8, A: 50, B: 1},
		"all stop with one and alike": {R: 1e5, Alpha: 4e5, A: 3e4, B: 7e4},
	} {
		b.Run(name, func(b *testing.B) {
			histories, _ := company(1_000_000, p, trueSpend, 1)
			runtime.GC()
			for b.Loop() {
				p := stats.NewPurchases(histories)
				mbg, bg := stats.FitRepeat(stats.MBGNBD, p), stats.FitRepeat(stats.BGNBD, p)
				b.ReportMetric(float64(len(p.Histories())), "histories")
				b.ReportMetric(float64(mbg.Evaluations+bg.Evaluations), "evaluations")
				b.Logf("%s: %+v; %s: %+v", mbg, mbg.Convergence, bg, bg.Convergence)
			}
		})
	}
}
