package model

// CallCentre holds the limits by which calls are judged. Models read them as
// {{ .CallCentre.AnswerWithin }}.
type CallCentre struct {
	// AnswerWithin and ShortAbandon are seconds of waiting: the threshold of the
	// service level, and up to when a caller who hangs up had misdialled.
	AnswerWithin int `yaml:"answer_within"`
	ShortAbandon int `yaml:"short_abandon"`
	// ResolvedAfter is the days without another contact on the same topic after
	// which a call has settled it.
	ResolvedAfter int `yaml:"resolved_after"`
	// CallbackTolerance and CallbackEarly are minutes after and before the promised
	// moment, CallbackLateFor the days after it in which a call is still the
	// call-back, late.
	CallbackTolerance int `yaml:"callback_tolerance"`
	CallbackEarly     int `yaml:"callback_early"`
	CallbackLateFor   int `yaml:"callback_late_for"`
	// PitchWithin is days after a customer's own call, OfficeSaleWithin days after
	// being sent to an office, BoughtWithin days after a purchase.
	PitchWithin      int `yaml:"pitch_within"`
	OfficeSaleWithin int `yaml:"office_sale_within"`
	BoughtWithin     int `yaml:"bought_within"`
}

// Service holds what a customer may expect. Models read it as
// {{ .Service.AnswerHours }}.
type Service struct {
	// AnswerHours is when a complaint, RefundDays when a promised refund is due.
	AnswerHours int `yaml:"answer_hours"`
	RefundDays  int `yaml:"refund_days"`
	// LossWithin is the days in which a loss counts as a later loss,
	// RepurchaseWithin those in which a customer who complained buys again.
	LossWithin       int `yaml:"loss_within"`
	RepurchaseWithin int `yaml:"repurchase_within"`
	// AntecedentDays is how many days before the last purchase are looked at for
	// what led to the loss.
	AntecedentDays int `yaml:"antecedent_days"`
}

func defaultCallCentre() CallCentre {
	return CallCentre{
		AnswerWithin: 20, ShortAbandon: 5, ResolvedAfter: 7, CallbackTolerance: 15, CallbackEarly: 15, CallbackLateFor: 7,
		PitchWithin: 3, OfficeSaleWithin: 30, BoughtWithin: 365,
	}
}

func defaultService() Service {
	return Service{AnswerHours: 48, RefundDays: 14, LossWithin: 270, RepurchaseWithin: 180, AntecedentDays: 30}
}
