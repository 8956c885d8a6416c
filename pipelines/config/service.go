package config

import "winback/connectors/spec"

// CallCentre says when a call counts as answered in time, a call-back as made, a matter as settled, and what a call is
// looked at for.
type CallCentre struct {
	AnswerWithin      int `yaml:"answer_within" default:"20" doc:"seconds within which a call is to be answered: the threshold of the service level"`
	ShortAbandon      int `yaml:"short_abandon" default:"5" doc:"seconds within which a caller who hangs up had only misdialled and does not count as abandoned"`
	ResolvedAfter     int `yaml:"resolved_after" default:"7" doc:"days without another contact on the same topic after which a matter counts as settled by the first call"`
	CallbackTolerance int `yaml:"callback_tolerance" default:"15" doc:"minutes after the promised moment within which a call-back is on time"`
	CallbackEarly     int `yaml:"callback_early" default:"15" doc:"minutes before the promised moment from which a call-back is on time; more where call-backs are promised by a time rather than for one"`
	CallbackLateFor   int `yaml:"callback_late_for" default:"7" doc:"days after the promised moment within which a call to the customer is the call-back, late; after them it was never made"`
	PitchWithin       int `yaml:"pitch_within" default:"3" doc:"days after a customer's own call within which an outbound call about the same product annoys"`
	OfficeSaleWithin  int `yaml:"office_sale_within" default:"30" doc:"days within which a customer who was sent to an office buys, or does not come any more"`
	BoughtWithin      int `yaml:"bought_within" default:"365" doc:"days after a purchase during which an offer of the same product comes too late"`
}

// Service says what a customer may expect, and how long what came of it is watched.
type Service struct {
	AnswerHours      int `yaml:"answer_hours" default:"48" doc:"hours within which a complaint is to be answered"`
	RefundDays       int `yaml:"refund_days" default:"14" doc:"days within which a promised refund is to be paid"`
	LossWithin       int `yaml:"loss_within" default:"270" doc:"days after a promise or a call within which a loss counts as a later loss; longer than churn's lost_after"`
	RepurchaseWithin int `yaml:"repurchase_within" default:"180" doc:"days after a complaint within which a customer buys again, or does not"`
	AntecedentDays   int `yaml:"antecedent_days" default:"30" doc:"days before the last purchase in which something may have led to the loss"`
}

// whole is a setting that is a whole number from 1 up to most; unit names it in errors.
type whole struct {
	key         string
	value, most int
	unit        string
}

func checkWhole(n spec.Node, errs *spec.Errors, settings ...whole) {
	for _, s := range settings {
		if s.value < 1 || s.value > s.most {
			errs.Addf(n.Get(s.key), "wants 1 to %d %s, got %d", s.most, s.unit, s.value)
		}
	}
}

// Validate checks each number, and that who misdialled did not wait as long as the service level allows.
func (c *CallCentre) Validate(n spec.Node, errs *spec.Errors) {
	before := errs.Len()
	checkWhole(n, errs,
		whole{"answer_within", c.AnswerWithin, 3600, "seconds"},
		whole{"resolved_after", c.ResolvedAfter, 365, "days"},
		whole{"callback_tolerance", c.CallbackTolerance, 1440, "minutes"},
		whole{"callback_early", c.CallbackEarly, 10080, "minutes"},
		whole{"callback_late_for", c.CallbackLateFor, 365, "days"},
		whole{"pitch_within", c.PitchWithin, 365, "days"},
		whole{"office_sale_within", c.OfficeSaleWithin, 365, "days"},
		whole{"bought_within", c.BoughtWithin, longestLimit, "days"},
	)
	if c.ShortAbandon < 0 {
		errs.Addf(n.Get("short_abandon"), "wants 0 seconds or more, got %d", c.ShortAbandon)
	}
	if errs.Len() == before && c.ShortAbandon > c.AnswerWithin {
		errs.Addf(firstSet(n, "short_abandon", "answer_within"),
			"short_abandon (%d) must not be above answer_within (%d)", c.ShortAbandon, c.AnswerWithin)
	}
}

// Validate checks each number.
func (s *Service) Validate(n spec.Node, errs *spec.Errors) {
	checkWhole(n, errs,
		whole{"answer_hours", s.AnswerHours, 8784, "hours"},
		whole{"refund_days", s.RefundDays, 365, "days"},
		whole{"loss_within", s.LossWithin, longestLimit, "days"},
		whole{"repurchase_within", s.RepurchaseWithin, longestLimit, "days"},
		whole{"antecedent_days", s.AntecedentDays, 365, "days"},
	)
}
