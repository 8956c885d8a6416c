package config

import "winback/connectors/spec"

// Predictions says for how long a customer's lifetime value looks ahead, and what money that comes later is worth.
type Predictions struct {
	Months   int          `yaml:"months" default:"12" doc:"months of orders to come that the customer lifetime value adds up"`
	Discount spec.Percent `yaml:"discount" default:"1%" doc:"by how much an order is worth less for every month until it comes, in percent"`
}

// Validate checks both numbers.
func (p *Predictions) Validate(n spec.Node, errs *spec.Errors) {
	const mostDiscount = 20
	checkWhole(n, errs, whole{"months", p.Months, 120, "months"})
	if p.Discount > mostDiscount {
		errs.Addf(n.Get("discount"), "wants 0 to %d %% a month, got %v", mostDiscount, p.Discount)
	}
}
