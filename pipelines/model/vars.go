package model

import (
	"slices"
	"strconv"
	"time"

	"winback/pipelines/quote"
)

// Vars are the values of the project that models may use in their SQL.
type Vars struct {
	// AsOf is the last day that the warehouse describes; only its date counts.
	AsOf time.Time
	// Timezone is the business time zone, an IANA name.
	Timezone string
	// Currency is the project's currency, an ISO code.
	Currency string
	// Region is the country of national phone numbers, ISO 3166-1 alpha-2; "" leaves
	// it to the currency.
	Region string
	Churn  Churn
	// Winback is whom to win back, and what counts as a return.
	Winback Winback
	Carts   Carts
	Bonus   Bonus
	// Predictions is what the customer lifetime value adds up.
	Predictions Predictions
	// CallCentre and Service are by what calls and promises are judged.
	CallCentre CallCentre
	Service    Service
	// Targets are what monthly figures are to reach.
	Targets []Target
}

// Churn holds the limits of the churn rules, in days unless said otherwise.
type Churn struct {
	// SleepingAfter and LostAfter are the days without a purchase after which a
	// customer is sleeping and lost.
	SleepingAfter, LostAfter int
	// NewFor is how long after the first purchase a customer counts as new.
	NewFor int
	// ReturnedFor is how long after a loss a returned customer is called so.
	ReturnedFor int
	// SilentAfter is how long after signing up a customer without a purchase
	// counts as silent.
	SilentAfter int
	// WatchLevel and AlarmLevel are yearly churn in percent.
	WatchLevel, AlarmLevel float64
	// Segments are the customer segments with limits of their own.
	Segments      []Segment
	PersonalClock PersonalClock
}

// Carts holds the rules of abandoned carts.
type Carts struct {
	// AbandonedAfter is the minutes after its last change that make a cart abandoned.
	AbandonedAfter int `yaml:"abandoned_after"`
	// SecondReminder, ThirdReminder and RemindUntil are days after that: from when on
	// these are due, and until when anything is.
	SecondReminder int `yaml:"second_reminder"`
	ThirdReminder  int `yaml:"third_reminder"`
	RemindUntil    int `yaml:"remind_until"`
	// RecoveredIn is the days after a reminder in which an order is its success.
	RecoveredIn int `yaml:"recovered_in"`
}

// Bonus holds the rates of what managers earn, in percent of net revenue.
type Bonus struct {
	// Tiers are the rates by tenure, those of fewer years first.
	Tiers []BonusTier `yaml:"tiers"`
	// LowerChurn is the rate for each point of churn below that of the month before,
	// with MinCustomers in both.
	LowerChurn   float64 `yaml:"lower_churn"`
	MinCustomers int     `yaml:"min_customers"`
}

// BonusTier is the rate for customers of at least so many whole years.
type BonusTier struct {
	Years   int     `yaml:"years"`
	Percent float64 `yaml:"percent"`
}

// Target is what a monthly figure is to reach: at most AtMost, or at least AtLeast.
// A figure as bad as Alarm is alarming.
type Target struct {
	KPI     string   `yaml:"kpi"`
	AtMost  *float64 `yaml:"at_most"`
	AtLeast *float64 `yaml:"at_least"`
	Alarm   *float64 `yaml:"alarm"`
}

// yearlyChurn is the figure whose target the levels of churn are, unless it has one
// of its own.
const yearlyChurn = "churn_12m_pct"

// targets returns the targets, that of the yearly churn among them.
func (v Vars) targets() []Target {
	if slices.ContainsFunc(v.Targets, func(t Target) bool { return t.KPI == yearlyChurn }) {
		return v.Targets
	}
	return append(slices.Clone(v.Targets), Target{KPI: yearlyChurn, AtMost: &v.Churn.WatchLevel, Alarm: &v.Churn.AlarmLevel})
}

// PersonalClock is the adaptive rule of loss: after Factor times the customer's own
// usual gap between purchases. Models read it as {{ .Churn.PersonalClock.Factor }}
// and {{ if .Churn.PersonalClock.Enabled }}.
type PersonalClock struct {
	// Enabled makes it the rule; otherwise it is shown beside the fixed one.
	Enabled bool
	Factor  float64
	// MinDays and MaxDays are the shortest and the longest limit.
	MinDays, MaxDays int
	// Shrink is the number of gaps that the segment's usual gap counts for.
	Shrink float64
}

// Segment is a customer segment with its own limits, in days.
type Segment struct {
	Name                     string
	SleepingAfter, LostAfter int
}

