package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/pipelines/ledger"
	"winback/pipelines/warehouse"
)

// Sink is a source whose system takes tasks too, so that a call list can be written
// where its managers work.
type Sink interface {
	// WrittenTasks returns the tasks about customers' records that have a mark,
	// done ones too.
	WrittenTasks(ctx context.Context, records []string) ([]connectors.WrittenTask, error)
	// WriteTasks writes tasks and tells what became of each as soon as that is
	// known. A task that does not fit is told and does not stop the others; none is
	// sent twice. The error is one that stops all of them, or tell's.
	WriteTasks(ctx context.Context, tasks []connectors.Task, tell func([]connectors.TaskOutcome) error) error
}

// PushOptions say which list goes where.
type PushOptions struct {
	// To is the source that the tasks are written into.
	To string
	// Send writes them; without it nothing is written, here or there.
	Send bool
	// Limit is how many customers at most, the best first; 0 for all of the list.
	Limit int
	// Wait is how long to wait for a run that is under way.
	Wait time.Duration
}

// Pushed is what became of a list.
type Pushed struct {
	To   string
	List time.Time // day that the list is of
	Sent bool
	// Tasks are those on the list, in its order.
	Tasks []PushedTask
}

// PushedTask is a customer of the list.
type PushedTask struct {
	Customer string `json:"customer_key"`
	Name     string `json:"name"`
	Manager  string `json:"manager_id"`
	Due      string `json:"due_date"`
	State    string `json:"state"`   // one of those below
	Task     string `json:"task_id"` // in the system, where there is one
	Note     string `json:"note"`    // why it was not written

	task connectors.Task
}

// States of a customer of the list.
const (
	PushDue     = "due"     // would be written
	PushWritten = "written" // just now
	PushThere   = "there"   // has a task of this or a recent list
	PushSkipped = "skipped" // cannot be written: the note says why
	PushFailed  = "failed"  // was refused, or it is not known: the note says which
)

// PushError is a mistake in what was asked for.
type PushError struct{ Problem string }

func (e *PushError) Error() string { return e.Problem }

// Count is how many customers are in a state.
func (p *Pushed) Count(state string) (n int) {
	for _, t := range p.Tasks {
		if t.State == state {
			n++
		}
	}
	return n
}

// Push writes the call list as tasks into the system of a source. A customer who has
// one of this list, or of one less than contact_pause days older, gets none: that is
// known from ops.tasks and, should the process have ended before it was noted, from
// the tasks themselves. On an error what was written so far is in the result.
// Errors: *PushError, *warehouse.HeldError, the source's.
func (p *Project) Push(ctx context.Context, o PushOptions) (Pushed, error) {
	out := Pushed{To: o.To, List: p.AsOf(), Sent: o.Send}
	sink, err := p.sink(o.To)
	if err != nil {
		return out, err
	}
	x := push{project: p, sink: sink, options: o, out: &out}
	if o.Send {
		err = x.locked(ctx)
	} else {
		err = x.inWarehouse(ctx, warehouse.ForQuery)
	}
	return out, err
}

// locked writes while no run and no other push does.
func (x *push) locked(ctx context.Context) (err error) {
	lock, err := lockRun(ctx, x.project.Home, x.options.Wait)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	return x.inWarehouse(ctx, warehouse.ForRun)
}

func (x *push) inWarehouse(ctx context.Context, purpose warehouse.Purpose) (err error) {
	if x.w, err = x.project.OpenWarehouse(ctx, purpose); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.w.Close()) }()
	x.book = ledger.Over(x.w)
	if x.options.Send {
		if x.book, err = ledger.Open(ctx, x.w); err != nil {
			return err
		}
	}
	return x.run(ctx)
}

// sink returns the source that tasks go to.
func (p *Project) sink(name string) (Sink, error) {
	source, ok := p.Source(name)
	if !ok {
		return nil, &PushError{fmt.Sprintf("winback.yaml has no source %q; its sources are %s", name, strings.Join(p.SourceNames(), ", "))}
	}
	if sink, ok := source.Source.(Sink); ok {
		return sink, nil
	}
	var takers []string
	for _, s := range p.Sources {
		if _, ok := s.Source.(Sink); ok {
			takers = append(takers, s.Name)
		}
	}
	problem := fmt.Sprintf("the source %s is %s, which takes no tasks", name, source.Connector.Name)
	if len(takers) > 0 {
		return nil, &PushError{problem + "; " + strings.Join(takers, " and ") + " would"}
	}
	return nil, &PushError{problem + ": bitrix24 and amocrm do; winback export winback_candidates --to monday.xlsx writes the list as a file"}
}

