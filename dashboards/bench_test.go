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
	"winback/dashboards/board"
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

// BenchmarkPanels asks each panel's questions five times, of everybody, and tells the
// slowest median; -v names the panels that are over the limit.
//
//	WINBACK_BENCH_COMPANY=/path/to/big go test -run '^$' -bench . -benchtime 1x -v ./dashboards
func BenchmarkPanels(b *testing.B) {
	s := newStopwatch(b)
	for b.Loop() {
		for _, d := range s.boards {
			s.ask(d, nil, func(p *board.Panel) bool { return len(p.Targets) > 0 })
		}
	}
	s.report()
}

// BenchmarkFilteredPanels asks them again with each variable set to its first value
// and to its last, and two of them at once.
func BenchmarkFilteredPanels(b *testing.B) {
	s := newStopwatch(b)
	for b.Loop() {
		for _, d := range s.boards {
			before := map[string][]string{}
			for _, v := range d.Templating.List {
				values := s.values(d, v)
				if len(values) == 0 {
					continue
				}
				uses := func(p *board.Panel) bool { return p.Uses(v.Name) }
				s.ask(d, map[string][]string{v.Name: values[:1]}, uses)
				s.ask(d, map[string][]string{v.Name: values[len(values)-1:]}, uses)
				if before[v.Name] = values[:1]; len(before) > 1 {
					s.ask(d, before, uses)
				}
				before = map[string][]string{v.Name: values[:1]}
			}
		}
	}
	s.report()
}

// stopwatch measures panels of a company.
type stopwatch struct {
	*testing.B
	asker       *ask.Asker
	boards      []*board.Dashboard
	slowest     time.Duration
	asked, over int
}

func newStopwatch(b *testing.B) *stopwatch {
	b.Helper()
	project, w := company(b)
	boards, err := dashboards.Load(project.Config.Currency)
	if err != nil {
		b.Fatal(err)
	}
	return &stopwatch{
		B: b, boards: boards,
		asker: &ask.Asker{Querier: w, Now: project.AsOf().Add(24*time.Hour - time.Second), Zone: project.Config.Location},
	}
}

// values are those that a variable can be set to, but for all.
func (s *stopwatch) values(d *board.Dashboard, v *board.Variable) []string {
	s.Helper()
	if !v.Narrows() && v.Type != "custom" {
		return nil
	}
	state, err := s.asker.Open(s.Context(), d, nil)
	if err != nil {
		s.Fatal(err)
	}
	values, _, err := s.asker.Choices(s.Context(), state, v)
	if err != nil {
		s.Fatal(err)
	}
	return slices.DeleteFunc(values, func(value string) bool { return value == "(all)" })
}

// ask takes the medians of the panels of a dashboard whose variables are so.
func (s *stopwatch) ask(d *board.Dashboard, given map[string][]string, which func(*board.Panel) bool) {
	s.Helper()
	const limit, times = 200 * time.Millisecond, 5
	state, err := s.asker.Open(s.Context(), d, given)
	if err != nil {
		s.Fatal(err)
	}
	for _, p := range d.All() {
		if !which(p) {
			continue
		}
		var took []time.Duration
		for range times {
			began := time.Now()
			if _, err := s.asker.Panel(s.Context(), state, p); err != nil {
				s.Fatalf("%s, %s, %v: %v", d.UID, p.Title, given, err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		median := took[times/2]
		s.slowest = max(s.slowest, median)
		s.asked++
		if median > limit {
			s.over++
			s.Logf("%s, %s, %v: %v", d.UID, p.Title, given, median.Round(time.Millisecond))
		}
	}
}

func (s *stopwatch) report() {
	s.ReportMetric(float64(s.slowest.Milliseconds()), "ms/slowest")
	s.ReportMetric(float64(s.asked), "panels")
	s.ReportMetric(float64(s.over), "over-200ms")
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
