package bench

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/all"
	"winback/connectors/demo"
	"winback/pipelines"
	"winback/pipelines/config"
)

// What a day costs a company that has everything: two years of the demo company's
// shop, CRM, telephones and campaigns are built, then the next day's exports come,
// then nothing new. Its CRM exports whole tables every day, as CRMs do. 0.10 is the
// limit for models-cpu-ratio.
//
// Models are built one after another, so that the processor time between the
// beginning and the end of one is its own; the log has the dearest of both runs.
// WINBACK_BENCH_CUSTOMERS is the size of the company. WINBACK_BENCH_COMPANY names a
// folder that keeps it: the next benchmark takes the one that is there, after a run
// that brings its warehouse up to date, and leaves it as it is.
//
//	go test ./pipelines/bench -run '^$' -bench CompanyDay -benchtime 1x -timeout 0
//
// The engine is opened once in a process: the benchmark is the first to ask for it.
func BenchmarkCompanyDay(b *testing.B) {
	o := demo.Options{
		Customers: number(b, "WINBACK_BENCH_CUSTOMERS", 20_000), Months: 24, Seed: 1,
		End: time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC), Dir: os.Getenv("WINBACK_BENCH_COMPANY"),
	}
	if o.Dir == "" {
		o.Dir = b.TempDir()
	}
	c := &livingCompany{b: b, options: o}
	if _, err := os.Stat(filepath.Join(o.Dir, config.FileName)); err != nil {
		c.export()
		c.configure()
	}
	whole := c.run()
	whole.tell(b, "whole")
	c.moveTo(filepath.Join(b.TempDir(), "company"))
	c.options.End = o.End.AddDate(0, 0, 1)
	c.export()
	day := c.run()
	day.tell(b, "day")
	nothing := c.run()
	b.ReportMetric(nothing.processor.Seconds(), "nothing-cpu-s")
	b.ReportMetric(day.processor.Seconds()/whole.processor.Seconds(), "cpu-ratio")
	b.ReportMetric(day.models.Seconds()/whole.models.Seconds(), "models-cpu-ratio")
	b.ReportMetric(0, "ns/op")
}

// livingCompany is a demo company, as of the last day in its options.
type livingCompany struct {
	b       *testing.B
	options demo.Options
}

// export writes the company's files as they are on the day.
func (c *livingCompany) export() {
	c.b.Helper()
	_, err := demo.Generate(c.b.Context(), c.options)
	must(c.b, err)
}

func (c *livingCompany) configure() {
	c.b.Helper()
	text, err := demo.Config(c.options)
	must(c.b, err)
	must(c.b, os.WriteFile(filepath.Join(c.options.Dir, config.FileName), append(text, "\nengine: {threads: 1}\n"...), 0o644))
}

// moveTo goes on with a copy.
func (c *livingCompany) moveTo(dir string) {
	c.b.Helper()
	must(c.b, os.CopyFS(dir, os.DirFS(c.options.Dir)))
	c.options.Dir = dir
}

// run runs everything as of the day.
func (c *livingCompany) run() *modelCosts {
	c.b.Helper()
	registry, err := all.Registry()
	must(c.b, err)
	p, err := pipelines.Open(pipelines.OpenOptions{
		Config: filepath.Join(c.options.Dir, config.FileName), AsOf: c.options.End.Format(time.DateOnly),
		Registry: registry, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	must(c.b, err)
	costs := &modelCosts{of: map[string]modelCost{}}
	began := processorTime()
	s, err := p.Run(c.b.Context(), pipelines.RunOptions{Observer: costs})
	if err != nil || s.Models.Failed+s.Models.Skipped > 0 {
		c.b.Fatal(err, s.Problems)
	}
	costs.processor = processorTime() - began
	return costs
}

// processorTime is what this process has had of the processors.
func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails for wrong arguments alone
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// modelCosts is what a run costs, all of it and model by model. It is the run's
// observer.
type modelCosts struct {
	processor, models time.Duration

	mu    sync.Mutex
	began time.Duration
	of    map[string]modelCost
}

type modelCost struct {
	processor time.Duration
	built     bool
	why       string
}

func (m *modelCosts) ModelStarted(string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began = processorTime()
}

func (m *modelCosts) ModelDone(r pipelines.ModelResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.began == 0 {
		return // it was as it is to be
	}
	cost := modelCost{processorTime() - m.began, r.Built, r.Message}
	m.of[r.Name], m.began = cost, 0
	m.models += cost.processor
}

// tell reports the sums and logs the models that cost most.
func (m *modelCosts) tell(b *testing.B, name string) {
	b.Helper()
	b.ReportMetric(m.processor.Seconds(), name+"-cpu-s")
	b.ReportMetric(m.models.Seconds(), name+"-models-cpu-s")
	dearest := slices.SortedFunc(maps.Keys(m.of), func(x, y string) int { return cmp.Compare(m.of[y].processor, m.of[x].processor) })
	var lines strings.Builder
	built := 0
	for _, cost := range m.of {
		built += count(cost.built)
	}
	const shown = 40
	for _, model := range dearest[:min(len(dearest), shown)] {
		fmt.Fprintf(&lines, "\n%8.2f s  %-32s %s", m.of[model].processor.Seconds(), model, m.of[model].why)
	}
	b.Logf("%s: %.1f s of the processors, %.1f s of them for %d models, of which %d changed; the dearest:%s",
		name, m.processor.Seconds(), m.models.Seconds(), len(m.of), built, lines.String())
}

func (*modelCosts) Note(string)                                    {}
func (*modelCosts) Extracting(string, string, connectors.Progress) {}
func (*modelCosts) Slice(pipelines.DatasetSummary)                 {}
func (*modelCosts) Extracted(pipelines.DatasetSummary)             {}
func (*modelCosts) Loading(pipelines.LoadSummary)                  {}
func (*modelCosts) Loaded(string, int64, int64)                    {}
func (*modelCosts) Building(int)                                   {}
