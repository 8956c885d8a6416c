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
	Churn    Churn
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
	Segments []Segment
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
		},
	}
}

// templateVars are Vars as templates see them: every field prints as SQL.
type templateVars struct {
	AsOf, Timezone, Currency string
	Churn                    templateChurn
}

type templateChurn struct {
	SleepingAfter, LostAfter, NewFor, ReturnedFor, SilentAfter int
	WatchLevel, AlarmLevel                                     string
	Segments                                                   []templateSegment
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
	return templateVars{
		AsOf: quote.Date(v.AsOf), Timezone: quote.Literal(v.Timezone), Currency: quote.Literal(v.Currency),
		Churn: templateChurn{
			SleepingAfter: v.Churn.SleepingAfter, LostAfter: v.Churn.LostAfter, NewFor: v.Churn.NewFor,
			ReturnedFor: v.Churn.ReturnedFor, SilentAfter: v.Churn.SilentAfter,
			WatchLevel: percent(v.Churn.WatchLevel), AlarmLevel: percent(v.Churn.AlarmLevel),
			Segments: segments,
		},
	}
}

func percent(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
