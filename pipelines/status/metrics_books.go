package status

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"winback/pipelines/history"
)

// bookCollector gives what the books, the scheduler and the disk say. Its labels
// are names from the configuration, never of people, and few.
type bookCollector struct {
	s      *Server
	rising *rising
	whole  sync.Mutex // one who asks at a time

	mu     sync.Mutex
	read   time.Time
	totals history.Totals
	engine history.Machine
	ok     bool
}

// booksFor is how long figures of the books are good for: several who scrape at once
// do not ask the warehouse several times.
const (
	booksFor    = 5 * time.Second
	booksWithin = 20 * time.Second
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("winback_"+name, help, labels, nil)
}

var (
	descRuns      = describe("runs_total", "Runs that ended, by the job of the schedule they were made for (manual: somebody asked) and how they ended.", "job", "state")
	descTook      = describe("run_duration_seconds", "How long runs took.", "job")
	descLastRun   = describe("run_last_end_timestamp_seconds", "When a run last ended so.", "job", "state")
	descRows      = describe("rows_total", "Rows loaded into the warehouse.", "source", "entity")
	descBytes     = describe("bytes_total", "Bytes of landing files loaded into the warehouse.", "source", "entity")
	descUnchanged = describe("unchanged_rows_total", "Rows that sources gave again as they were landed last, which were not loaded again.", "source", "entity")
	descSteps     = describe("steps_total", "Steps of runs, by what they did (extract, load, model …) and how they ended.", "kind", "state")
	descRetries   = describe("step_retries_total", "Tries of steps that failed and were made again, by how the last one ended.", "kind", "state")
	descFresh     = describe("source_freshness_seconds", "Age of a dataset's last reading that succeeded.", "source", "dataset")
	descFreshOK   = describe("source_last_read_ok", "Whether the last reading of a dataset succeeded.", "source", "dataset")
	descAside     = describe("quarantine_open_records", "Records that were put aside and wait.", "source", "dataset")
	descChecks    = describe("checks_failing", "Checks that did not pass when they last ran.", "severity")
	descMemory    = describe("engine_memory_bytes", "Memory that the engine has in use.")
	descHeld      = describe("warehouse_bytes", "Size of the warehouse's tables.")
	descUp        = describe("warehouse_up", "Whether the warehouse answers.")
	descFree      = describe("disk_free_bytes", "Free on the disk of the project's home.")
	descSize      = describe("disk_size_bytes", "Size of the disk of the project's home.")
	descScheduler = describe("scheduler_up", "Whether the scheduler does its work.")
	descNext      = describe("job_next_run_timestamp_seconds", "When a job is due next.", "job")
	descPaused    = describe("job_paused", "Whether a job is paused.", "job")
	descRunning   = describe("job_running", "Whether a job is being done.", "job")
	descIncidents = describe("incidents_open", "What is wrong at present, by kind.", "kind")
)

// Describe gives nothing: which figures there are depends on what there is.
func (c *bookCollector) Describe(chan<- *prometheus.Desc) {}

// Collect gives what is known now.
func (c *bookCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), booksWithin)
	defer cancel()
	c.jobs(out)
	c.incidents(ctx, out)
	if free, size, err := DiskOf(c.s.o.Home); err == nil {
		gauge(out, descFree, float64(free))
		gauge(out, descSize, float64(size))
	}
	c.whole.Lock() // older figures after newer ones would look as if the books forgot
	defer c.whole.Unlock()
	totals, engine, ok := c.books(ctx)
	gauge(out, descUp, truth(ok))
	if !ok {
		return
	}
	gauge(out, descMemory, float64(engine.Memory))
	gauge(out, descHeld, float64(engine.Bytes))
	defer func() {
		if err := c.rising.save(); err != nil {
			c.s.o.Logger.Warn("counters may begin anew after a restart", "error", err)
		}
	}()
	c.runs(out, totals.Runs)
	for _, l := range totals.Loaded {
		c.count(out, descRows, float64(l.Rows), l.Source, l.Entity)
		c.count(out, descBytes, float64(l.Bytes), l.Source, l.Entity)
	}
	for _, step := range totals.Steps {
		c.count(out, descSteps, float64(step.Steps), step.Kind, step.State)
		c.count(out, descRetries, float64(step.Retries), step.Kind, step.State)
	}
	for _, u := range totals.Unchanged {
		c.count(out, descUnchanged, float64(u.Rows), u.Source, u.Entity)
	}
	for _, f := range totals.Freshness {
		if !f.ReadAt.IsZero() {
			gauge(out, descFresh, c.s.o.Now().Sub(f.ReadAt).Seconds(), f.Source, f.Dataset)
		}
		gauge(out, descFreshOK, truth(f.State == "done"), f.Source, f.Dataset)
	}
	for _, w := range totals.Waiting {
		gauge(out, descAside, float64(w.Records), w.Source, w.Dataset)
	}
	failing := map[string]int{"error": 0, "warn": 0}
	for _, check := range totals.Checks {
		failing[check.Severity]++
	}
	for severity, n := range failing {
		gauge(out, descChecks, float64(n), severity)
	}
}