// push is one call of Push.
type push struct {
	project *Project
	w       *warehouse.Warehouse
	sink    Sink
	options PushOptions
	out     *Pushed
	book    *ledger.Ledger
}

func (x *push) run(ctx context.Context) error {
	if problem, err := x.project.staleList(ctx, x.w); err != nil {
		return err
	} else if problem != "" {
		return &PushError{problem}
	}
	if err := x.readList(ctx); err != nil {
		return err
	}
	if err := x.recallBooks(ctx); err != nil {
		return err
	}
	if err := x.recallSystem(ctx); err != nil {
		return err
	}
	if !x.options.Send {
		return nil
	}
	return x.send(ctx)
}

// pushList is the call list with each customer's records in the system, and whether
// the manager is one of its users.
const pushList = `
select candidates.customer_key, coalesce(candidates.name, ''), coalesce(candidates.phone, ''), coalesce(candidates.email, ''),
    coalesce(candidates.channel, ''), coalesce(candidates.offer, ''), coalesce(candidates.talking_points, ''), candidates.class, candidates.class_reasons,
    coalesce(candidates.p_return, nan), coalesce(candidates.p_return_n, 0),
    coalesce(candidates.manager_id, ''), coalesce(toString(candidates.due_date), ''),
    candidates.manager_id in (select manager_id from staging.stg_crm__managers where source = ?),
    records.ids
from mart.winback_candidates as candidates
left join (
    select customer_key, arraySort(groupUniqArray(entity_id)) as ids
    from staging.int_customer_keys
    where entity = 'crm.customers' and source = ?
    group by customer_key
) as records on records.customer_key = candidates.customer_key
where candidates.is_on_list and candidates.is_eligible
order by candidates.priority`

// readList reads the list, and says of whom no task can be written.
func (x *push) readList(ctx context.Context) error {
	rows, err := x.w.Query(ctx, pushList, x.options.To, x.options.To)
	if err != nil {
		return fmt.Errorf("read the list of candidates: %w", err)
	}
	defer rows.Close()
	for rows.Next() && (x.options.Limit == 0 || len(x.out.Tasks) < x.options.Limit) {
		var c listed
		err := rows.Scan(&c.customer, &c.name, &c.phone, &c.email, &c.channel, &c.offer, &c.points, &c.class, &c.reasons, &c.chance, &c.n, &c.manager, &c.due, &c.user, &c.records)
		if err != nil {
			return fmt.Errorf("read the list of candidates: %w", err)
		}
		due, err := x.dueAt(c.due)
		if err != nil {
			return err
		}
		x.out.Tasks = append(x.out.Tasks, c.task(x.options.To, x.out.List.Format(time.DateOnly), due))
	}
	return rows.Err()
}

// dueAt is the end of the hours in which customers are called on that day.
func (x *push) dueAt(day string) (time.Time, error) {
	_, until, _ := strings.Cut(x.project.Config.Winback.CallHours, "-")
	at, err := time.ParseInLocation("2006-01-02 15:04", day+" "+until, x.project.Config.Location)
	if err != nil {
		return at, fmt.Errorf("read the day %q of the list: %w", day, err)
	}
	return at, nil
}

// recallBooks finds the tasks that were noted.
func (x *push) recallBooks(ctx context.Context) error {
	noted, err := x.book.TasksSince(ctx, x.options.To, x.recent())
	if err != nil {
		return err
	}
	byCustomer := map[string]ledger.Task{}
	for _, t := range noted {
		byCustomer[t.Customer] = t
		for _, record := range t.Records {
			byCustomer["record "+record] = t
		}
	}
	for i := range x.out.Tasks {
		t := &x.out.Tasks[i]
		keys := []string{t.Customer}
		for _, record := range t.task.Records {
			keys = append(keys, "record "+record)
		}
		for _, key := range keys {
			if have, ok := byCustomer[key]; ok && t.State == PushDue {
				t.there(have.ID, have.List)
			}
		}
	}
	return nil
}

// recent is the first day of lists whose tasks are still to be worked on.
func (x *push) recent() time.Time {
	return x.out.List.AddDate(0, 0, min(0, 1-x.project.Config.Winback.ContactPause))
}