// DefaultVars are the values when a project sets none. Unit tests start from
// them, so that the tests of a model mean the same in every project.
func DefaultVars() Vars {
	return Vars{
		AsOf:     time.Date(2024, time.December, 31, 0, 0, 0, 0, time.UTC),
		Timezone: "UTC",
		Currency: "EUR",
		Churn: Churn{
			SleepingAfter: 90, LostAfter: 180, NewFor: 30, ReturnedFor: 365, SilentAfter: 30,
			WatchLevel: 10, AlarmLevel: 20,
			PersonalClock: PersonalClock{Factor: 3, MinDays: 30, MaxDays: 365, Shrink: 3},
		},
		Carts:   Carts{AbandonedAfter: 60, SecondReminder: 1, ThirdReminder: 5, RemindUntil: 7, RecoveredIn: 14},
		Bonus:   Bonus{MinCustomers: 30},
		Winback: defaultWinback(),

		Predictions: defaultPredictions(),
		CallCentre:  defaultCallCentre(), Service: defaultService(),
	}
}

// templateVars are Vars as templates see them: every field prints as SQL.
type templateVars struct {
	AsOf, Timezone, Currency, Region string
	// SeenUntil is the last day that both the build before and this one see,
	// SeenLast the last that either sees; for the block touched.
	SeenUntil, SeenLast string
	Churn               templateChurn
	Carts               Carts
	Bonus               templateBonus
	Targets             []templateTarget
	Winback             templateWinback
	Predictions         templatePredictions
	CallCentre          CallCentre
	Service             Service
}

type templateBonus struct {
	Tiers        []templateTier
	LowerChurn   string
	MinCustomers int
}

type templateTier struct {
	Years   int
	Percent string
}

// templateTarget has null for what is not set; Sign is 1 where more is better, -1
// where less is.
type templateTarget struct {
	KPI, Value, Alarm string
	Sign              int
}

type templateChurn struct {
	SleepingAfter, LostAfter, NewFor, ReturnedFor, SilentAfter int
	WatchLevel, AlarmLevel                                     string
	Segments                                                   []templateSegment
	PersonalClock                                              templateClock
}

type templateClock struct {
	Enabled          bool
	Factor, Shrink   string
	MinDays, MaxDays int
}

type templateSegment struct {
	Name                     string
	SleepingAfter, LostAfter int
}

func (v Vars) forTemplate() templateVars {
	segments := make([]templateSegment, len(v.Churn.Segments))
	for i, s := range v.Churn.Segments {
		segments[i] = templateSegment{quote.Literal(s.Name), s.SleepingAfter, s.LostAfter}
	}
	clock := v.Churn.PersonalClock
	bonus := templateBonus{LowerChurn: plainNumber(v.Bonus.LowerChurn), MinCustomers: v.Bonus.MinCustomers}
	for _, t := range v.Bonus.Tiers {
		bonus.Tiers = append(bonus.Tiers, templateTier{t.Years, plainNumber(t.Percent)})
	}
	var targets []templateTarget
	for _, t := range v.targets() {
		targets = append(targets, t.forTemplate())
	}
	return templateVars{
		Predictions: v.Predictions.forTemplate(),
		Carts:       v.Carts, Bonus: bonus, Targets: targets, CallCentre: v.CallCentre, Service: v.Service,
		AsOf: quote.Date(v.AsOf), Timezone: quote.Literal(v.Timezone), Currency: quote.Literal(v.Currency), Region: quote.Literal(v.Region),
		Churn: templateChurn{
			SleepingAfter: v.Churn.SleepingAfter, LostAfter: v.Churn.LostAfter, NewFor: v.Churn.NewFor,
			ReturnedFor: v.Churn.ReturnedFor, SilentAfter: v.Churn.SilentAfter,
			WatchLevel: plainNumber(v.Churn.WatchLevel), AlarmLevel: plainNumber(v.Churn.AlarmLevel),
			Segments: segments,
			PersonalClock: templateClock{
				Enabled: clock.Enabled, Factor: plainNumber(clock.Factor), Shrink: plainNumber(clock.Shrink),
				MinDays: clock.MinDays, MaxDays: clock.MaxDays,
			},
		},
		Winback: v.Winback.forTemplate(),
	}
}

func plainNumber(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

func (t Target) forTemplate() templateTarget {
	rendered := templateTarget{KPI: quote.Literal(t.KPI), Value: "null", Alarm: "null", Sign: 1}
	switch {
	case t.AtMost != nil:
		rendered.Value, rendered.Sign = plainNumber(*t.AtMost), -1
	case t.AtLeast != nil:
		rendered.Value = plainNumber(*t.AtLeast)
	}
	if t.Alarm != nil {
		rendered.Alarm = plainNumber(*t.Alarm)
	}
	return rendered
}
