package ledger

import (
	"context"
	"math"
	"time"

	"winback/pipelines/books"
)

// Verification is a published number beside the computed one.
type Verification struct {
	Subject, What, Source, Through string
	Published                      float64
	Decimals                       int
	// Computed is NaN where nothing was.
	Computed       float64
	State, Message string
}

// WriteVerifications writes what winback verify found at a time, in its order.
func (l *Ledger) WriteVerifications(ctx context.Context, at time.Time, version string, lines []Verification) error {
	rows := make([][]any, len(lines))
	for i, v := range lines {
		var computed *float64
		if !math.IsNaN(v.Computed) {
			computed = &v.Computed
		}
		rows[i] = []any{books.Time(at), i + 1, v.Subject, v.What, v.Source, v.Through, v.Published, v.Decimals, computed, v.State, v.Message, version}
	}
	return l.insert(ctx, "verifications",
		"verified_at, number, subject, what, source, through, published, decimals, computed, state, message, version", rows)
}
