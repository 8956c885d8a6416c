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

// Budget reads from a server by the machine's clock until a time is over, and
// reports the share of the requests used that the source allows in it, and how many
// were refused as too many. The server's data must last as long.
func Budget(b *testing.B, source connectors.Source, server *Server, last time.Duration, allowed func(seconds float64) float64) {
	b.Helper()
	server.Slow(answerTime)
	ctx, cancel := context.WithTimeout(b.Context(), last)
	defer cancel()
	began := time.Now()
	if _, err := NewReader(source).Run(ctx); ctx.Err() == nil {
		b.Fatalf("ended early: %v", err)
	}
	elapsed := time.Since(began).Seconds()
	asked, refused := server.Asked(), 0
	for _, a := range asked {
		if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
			refused++
		}
	}
	b.ReportMetric(100*float64(len(asked))/allowed(elapsed), "%budget")
	b.ReportMetric(float64(refused), "refused")
	b.ReportMetric(0, "ns/op")
}
