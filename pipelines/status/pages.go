package status

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"winback/pipelines/history"
	"winback/pipelines/progress"
	"winback/pipelines/schedule"
)

// page is one page, and its JSON.
type page struct {
	path, json, title string
	// refresh is after how many seconds a browser looks again; 0 for never.
	refresh int
	load    func(ctx context.Context, v Viewer) (any, error)
}

func (s *Server) pages() []page {
	return []page{
		{"/{$}", "/index.json", "Now", 15, s.overview},
		{"/runs", "/runs.json", "Runs", 0, s.runs},
		{"/sources", "/sources.json", "Sources", 60, s.sources},
		{"/checks", "/checks.json", "Checks", 0, s.checks},
		{"/quarantine", "/quarantine.json", "Quarantine", 0, s.quarantine},
		{"/alarms", "/alarms.json", "Alarms", 60, s.alarms},
	}
}

// Overview is how things stand.
type Overview struct {
	Project string    `json:"project"`
	Version string    `json:"version"`
	Began   time.Time `json:"serving_since"`
	Now     time.Time `json:"now"`
	// Problems are what keeps the service from its work; none when all is well.
	Problems  []string          `json:"problems"`
	Running   []Doing           `json:"running"`
	Next      []Upcoming        `json:"next"`
	Jobs      []Job             `json:"jobs"`
	Runs      []history.Run     `json:"runs"`
	Sources   []Source          `json:"sources"`
	Checks    []history.Check   `json:"failing_checks"`
	Waiting   []history.Waiting `json:"quarantine"`
	Incidents []Incident        `json:"incidents"`
	Disk      Disk              `json:"disk"`
	Engine    *history.Machine  `json:"engine,omitempty"`
}

// Aside counts the records that wait in quarantine.
func (o *Overview) Aside() (n uint64) {
	for _, w := range o.Waiting {
		n += w.Records
	}
	return n
}

// lastSteps is how many steps of a run that is under way the first page shows.
const lastSteps = 12

// Doing is a run that is under way, with its last steps.
type Doing struct {
	history.Run
	// Present is what it does at the moment; nil where it does not tell here, as one
	// that has just begun or that has another home.
	Present *progress.Snapshot `json:"present,omitempty"`
	// Silent says that it has not told for too long: it hangs, or was killed.
	Silent bool `json:"silent,omitempty"`
	// Usual is how many seconds runs like it took of late; 0 for not known.
	Usual    float64        `json:"usual_seconds,omitempty"`
	StepList []history.Step `json:"step_list"`
}

// silentAfter is how long after its last word a run counts as silent: it tells every
// second, where the machine has the time.
const silentAfter = time.Minute

// Upcoming is when a job is due next.
type Upcoming struct {
	Job string    `json:"job"`
	At  time.Time `json:"at"`
}

// upcoming lists when jobs are due, the next first.
func upcoming(jobs []Job) []Upcoming {
	list := []Upcoming{}
	for _, j := range jobs {
		if j.Next != nil {
			list = append(list, Upcoming{j.Name, *j.Next})
		}
	}
	slices.SortStableFunc(list, func(a, b Upcoming) int { return a.At.Compare(b.At) })
	return list
}

// Job is one of the schedule.
type Job struct {
	Name    string     `json:"name"`
	Next    *time.Time `json:"next,omitempty"`
	Since   *time.Time `json:"since,omitempty"` // it is being done
	Paused  bool       `json:"paused"`
	Outcome string     `json:"outcome,omitempty"`
	Slot    *time.Time `json:"slot,omitempty"`
	Tries   int        `json:"attempts,omitempty"`
	Message string     `json:"message,omitempty"`
}

// Source is a dataset and the age of what is known of it.
type Source struct {
	history.Freshness
	AgeSeconds float64 `json:"age_seconds,omitempty"`
}

// Disk is that of the project's home.
type Disk struct {
	Home string `json:"home"`
	Free uint64 `json:"free_bytes"`
	Size uint64 `json:"size_bytes"`
}

// Part is the share of the disk that is taken, in percent.
func (d Disk) Part() int {
	if d.Size == 0 {
		return 0
	}
	return int(100 - 100*d.Free/d.Size)
}

// overview gathers what the first page shows. It is there, and says so, also when
// the warehouse does not answer.
func (s *Server) overview(ctx context.Context, _ Viewer) (any, error) {
	o := &Overview{
		Project: s.o.Project, Version: s.o.Version, Began: s.began, Now: s.o.Now(), Problems: []string{}, Running: []Doing{},
		Jobs: []Job{}, Runs: []history.Run{}, Sources: []Source{}, Checks: []history.Check{}, Waiting: []history.Waiting{}, Incidents: []Incident{},
	}
	problem := func(err error) {
		if err != nil {
			o.Problems = append(o.Problems, strings.Split(err.Error(), "\n")...)
		}
	}
	problem(s.Healthy())
	var err error
	o.Jobs, err = s.jobs()
	problem(err)
	o.Next = upcoming(o.Jobs)
	o.Disk.Home = s.o.Home
	o.Disk.Free, o.Disk.Size, err = DiskOf(s.o.Home)
	problem(err)
	if s.o.Incidents != nil {
		o.Incidents, err = s.o.Incidents(ctx)
		problem(err)
	}
	if err := s.Ready(ctx); err != nil {
		problem(err)
		return o, nil
	}
	problem(s.fill(ctx, o))
	return o, nil
}

