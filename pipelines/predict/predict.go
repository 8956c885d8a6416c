// Package predict are the computations behind the models of predictions: it fits
// the models of package stats to the histories that SQL returns, and tells what to
// expect of customers. Rows come and go as Arrow.
package predict

import (
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"

	"winback/pipelines/model"
	"winback/pipelines/stats"
)

// version is that of all computations here; it changes whenever their rows would.
const version = "1"

// Everybody is the segment that stands for all customers together.
const Everybody = "(all)"

// What a fit needs at least: fewer customers or a shorter time leave it to chance,
// and without a second repeat purchase rates cannot be told apart.
const (
	MinCustomers = 500
	MinDays      = 180
	MinRepeats   = 2
)

// Computations returns those that models may name in computed_by.
func Computations() map[string]model.Computation {
	return map[string]model.Computation{
		"purchase_fits":    {Version: version, Input: fitInput, Output: fitOutput, Rows: fitRows},
		"purchase_outlook": {Version: version, Input: outlookInput, Output: outlookOutput, Rows: outlookRows},
		"purchase_holdout": {Version: version, Input: holdoutInput, Output: holdoutOutput, Rows: holdoutRows},
	}
}

// notFitted says why no model is fitted to the purchases, or "".
func notFitted(p *stats.Purchases) string {
	repeats, days := p.Most()
	switch {
	case p.Customers() < MinCustomers:
		return "fewer than " + strconv.Itoa(MinCustomers) + " customers with an order"
	case days < MinDays:
		return "less than " + strconv.Itoa(MinDays) + " days of history"
	case repeats < MinRepeats:
		return "no customer with " + strconv.Itoa(MinRepeats+1) + " orders"
	}
	return ""
}

// texts, counts and numbers are the columns of a batch, found by their place.
func texts(rows batch, i int) *array.String    { return rows.Column(i).(*array.String) }
func counts(rows batch, i int) *array.Uint32   { return rows.Column(i).(*array.Uint32) }
func numbers(rows batch, i int) *array.Float64 { return rows.Column(i).(*array.Float64) }

// rounded keeps nine digits: what a sum in another order, or another processor,
// would change is beyond them.
func rounded(value float64) float64 {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return value
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', 9, 64), 64)
	if err != nil { // what was formatted parses
		return value
	}
	return short
}
