package sqlfiles_test

import (
	"slices"
	"testing"
)

// Where customers are spread over servers, models built by customer, and from such rows
// only, join on each server the rows that are there.
func TestModels_JoinedWhereTheCustomersAre(t *testing.T) {
	p := project(t)
	var local []string
	for _, m := range p.Models() {
		if p.PerCustomer(m) {
			local = append(local, m.Name)
		}
	}
	want := []string{
		"churn_reconciliation_customers", "int_customer_cards", "int_customer_traits", "int_episodes", "int_fitted_histories", "int_months_closed",
		"int_personal_clocks", "int_purchase_histories", "int_purchases", "int_returns", "int_silences", "int_silent_histories", "int_visits",
	}
	if slices.Sort(local); !slices.Equal(local, want) {
		t.Errorf("models joined on each server: %q, want %q", local, want)
	}
}