// recallSystem finds the tasks that were written and not noted, and notes them.
func (x *push) recallSystem(ctx context.Context) error {
	at := map[string]*PushedTask{}
	var records []string
	for i := range x.out.Tasks {
		if t := &x.out.Tasks[i]; t.State == PushDue {
			for _, record := range t.task.Records {
				at[record] = t
				records = append(records, record)
			}
		}
	}
	if len(records) == 0 {
		return nil
	}
	found, err := x.sink.WrittenTasks(ctx, records)
	if err != nil {
		return err
	}
	var notes []ledger.Task
	for _, f := range found {
		list, err := time.Parse(time.DateOnly, f.Mark.List)
		if err != nil || list.Before(x.recent()) {
			continue
		}
		for _, record := range f.Records {
			if t := at[record]; t != nil && t.State == PushDue {
				t.there(f.ID, list)
				notes = append(notes, x.note(t, f.ID, list))
			}
		}
	}
	if !x.options.Send {
		return nil
	}
	return x.book.WriteTasks(ctx, notes)
}

func (t *PushedTask) there(id string, list time.Time) {
	t.State, t.Task, t.Note = PushThere, id, "has a task of the list of "+list.Format(time.DateOnly)
}

// send writes what is due, and notes each answer before the next request.
func (x *push) send(ctx context.Context) error {
	at := map[connectors.TaskMark]*PushedTask{}
	var due []connectors.Task
	for i := range x.out.Tasks {
		if t := &x.out.Tasks[i]; t.State == PushDue {
			at[t.task.Mark] = t
			due = append(due, t.task)
		}
	}
	err := x.sink.WriteTasks(ctx, due, func(outcomes []connectors.TaskOutcome) error {
		var notes []ledger.Task
		for _, o := range outcomes {
			t := at[o.Task.Mark]
			if o.Err != nil {
				t.State, t.Note = PushFailed, o.Err.Error()
				continue
			}
			t.State, t.Task = PushWritten, o.ID
			notes = append(notes, x.note(t, o.ID, x.out.List))
		}
		// What was written is noted also when everything is to end.
		return x.book.WriteTasks(context.WithoutCancel(ctx), notes)
	})
	if err != nil {
		return fmt.Errorf("%d of %d tasks were written (the same command goes on with the others): %w", x.out.Count(PushWritten), len(due), err)
	}
	return nil
}

func (x *push) note(t *PushedTask, id string, list time.Time) ledger.Task {
	return ledger.Task{Source: x.options.To, Customer: t.Customer, List: list, ID: id, Manager: t.Manager, Due: t.Due, Records: slices.Clone(t.task.Records), WrittenAt: x.project.now()}
}

// listed is a row of the call list.
type listed struct {
	customer, name, phone, email, channel, offer, points, class, reasons, manager, due string
	chance                                                                             float64
	n                                                                                  uint64
	user                                                                               bool
	records                                                                            []string
}

// task is what the manager will see.
func (c *listed) task(system, list string, due time.Time) PushedTask {
	t := PushedTask{Customer: c.customer, Name: cmp.Or(c.name, c.email, c.phone, c.customer), Manager: c.manager, Due: c.due, State: PushDue}
	switch {
	case len(c.records) == 0:
		t.State, t.Note = PushSkipped, "has no record in "+system
	case c.manager == "":
		t.State, t.Note = PushSkipped, "nobody is to do it: there are no managers"
	case !c.user:
		t.State, t.Note = PushSkipped, fmt.Sprintf("manager %s is no user of %s", c.manager, system)
	}
	lines := []string{c.points}
	var reach []string
	for _, way := range []string{c.phone, c.email} {
		if way != "" {
			reach = append(reach, way)
		}
	}
	lines = append(lines, fmt.Sprintf("By %s (%s). Offer: %s.", cmp.Or(c.channel, "any channel"), strings.Join(reach, ", "), cmp.Or(c.offer, "none")),
		fmt.Sprintf("Class %s: %s.", c.class, c.reasons))
	if c.n > 0 && c.chance == c.chance {
		lines = append(lines, fmt.Sprintf("Of %d similar customers %.0f %% returned.", c.n, 100*c.chance))
	}
	t.task = connectors.Task{
		Mark: connectors.TaskMark{List: list, Customer: c.customer}, Records: c.records, Manager: c.manager, Due: due,
		Title: "Win back: " + t.Name, Text: strings.Join(lines, "\n"),
	}
	return t
}
