// Package demo makes a believable company out of a seed: a mail-order firm that
// sells coffee, tea and office goods to private persons, small firms and
// wholesale buyers. It writes the company's exports as files, in the forms of real
// systems and with their dirt, and beside them the truth they were made from:
//
//   - the shop: orders as WooCommerce's REST interface gives them, accounts, goods,
//     carts and reminders, and the accountant's list of refunds;
//   - the CRM: customers and what they say, deals with their history as Bitrix24's
//     interface gives them, complaints, surveys, managers, invoices, plans, campaigns;
//   - telephones: the logs of an Asterisk exchange, and a service line's program.
//
// Customers' lives come first (life.go): what they order, what goes wrong, what
// drives them away and what brings them back. All records are drawn from a life and
// from streams of random numbers of their own, so that nothing is kept in memory,
// and what the records show has happened for a reason that the truth names.
//
// The same options give the same bytes. A later End with the same first month
// continues the same history, as the next day's export would.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Limits of what Generate makes.
const (
	MaxCustomers = 5_000_000
	MaxMonths    = 240
)

// Timezone and Currency are those of the company. All times in its files are
// wall-clock times of the zone.
const (
	Timezone = "Europe/Riga"
	Currency = "EUR"
)

// Options say how large a company to make, and where.
type Options struct {
	// Customers is the number of people and firms that have come by the end of
	// the last full month; those of the days after it are on top.
	Customers int
	// Months is the number of full months of history; the days of a month that
	// End cuts off are on top.
	Months int
	// Seed chooses one of the possible companies.
	Seed uint64
	// End is the last day with data; only its calendar date counts.
	End time.Time
	// Dir receives data/, truth.json and truth_links.csv.gz.
	Dir string
	// Progress, if set, is told now and then how far the work is.
	Progress func(Progress)
}

// Progress says how far Generate is.
type Progress struct {
	Stage string // customers, orders
	Done  int64  // of the stage's own unit
	Total int64
}

// ErrBusy says that another Generate is writing to the same folder.
var ErrBusy = errors.New("another demo is being written to this folder")

// OtherCompanyError says that a folder holds a company made with other options.
type OtherCompanyError struct {
	Dir   string
	There Truth // the company in the folder
}

func (e *OtherCompanyError) Error() string {
	return fmt.Sprintf("%s holds another company (%d customers, %d months, seed %d)", e.Dir, e.There.Customers, e.There.Months, e.There.Seed)
}

// Hint names the ways out.
func (e *OtherCompanyError) Hint() string {
	return "name another folder with --dir, or delete this one"
}

// Resume returns the options for a folder that may hold a demo already. An empty
// folder takes the options as they are. The same company keeps its own End, so
// that making it again on another day changes nothing. Another company is an
// *OtherCompanyError: a warehouse that has read one would mix it with the next.
func Resume(o Options) (Options, error) {
	there, err := ReadTruth(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return o, err
	}
	if there.Customers != o.Customers || there.Months != o.Months || there.Seed != o.Seed {
		return o, &OtherCompanyError{Dir: o.Dir, There: there}
	}
	end, err := time.Parse(time.DateOnly, there.End)
	if err != nil {
		return o, fmt.Errorf("read %s: end of the history: %w", filepath.Join(o.Dir, TruthFile), err)
	}
	o.End = end
	return o, nil
}

// DefaultOptions returns the size of company that is made when nothing is said:
// 5,000 customers over 24 months, up to the given day.
func DefaultOptions(dir string, end time.Time) Options {
	return Options{Customers: 5_000, Months: 24, Seed: 1, End: end, Dir: dir}
}

// Validate says what is wrong with the options, or returns nil.
func (o Options) Validate() error {
	var problems []error
	if o.Customers < 1 || o.Customers > MaxCustomers {
		problems = append(problems, fmt.Errorf("customers: %d is not between 1 and %d", o.Customers, MaxCustomers))
	}
	if o.Months < 1 || o.Months > MaxMonths {
		problems = append(problems, fmt.Errorf("months: %d is not between 1 and %d", o.Months, MaxMonths))
	}
	if o.End.IsZero() {
		problems = append(problems, errors.New("end: the last day with data is missing"))
	}
	if o.Dir == "" {
		problems = append(problems, errors.New("dir: the folder to write to is missing"))
	}
	return errors.Join(problems...)
}

// Start returns the first day of the history: the first of the month that lies
// Months full months back.
func (o Options) Start() time.Time {
	after := dateOnly(o.End).AddDate(0, 0, 1)
	return time.Date(after.Year(), after.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -o.Months, 0)
}

func dateOnly(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Generate writes the company's files under Dir and returns the truth about it.
// Files appear complete or not at all: they are built in a hidden folder of Dir
// and renamed at the end, truth.json last, and a file whose content is already
// there stays untouched. Files of an earlier Generate that no longer belong are
// removed if nobody changed them since; other files are never touched.
// A cancelled context leaves Dir as it was.
func Generate(ctx context.Context, o Options) (Truth, error) {
	if err := o.Validate(); err != nil {
		return Truth{}, fmt.Errorf("demo company: %w", err)
	}
	hidden := filepath.Join(o.Dir, ".demo")
	if err := os.MkdirAll(hidden, 0o755); err != nil {
		return Truth{}, fmt.Errorf("make the demo's folder: %w", err)
	}
	lock := flock.New(filepath.Join(hidden, "lock"))
	held, err := lock.TryLock()
	if err != nil {
		return Truth{}, fmt.Errorf("lock %s: %w", o.Dir, err)
	}
	if !held {
		return Truth{}, fmt.Errorf("write demo to %s: %w", o.Dir, ErrBusy)
	}
	defer lock.Unlock()
	build := filepath.Join(hidden, "build")
	// A killed process may have left its half-built files.
	if err := os.RemoveAll(build); err != nil {
		return Truth{}, fmt.Errorf("clear %s: %w", build, err)
	}
	defer os.RemoveAll(build)
	truth, err := write(ctx, o, build)
	if err != nil {
		return Truth{}, fmt.Errorf("write demo to %s: %w", o.Dir, err)
	}
	if err := publish(o.Dir, build, truth); err != nil {
		return Truth{}, fmt.Errorf("write demo to %s: %w", o.Dir, err)
	}
	return truth, nil
}

// write makes every file in the folder build.
func write(ctx context.Context, o Options, build string) (Truth, error) {
	if err := os.MkdirAll(filepath.Join(build, dataDir, "pbx"), 0o755); err != nil {
		return Truth{}, err
	}
	w := newWorld(o)
	files := &fileSet{dir: build}
	truth, err := writeCompany(ctx, w, files, o.Progress)
	if err != nil {
		return Truth{}, errors.Join(err, files.abandon())
	}
	truth.Files = files.finished
	return truth, truth.save(filepath.Join(build, TruthFile))
}

func writeCompany(ctx context.Context, w *world, files *fileSet, progress func(Progress)) (Truth, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	if err := writeSmallFiles(w, files); err != nil {
		return Truth{}, err
	}
	events, err := newSpill(files.path(".events"), w.days())
	if err != nil {
		return Truth{}, err
	}
	defer events.close()
	count := newTally(w)
	if err := writeCustomers(ctx, w, files, events, count, progress); err != nil {
		return Truth{}, err
	}
	if err := writeOrders(ctx, w, files, events, count, progress); err != nil {
		return Truth{}, err
	}
	return count.truth(), nil
}
