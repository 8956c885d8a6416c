package connectortest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"winback/connectors"
)

// answerTime is how long a server takes for an answer, as one on the other side of
// the world does.
const answerTime = 100 * time.Millisecond

// Allowance is what a source lets clients ask for, and how to see what they did.
type Allowance struct {
	PerSecond float64 // requests, or points, that it allows in the long run
	// Warm is when what may be asked for at once is used up, and the measuring begins;
	// Last is when it ends. The server's data must last as long.
	Warm, Last time.Duration
	Spent      func() float64 // so far; nil counts requests
	// Left, if set, is what was given out and can still be spent: a query that costs
	// hundreds of points is saved up for. What a full bucket does not take is lost.
	Left func() float64
}

// Budget reads from a server by the machine's clock, and reports the share of the
// allowance used in the long run, and how many requests were refused as too many.
func Budget(b *testing.B, source connectors.Source, server *Server, a Allowance) {
	b.Helper()
	if a.Spent == nil {
		a.Spent = func() float64 { return float64(len(server.Asked())) }
	}
	if a.Left == nil {
		a.Left = func() float64 { return 0 }
	}
	server.Slow(answerTime)
	ctx, cancel := context.WithTimeout(b.Context(), a.Last)
	defer cancel()
	began := time.Now()
	var warm, had float64
	warmed := time.AfterFunc(a.Warm, func() { warm, had, began = a.Spent(), a.Left(), time.Now() })
	defer warmed.Stop()
	if _, err := NewReader(source).Run(ctx); ctx.Err() == nil {
		b.Fatalf("ended early: %v", err)
	}
	spent, elapsed, refused := a.Spent()-warm, time.Since(began).Seconds(), 0
	for _, asked := range server.Asked() {
		if asked.Status == http.StatusTooManyRequests || asked.Status == http.StatusServiceUnavailable {
			refused++
		}
	}
	b.ReportMetric(100*spent/(a.PerSecond*elapsed+had-a.Left()), "%budget")
	b.ReportMetric(float64(refused), "refused")
	b.ReportMetric(0, "ns/op")
}
