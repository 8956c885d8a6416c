package hubspot

import (
	"context"
	"net/http"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/hubspot/hubspottest"
)

// BenchmarkBudget reads for a few seconds by the real clock from a server that
// takes a tenth of a second for an answer, and reports the share of the allowed
// hundred requests in ten seconds that was used.
func BenchmarkBudget(b *testing.B) {
	const seconds = 5
	for b.Loop() {
		f := hubspottest.Start(b, connectors.SystemClock{})
		for range 1000 {
			f.Server().Next(func(w http.ResponseWriter, r *http.Request, answer http.Handler) {
				time.Sleep(100 * time.Millisecond)
				answer.ServeHTTP(w, r)
			})
		}
		source, err := connectortest.Open(Connector(), f.TokenConfig(), connectortest.Project{Dir: b.TempDir(), Variables: f.Variables()})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(b.Context(), seconds*time.Second)
		began := time.Now()
		_, err = connectortest.NewReader(source).Run(ctx)
		cancel()
		if ctx.Err() == nil {
			b.Fatalf("ended early: %v", err)
		}
		refused := 0
		for _, a := range f.Server().Asked() {
			if a.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		b.ReportMetric(100*float64(len(f.Server().Asked()))/(10*time.Since(began).Seconds()), "%budget")
		b.ReportMetric(float64(refused), "refused")
	}
}
