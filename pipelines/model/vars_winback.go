package model

import (
	"strings"

	"winback/pipelines/quote"
)

// Winback holds the rules of winning customers back: days are whole calendar days,
// shares are in percent, money is in the project's currency.
type Winback struct {
	// AttributionDays after a touch the first purchase counts as its return, and
	// HorizonDays after a return revenue counts, where a campaign does not say.
	AttributionDays, HorizonDays int
	// ContactPause is how long nobody is contacted again; MaxContacts within
	// ContactWindow days are the most; ConflictPause follows a loss by a conflict.
	ContactPause, MaxContacts, ContactWindow, ConflictPause int
	// CallsPerDay is what a manager can do, ListDays how many working days a list
	// covers, CallHours when customers are called.
	CallsPerDay, ListDays int
	CallHours             string
	// Shrink is the number of customers that the overall return rate counts for,
	// NaturalWeight the most that returns without a contact do.
	Shrink, NaturalWeight int
	// LargeMargin is the share of customers whose margin is large, TurnoverPart the
	// share of the turnover from which a customer's is notable.
	LargeMargin, TurnoverPart float64
	// Competitors are those whom we want to beat.
	Competitors []string
	// LatePayments make a bad payer; ServiceCost is that of a complaint.
	LatePayments int
	ServiceCost  float64
	// AcquisitionCost is that of a new customer; 0 = not known.
	AcquisitionCost float64
}

func defaultWinback() Winback {
	return Winback{
		AttributionDays: 30, HorizonDays: 90, ContactPause: 7, MaxContacts: 4, ContactWindow: 90, ConflictPause: 30,
		CallsPerDay: 20, ListDays: 5, CallHours: "09:00-20:00", Shrink: 20, NaturalWeight: 100,
		LargeMargin: 20, TurnoverPart: 1, LatePayments: 3,
	}
}

// templateWinback is Winback as templates see it: every field prints as SQL.
type templateWinback struct {
	AttributionDays, HorizonDays, ContactPause, MaxContacts, ContactWindow, ConflictPause int
	CallsPerDay, ListDays, Shrink, NaturalWeight, LatePayments                            int
	CallHours, LargeMargin, TurnoverPart, Competitors, ServiceCost, AcquisitionCost       string
}

func (w Winback) forTemplate() templateWinback {
	competitors := make([]string, len(w.Competitors))
	for i, name := range w.Competitors {
		competitors[i] = quote.Literal(strings.ToLower(strings.TrimSpace(name)))
	}
	return templateWinback{
		AttributionDays: w.AttributionDays, HorizonDays: w.HorizonDays, ContactPause: w.ContactPause, MaxContacts: w.MaxContacts,
		ContactWindow: w.ContactWindow, ConflictPause: w.ConflictPause, CallsPerDay: w.CallsPerDay, ListDays: w.ListDays,
		Shrink: w.Shrink, NaturalWeight: w.NaturalWeight, LatePayments: w.LatePayments, CallHours: quote.Literal(w.CallHours),
		LargeMargin: plainNumber(w.LargeMargin), TurnoverPart: plainNumber(w.TurnoverPart),
		Competitors: "cast([" + strings.Join(competitors, ", ") + "], 'Array(String)')",
		ServiceCost: plainNumber(w.ServiceCost), AcquisitionCost: plainNumber(w.AcquisitionCost),
	}
}
