package config

import (
	"cmp"
	"slices"
	"strconv"

	"winback/connectors/spec"
)

// Bonus is what managers earn for customers who stay. Without rates nobody earns one.
type Bonus struct {
	Tenure       spec.Ordered[spec.Percent] `yaml:"tenure" doc:"percent of the month's net revenue of customers who bought first so many whole years ago or more, by the years; the longest that fits counts"`
	LowerChurn   spec.Percent               `yaml:"lower_churn" default:"0" doc:"percent of the month's net revenue of all their customers, for each point by which their churn is lower than the month before"`
	MinCustomers int                        `yaml:"min_customers" default:"30" doc:"customers a manager must have had at the start of both months for their churn to be compared"`
}

// Tier is the rate, in percent, for customers of at least so many whole years.
type Tier struct {
	Years   int
	Percent float64
}

// Tiers are the rates by tenure, those of fewer years first.
func (b *Bonus) Tiers() []Tier {
	tiers := make([]Tier, 0, b.Tenure.Len())
	for _, e := range b.Tenure.Entries {
		years, err := strconv.Atoi(e.Key)
		if err == nil {
			tiers = append(tiers, Tier{years, float64(e.Value)})
		}
	}
	slices.SortFunc(tiers, func(a, b Tier) int { return cmp.Compare(a.Years, b.Years) })
	return tiers
}

// Validate checks years and rates.
func (b *Bonus) Validate(n spec.Node, errs *spec.Errors) {
	for _, e := range b.Tenure.Entries {
		if years, err := strconv.Atoi(e.Key); err != nil || years < 0 || years > 100 {
			errs.Addf(e.Node.Key(), "wants whole years from 0 to 100 as the key, got %s", e.Key)
		}
		checkShare(e.Value, e.Node, errs)
	}
	checkShare(b.LowerChurn, n.Get("lower_churn"), errs)
	if b.MinCustomers < 1 {
		errs.Addf(n.Get("min_customers"), "wants at least 1, got %d", b.MinCustomers)
	}
}
