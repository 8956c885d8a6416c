package dashboards_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors/all"
	"winback/dashboards"
	"winback/dashboards/ask"
	"winback/dashboards/report"
	"winback/pipelines"
	"winback/pipelines/warehouse"
)

// companyVariable names the folder of a company to measure, such as one made by
// winback demo --customers 100000.
const companyVariable = "WINBACK_BENCH_COMPANY"

// company opens the warehouse to measure.
func company(b *testing.B) (*pipelines.Project, *warehouse.Warehouse) {
	b.Helper()
	folder := os.Getenv(companyVariable)
	if folder == "" {
		b.Skipf("%s names no folder of a company: winback demo --dir big --customers 100000 makes one", companyVariable)
	}
	registry, err := all.Registry()
	if err != nil {
		b.Fatal(err)
	}
	project, err := pipelines.Open(pipelines.OpenOptions{Config: filepath.Join(folder, "winback.yaml"), Registry: registry, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	w, err := project.OpenWarehouse(b.Context(), warehouse.ForQuery)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := w.Close(); err != nil {
			b.Error(err)
		}
	})
	return project, w
}

// BenchmarkPanels asks each panel's questions five times, and tells the slowest
// median; -v names the panels that are over the limit.
//
//	WINBACK_BENCH_COMPANY=/path/to/big go test -run '^$' -bench . -benchtime 1x -v ./dashboards
func BenchmarkPanels(b *testing.B) {
	const limit, times = 200 * time.Millisecond, 5
	project, w := company(b)
	boards, err := dashboards.Load(project.Config.Currency)
	if err != nil {
		b.Fatal(err)
	}
	var slowest time.Duration
	asked, over := 0, 0
	for b.Loop() {
		for _, d := range boards {
			asker := &ask.Asker{Querier: w, Now: project.AsOf().Add(24*time.Hour - time.Second), Zone: project.Config.Location}
			state, err := asker.Open(b.Context(), d, nil)
			if err != nil {
				b.Fatal(err)
			}
			for _, p := range d.All() {
				if len(p.Targets) == 0 {
					continue
				}
				var took []time.Duration
				for range times {
					began := time.Now()
					if _, err := asker.Panel(b.Context(), state, p); err != nil {
						b.Fatalf("%s, %s: %v", d.UID, p.Title, err)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				median := took[times/2]
				slowest, asked = max(slowest, median), asked+1
				if median > limit {
					over++
					b.Logf("%s, %s: %v", d.UID, p.Title, median.Round(time.Millisecond))
				}
			}
		}
	}
	b.ReportMetric(float64(slowest.Milliseconds()), "ms/slowest")
	b.ReportMetric(float64(asked), "panels")
	b.ReportMetric(float64(over), "over-200ms")
}

// BenchmarkReport draws the whole report: under 5 s and 3 MB are wanted.
func BenchmarkReport(b *testing.B) {
	project, w := company(b)
	boards, err := dashboards.Load(project.Config.Currency)
	if err != nil {
		b.Fatal(err)
	}
	var page strings.Builder
	for b.Loop() {
		page.Reset()
		r, err := report.Build(b.Context(), report.Options{
			Querier: w, Dashboards: boards, Project: project.Config.Project, AsOf: project.AsOf(), Now: time.Now(), Zone: project.Config.Location,
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := r.WriteHTML(&page); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(page.Len())/1e6, "MB")
}
