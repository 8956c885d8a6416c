package config

import (
	"regexp"

	"winback/connectors/spec"
)

// Winback says when an order counts as the return that a touch brought, who is worth winning back, and how much work
// the managers can do. Days are whole calendar days, rates are in percent, money is in the project's currency.
type Winback struct {
	AttributionDays int `yaml:"attribution_days" default:"30" doc:"days after a touch in which the first purchase counts as its return, where the campaign does not say"`
	HorizonDays     int `yaml:"horizon_days" default:"90" doc:"days after a return in which revenue counts, where the campaign does not say"`

	ContactPause  int `yaml:"contact_pause" default:"7" doc:"days after a contact during which nobody is contacted again"`
	MaxContacts   int `yaml:"max_contacts" default:"4" doc:"most contacts with one customer within contact_window days"`
	ContactWindow int `yaml:"contact_window" default:"90" doc:"days that max_contacts is about"`
	ConflictPause int `yaml:"conflict_pause" default:"30" doc:"days after a loss by a conflict before anybody makes contact"`

	CallsPerDay int    `yaml:"calls_per_day" default:"20" doc:"customers a manager can be given for one working day"`
	ListDays    int    `yaml:"list_days" default:"5" doc:"working days that a list of customers to contact covers"`
	CallHours   string `yaml:"call_hours" default:"09:00-20:00" doc:"hours of the day in which customers are called"`

	Shrink        int `yaml:"shrink" default:"20" doc:"customers that the overall return rate counts for where few similar ones are known"`
	NaturalWeight int `yaml:"natural_weight" default:"100" doc:"customers that returns without a contact count for at most, beside those contacted"`

	LargeMargin  spec.Percent `yaml:"large_margin" default:"20%" doc:"share of the customers, best first, whose margin counts as large"`
	TurnoverPart spec.Percent `yaml:"turnover_part" default:"1%" doc:"share of the company's turnover from which a customer's is notable"`
	Competitors  []string     `yaml:"competitors" doc:"competitors that we want to beat: their customers are class A" example:"[Acme, Globex]"`
	LatePayments int          `yaml:"late_payments" default:"3" doc:"payments late by more than 30 days, or written off, that make a bad payer"`
	ServiceCost  float64      `yaml:"service_cost" default:"0" doc:"what a complaint costs to handle, to compare with the margin"`

	AcquisitionCost float64 `yaml:"acquisition_cost" default:"0" doc:"what it costs to acquire a new customer, to compare with winning one back; 0 if not known"`
}

var callHours = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`)

// Validate checks each number.
func (w *Winback) Validate(n spec.Node, errs *spec.Errors) {
	for _, limit := range []struct {
		key          string
		least, value int
		most         int
		unit         string
	}{
		{"attribution_days", 1, w.AttributionDays, longestLimit, "days"},
		{"horizon_days", 0, w.HorizonDays, longestLimit, "days"},
		{"contact_pause", 0, w.ContactPause, 365, "days"},
		{"max_contacts", 1, w.MaxContacts, 1000, "contacts"},
		{"contact_window", 1, w.ContactWindow, longestLimit, "days"},
		{"conflict_pause", 0, w.ConflictPause, longestLimit, "days"},
		{"calls_per_day", 1, w.CallsPerDay, 10_000, "customers"},
		{"list_days", 1, w.ListDays, 60, "days"},
		{"shrink", 1, w.Shrink, 100_000, "customers"},
		{"natural_weight", 0, w.NaturalWeight, 1_000_000, "customers"},
		{"late_payments", 1, w.LatePayments, 1000, "payments"},
	} {
		if limit.value < limit.least || limit.value > limit.most {
			errs.Addf(n.Get(limit.key), "wants %d to %d %s, got %d", limit.least, limit.most, limit.unit, limit.value)
		}
	}
	for key, money := range map[string]float64{"service_cost": w.ServiceCost, "acquisition_cost": w.AcquisitionCost} {
		if !(money >= 0 && money <= 1e9) {
			errs.Addf(n.Get(key), "wants an amount from 0, got %v", money)
		}
	}
	checkShare(w.LargeMargin, n.Get("large_margin"), errs)
	checkShare(w.TurnoverPart, n.Get("turnover_part"), errs)
	if !callHours.MatchString(w.CallHours) || w.CallHours[:5] >= w.CallHours[6:] {
		errs.Addf(n.Get("call_hours"), "wants two times of a day such as 09:00-20:00, the earlier one first, got %q", w.CallHours)
	}
}
