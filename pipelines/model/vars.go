package model

import (
	"strconv"
	"time"

	"winback/pipelines/model/quote"
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
	}
}

// templateVars are Vars as templates see them: every field prints as SQL.
type templateVars struct {
	AsOf, Timezone, Currency, Region string
	// SeenUntil is the last day that both the build before and this one see,
	// SeenLast the last that either sees; for the block touched.
	SeenUntil, SeenLast string
	Churn               templateChurn
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
	return templateVars{
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
	}
}

func plainNumber(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
