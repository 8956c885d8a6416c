package predict

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"winback/pipelines/model"
	"winback/pipelines/stats"
)

// fitInput are customers by what the models know of them: days with a purchase
// after the first, days from the first purchase to the last and to the end, the
// mean money of those days (null without any), and how many share it all.
var fitInput = []model.Column{
	{Name: "segment", Type: "String"},
	{Name: "repeat_days", Type: "UInt32"},
	{Name: "last_days", Type: "UInt32"},
	{Name: "age_days", Type: "UInt32"},
	{Name: "mean_spend", Type: "Nullable(Float64)"},
	{Name: "customers", Type: "UInt32"},
}

var fitOutput = []model.Column{
	{Name: "segment", Type: "String"},
	{Name: "model", Type: "String"},
	{Name: "parameter", Type: "String"},
	{Name: "unit", Type: "String"},
	{Name: "estimate", Type: "Nullable(Float64)"},
	{Name: "std_error", Type: "Nullable(Float64)"},
	{Name: "lower", Type: "Nullable(Float64)"},
	{Name: "upper", Type: "Nullable(Float64)"},
	{Name: "log_likelihood", Type: "Nullable(Float64)"},
	{Name: "is_converged", Type: "Bool"},
	{Name: "not_fitted_because", Type: "Nullable(String)"},
	{Name: "limit", Type: "Nullable(String)"},
	{Name: "customers", Type: "UInt64"},
	{Name: "repeat_customers", Type: "UInt64"},
	{Name: "repeat_purchases", Type: "UInt64"},
	{Name: "history_days", Type: "UInt32"},
	{Name: "starts", Type: "UInt32"},
	{Name: "starts_agreed", Type: "UInt32"},
	{Name: "spend_correlation", Type: "Nullable(Float64)"},
}

// group are the customers of a segment.
type group struct {
	histories []stats.History
	spends    []stats.Spend
}

// fitRows fits the models to every segment and to everybody.
func fitRows(ctx context.Context, input array.RecordReader, emit func(arrow.RecordBatch) error) error {
	groups := map[string]*group{Everybody: {}}
	for input.Next() {
		readGroups(groups, input.RecordBatch())
	}
	if err := input.Err(); err != nil {
		return err
	}
	rows, err := newWriter(fitOutput, emit)
	if err != nil {
		return err
	}
	everybody := groups[Everybody].fit()
	for _, segment := range slices.Sorted(maps.Keys(groups)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := everybody
		if own := groups[segment]; segment != Everybody && len(own.histories) < len(groups[Everybody].histories) {
			f = own.fit()
		}
		if err := f.write(rows, segment); err != nil {
			return err
		}
	}
	return rows.flush()
}

func readGroups(groups map[string]*group, rows batch) {
	segments, repeats, lasts, ages := texts(rows, 0), counts(rows, 1), counts(rows, 2), counts(rows, 3)
	means, customers := numbers(rows, 4), counts(rows, 5)
	for i := range int(rows.NumRows()) {
		h := stats.History{
			Repeats: int(repeats.Value(i)), Last: int(lasts.Value(i)), Age: int(ages.Value(i)), Customers: float64(customers.Value(i)),
		}
		own := groups[segments.Value(i)]
		if own == nil {
			own = &group{}
			groups[segments.Value(i)] = own
		}
		for _, g := range [2]*group{groups[Everybody], own} {
			g.histories = append(g.histories, h)
			// A mean of nothing or less, as after refunds, is none that the model knows.
			if h.Repeats > 0 && !means.IsNull(i) && means.Value(i) > 0 {
				g.spends = append(g.spends, stats.Spend{Repeats: h.Repeats, Mean: means.Value(i), Customers: h.Customers})
			}
		}
	}
}

// fits are the models fitted to the customers of a segment.
type fits struct {
	reason  string // why nothing was fitted
	totals  totals
	repeats []stats.RepeatFit
	spend   stats.SpendFit
}

func (g *group) fit() fits {
	p := stats.NewPurchases(g.histories)
	f := fits{reason: notFitted(p), totals: count(p), spend: stats.SpendFit{LogLikelihood: math.NaN(), Correlation: math.NaN()}}
	for _, kind := range []stats.RepeatModel{stats.MBGNBD, stats.BGNBD} {
		fit := stats.RepeatFit{RepeatParameters: stats.RepeatParameters{Model: kind}, LogLikelihood: math.NaN(), Customers: p.Customers()}
		if f.reason == "" {
			fit = stats.FitRepeat(kind, p)
		}
		f.repeats = append(f.repeats, fit)
	}
	if f.reason == "" {
		f.spend = stats.FitSpend(g.spends)
		if f.spend.Converged && f.spend.Q <= 1 { // the mean of everybody's means is infinite
			f.spend.Converged, f.spend.Reason = false, "a few customers spend so much that there is no mean"
		}
	}
	return f
}

// write writes a row for each parameter, also where nothing was fitted.
func (f fits) write(rows *writer, segment string) error {
	for _, fit := range f.repeats {
		p := fitted{segment, string(fit.Model), f.reason, fit.LogLikelihood, math.NaN(), fit.Convergence, fit.Customers}
		if err := p.write(rows, f.totals, stats.RepeatNames[:], []string{"number", "weeks", "number", "number"}, fit.Estimates[:]); err != nil {
			return err
		}
	}
	p := fitted{segment, "Gamma-Gamma", f.reason, f.spend.LogLikelihood, f.spend.Correlation, f.spend.Convergence, f.spend.Customers}
	return p.write(rows, f.totals, stats.SpendNames[:], []string{"number", "number", "money"}, f.spend.Estimates[:])
}

// fitted is the part of a row that all parameters of a model share.
type fitted struct {
	segment, model string
	reason         string
	logLikelihood  float64
	correlation    float64
	stats.Convergence
	customers float64
}

// totals are what is known of all customers of a segment.
type totals struct{ repeatCustomers, repeatPurchases, days int }

func count(p *stats.Purchases) totals {
	t := totals{repeatPurchases: int(p.Repeats())}
	_, t.days = p.Most()
	for _, h := range p.Histories() {
		if h.Repeats > 0 {
			t.repeatCustomers += int(h.Customers)
		}
	}
	return t
}

func (f fitted) write(rows *writer, t totals, names, units []string, estimates []stats.Estimate) error {
	reason := f.reason
	if reason == "" {
		reason = f.Reason
	}
	for i, name := range names {
		e := estimates[i]
		lower, upper := e.Interval()
		if !f.Converged { // where a search ended is no estimate
			e.Value, e.StdError, lower, upper = math.NaN(), math.NaN(), math.NaN(), math.NaN()
			f.logLikelihood = math.NaN()
		}
		err := rows.add(f.segment, f.model, name, units[i], e.Value, e.StdError, lower, upper, f.logLikelihood, f.Converged, reason, f.Limit,
			int(f.customers), t.repeatCustomers, t.repeatPurchases, t.days, f.Starts, f.Agreed, f.correlation)
		if err != nil {
			return err
		}
	}
	return nil
}