// books reads the warehouse's books, unless that was done a moment ago.
func (c *bookCollector) books(ctx context.Context) (history.Totals, history.Machine, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := time.Since(c.read); c.ok && age < booksFor {
		return c.totals, c.engine, true
	}
	conn, err := c.s.Warehouse()
	if err == nil {
		c.totals, err = history.Of(conn).Totals(ctx)
	}
	if err == nil {
		c.engine, err = history.Of(conn).Machine(ctx)
	}
	if err != nil {
		c.s.metrics.unread.Inc()
		c.s.o.Logger.Warn("figures for Prometheus could not be read", "error", err)
	}
	c.read, c.ok = time.Now(), err == nil
	return c.totals, c.engine, c.ok
}

func (c *bookCollector) runs(out chan<- prometheus.Metric, runs []history.JobRuns) {
	type histogram struct {
		n     uint64
		sum   float64
		below map[float64]uint64
	}
	byJob := map[string]*histogram{}
	for _, r := range runs {
		job := jobLabel(r.Job)
		c.count(out, descRuns, float64(r.Runs), job, r.State)
		gauge(out, descLastRun, float64(r.Last.UnixMilli())/1000, job, r.State)
		h := byJob[job]
		if h == nil {
			h = &histogram{below: map[float64]uint64{}}
			byJob[job] = h
		}
		h.n, h.sum = h.n+r.Timed, h.sum+r.Seconds
		for i, n := range r.Below {
			h.below[history.DurationBounds[i]] += n
		}
	}
	for job, h := range byJob {
		for bound, n := range h.below {
			h.below[bound] = uint64(c.rising.of(float64(n), "run_duration_seconds", job, strconv.FormatFloat(bound, 'g', -1, 64)))
		}
		n, sum := c.rising.of(float64(h.n), "run_duration_seconds_count", job), c.rising.of(h.sum, "run_duration_seconds_sum", job)
		out <- prometheus.MustNewConstHistogram(descTook, uint64(n), sum, h.below, job)
	}
}

// jobLabel is the label of runs that somebody asked for.
func jobLabel(job string) string {
	if job == "" {
		return "manual"
	}
	return strings.ToValidUTF8(job, "?")
}

func (c *bookCollector) jobs(out chan<- prometheus.Metric) {
	if c.s.o.Jobs == nil {
		return
	}
	gauge(out, descScheduler, truth(c.s.o.Jobs.Alive() == nil))
	list, err := c.s.o.Jobs.Status()
	if err != nil {
		return // the scheduler says so
	}
	for _, job := range list {
		gauge(out, descPaused, truth(job.Paused), job.Name)
		gauge(out, descRunning, truth(!job.Since.IsZero()), job.Name)
		if !job.Next.IsZero() && !job.Paused {
			gauge(out, descNext, float64(job.Next.Unix()), job.Name)
		}
	}
}

func (c *bookCollector) incidents(ctx context.Context, out chan<- prometheus.Metric) {
	if c.s.o.Incidents == nil {
		return
	}
	list, err := c.s.o.Incidents(ctx)
	if err != nil {
		return
	}
	kinds := map[string]int{}
	for _, i := range list {
		kinds[i.Kind]++
	}
	for kind, n := range kinds {
		gauge(out, descIncidents, float64(n), kind)
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (c *bookCollector) count(out chan<- prometheus.Metric, d *prometheus.Desc, sum float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, c.rising.of(sum, d.String(), labels...), labels...)
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