// fill reads the books.
func (s *Server) fill(ctx context.Context, o *Overview) error {
	conn, err := s.Warehouse()
	if err != nil {
		return err
	}
	books := history.Of(conn)
	var errs [5]error
	var running []history.Run
	o.Runs, errs[0] = books.Runs(ctx, history.Filter{Last: 10})
	running, errs[1] = books.Runs(ctx, history.Filter{State: "running"})
	for _, run := range running {
		doing, err := s.doing(ctx, books, run)
		errs[1] = errors.Join(errs[1], err)
		o.Running = append(o.Running, doing)
	}
	var totals history.Totals
	totals, errs[2] = books.Totals(ctx)
	o.Checks, o.Waiting = totals.Checks, totals.Waiting
	o.Sources = s.aged(totals.Freshness)
	machine, err := books.Machine(ctx)
	errs[3] = err
	o.Engine = &machine
	return errors.Join(errs[:]...)
}

// doing tells how far a run is.
func (s *Server) doing(ctx context.Context, books history.Books, run history.Run) (Doing, error) {
	steps, err := books.Steps(ctx, run.ID)
	usual, unknown := books.Usual(ctx, run)
	d := Doing{Run: run, StepList: steps[max(0, len(steps)-lastSteps):], Usual: usual.Seconds()}
	d.Present = s.present(run.ID)
	d.Silent = d.Present != nil && s.o.Now().Sub(d.Present.At) > silentAfter
	return d, errors.Join(err, unknown)
}

// present is what a run does at the moment; nil where it is not known.
func (s *Server) present(run string) *progress.Snapshot {
	now, err := progress.Of(s.o.Home, run)
	if err != nil {
		s.o.Logger.Debug("what a run is doing is not known", "error", err)
	}
	return now
}

func (s *Server) aged(list []history.Freshness) []Source {
	aged := make([]Source, len(list))
	for i, f := range list {
		aged[i] = Source{Freshness: f}
		if !f.ReadAt.IsZero() {
			aged[i].AgeSeconds = s.o.Now().Sub(f.ReadAt).Seconds()
		}
	}
	return aged
}

func (s *Server) jobs() ([]Job, error) {
	list := []Job{}
	if s.o.Jobs == nil {
		return list, nil
	}
	states, err := s.o.Jobs.Status()
	for _, state := range states {
		list = append(list, jobOf(state))
	}
	return list, err
}

func jobOf(state schedule.Status) Job {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	job := Job{
		Name: state.Name, Next: at(state.Next), Since: at(state.Since), Paused: state.Paused, Outcome: string(state.Outcome), Slot: at(state.Slot),
		Tries: state.Attempts, Message: state.Message,
	}
	if state.Paused {
		job.Next = nil
	}
	return job
}

// withBooks asks the books of the warehouse.
func withBooks[T any](s *Server, ask func(history.Books) (T, error)) (any, error) {
	conn, err := s.Warehouse()
	if err != nil {
		return nil, err
	}
	return ask(history.Of(conn))
}

func (s *Server) runs(ctx context.Context, _ Viewer) (any, error) {
	return withBooks(s, func(b history.Books) ([]history.Run, error) { return b.Runs(ctx, history.Filter{Last: 200}) })
}

func (s *Server) sources(ctx context.Context, _ Viewer) (any, error) {
	return withBooks(s, func(b history.Books) ([]Source, error) {
		list, err := b.Freshness(ctx)
		return s.aged(list), err
	})
}

func (s *Server) checks(ctx context.Context, _ Viewer) (any, error) {
	return withBooks(s, func(b history.Books) ([]history.Check, error) { return b.FailingChecks(ctx) })
}

// Quarantine is what was put aside: reasons for everybody, lines for admins.
type Quarantine struct {
	Reasons []history.Aside `json:"reasons"`
	// Lines are the records themselves; nil for those who may not see personal data.
	Lines []history.Line `json:"lines,omitempty"`
	// Masked says that lines were left out for that.
	Masked bool `json:"masked"`
}

func (s *Server) quarantine(ctx context.Context, v Viewer) (any, error) {
	return withBooks(s, func(b history.Books) (*Quarantine, error) {
		reasons, err := b.OpenQuarantine(ctx)
		if err != nil || !v.Admin {
			return &Quarantine{Reasons: reasons, Masked: true}, err
		}
		lines, err := b.OpenLines(ctx)
		return &Quarantine{Reasons: reasons, Lines: lines}, err
	})
}

func (s *Server) alarms(ctx context.Context, _ Viewer) (any, error) {
	if s.o.Incidents == nil {
		return []Incident{}, nil
	}
	return s.o.Incidents(ctx)
}

// runPage tells the story of one run; a name that ends in .json gives it as that.
func (s *Server) runPage(w http.ResponseWriter, r *http.Request) {
	id, asJSON := strings.CutSuffix(r.PathValue("run"), ".json")
	p := page{path: "/runs/" + id, json: "/runs/" + id + ".json", title: "Run " + id, load: func(ctx context.Context, _ Viewer) (any, error) {
		return withBooks(s, func(b history.Books) (*history.Story, error) {
			story, err := b.Story(ctx, id)
			if err == nil {
				story.Present = s.present(story.ID)
			}
			return story, err
		})
	}}
	if asJSON {
		s.json(p)(w, r)
		return
	}
	s.page(p)(w, r)
}
