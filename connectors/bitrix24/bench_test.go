package bitrix24

import (
	"context"
	"net/http"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/bitrix24/bitrix24test"
	"winback/connectors/connectortest"
)

// BenchmarkBudget reads for some seconds by the real clock from a portal that takes
// a tenth of a second for an answer, and reports the share of the allowed requests
// that was used: the bucket of fifty, and two a second.
func BenchmarkBudget(b *testing.B) {
	const seconds = 12
	for b.Loop() {
		portal := bitrix24test.Start(b, connectors.SystemClock{})
		portal.Delay(100 * time.Millisecond)
		source, err := connectortest.Open(Connector(), portal.Config(), connectortest.Project{Dir: b.TempDir(), Variables: portal.Variables()})
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
		for _, a := range portal.Server().Asked() {
			if a.Status == http.StatusServiceUnavailable {
				refused++
			}
		}
		b.ReportMetric(100*float64(len(portal.Server().Asked()))/(50+2*time.Since(began).Seconds()), "%budget")
		b.ReportMetric(float64(refused), "refused")
	}
}
