package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// system is a made-up system with orders, which are read in slices of some ids.
// It is a source that can do all that a source may.
type system struct {
	mu        sync.Mutex
	orders    map[int]order
	slice     int // ids that a slice spans
	counts    int // records it says it has beyond those it gives
	stuck     bool
	whole     bool          // everything is given at every reading, and nothing remembered
	fails     map[int]error // by the first id of a slice
	down      error
	notice    string
	asked     []string // what it was asked for
	keys      error    // of listing the keys
	sweep     time.Duration
	leavesOut bool
	names     []string // of its datasets; orders, if none
	halfway   func()   // called in the midst of each slice
}

type order struct {
	changed time.Time
	status  string
}

var (
	_ connectors.Backfiller = (*system)(nil)
	_ connectors.Sweeper    = (*system)(nil)
)

func (s *system) Datasets() []connectors.Dataset {
	names := s.names
	if names == nil {
		names = []string{"orders"}
	}
	var list []connectors.Dataset
	for _, name := range names {
		list = append(list, connectors.Dataset{Name: name, Entities: []*entity.Schema{entity.Of[entity.Order]()}})
	}
	return list
}

func (s *system) Backfills(dataset string) bool { return dataset == "orders" }

func (s *system) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := 0
	if n := len(req.Cursors); n > 0 && !s.whole {
		from, _ = strconv.Atoi(string(req.Cursors[n-1]))
	}
	question := fmt.Sprintf("%s from %d", req.Dataset, from)
	if req.Range != nil {
		question += fmt.Sprintf(", %s to %s", req.Range.From.Format(time.DateOnly), req.Range.Until.Format(time.DateOnly))
	}
	s.asked = append(s.asked, question)
	if s.down != nil {
		return connectors.Extracted{}, refusal{s.down}
	}
	if s.notice != "" {
		req.Tell(connectors.Notice{Kind: connectors.NoticeDrift, Text: s.notice})
	}
	until := from + s.slice
	batch, read := sink.NewBatch(entity.Of[entity.Order]()), 0
	last := 0
	for id := range s.orders {
		last = max(last, id)
	}
	for id := from; id < until; id++ {
		o, ok := s.orders[id]
		if !ok || req.Range != nil && (o.changed.Before(req.Range.From) || !o.changed.Before(req.Range.Until)) {
			continue
		}
		read++
		if o.status == "broken" {
			if err := sink.Reject(ctx, connectors.Reject{Entity: entity.Of[entity.Order](), Input: "orders", Line: int64(id), Reason: "it is broken"}); err != nil {
				return connectors.Extracted{}, err
			}
			continue
		}
		row := entity.Order{ID: strconv.Itoa(id), CustomerID: "c" + strconv.Itoa(id), OrderedAt: entity.Some(entity.TimeOf(o.changed)), Status: o.status, Email: "a@example.com", Currency: "EUR"}
		if err := entity.Append(batch, &row, entity.Origin{}); err != nil {
			return connectors.Extracted{}, err
		}
	}
	if s.halfway != nil {
		s.halfway()
	}
	if err := errors.Join(ctx.Err(), s.fails[from]); err != nil {
		return connectors.Extracted{}, err
	}
	sink.Count(entity.Of[entity.Order](), connectors.Counts{Read: int64(read), Expected: int64(read + s.counts)})
	cursor := json.RawMessage(strconv.Itoa(min(until, last+1)))
	if s.stuck {
		cursor = json.RawMessage("0")
	}
	if s.whole {
		cursor = nil
	}
	return connectors.Extracted{Cursor: cursor, More: until <= last || s.stuck}, sink.Write(ctx, batch)
}

func (s *system) LeavesOut() bool { return s.leavesOut }

func (s *system) Sweeps(string) ([]*entity.Schema, time.Duration) {
	return []*entity.Schema{entity.Of[entity.Order]()}, s.sweep
}

func (s *system) Sweep(_ context.Context, _ string, _ *entity.Schema, has func(...string)) error {
	s.asked = append(s.asked, "keys")
	for id := range s.orders {
		has(strconv.Itoa(id))
	}
	return s.keys
}

// refusal is an error of a system that does not let anybody in.
type refusal struct{ error }

func (refusal) Is(target error) bool { return target == connectors.ErrRefused }

// filled is a system with n orders, an hour after each other.
func filled(n, slice int) *system {
	s := &system{orders: map[int]order{}, slice: slice, fails: map[int]error{}}
	for id := range n {
		s.orders[id] = order{changed: time.Date(2026, 1, 1, id, 0, 0, 0, time.UTC), status: "completed"}
	}
	return s
}

// questions returns what the system was asked since the last time.
func (s *system) questions() string {
	text := strings.Join(s.asked, "; ")
	s.asked = nil
	return text
}

// connect opens a project with these sources.
func (b *bench) connect(sources map[string]connectors.Source, settings ...string) {
	b.Helper()
	text := fmt.Sprintf("project: acme\ntimezone: UTC\nas_of: 2026-02-28\ncurrency: EUR\nwarehouse: {url: %q}\nsources:\n", b.server+"/default")
	for _, name := range []string{"shop", "crm", "calls"} {
		if sources[name] != nil {
			text += fmt.Sprintf("  %s:\n    connector: system\n%s", name, strings.Join(settings, ""))
		}
	}
	b.write("winback.yaml", text)
	registry, err := connectors.NewRegistry(&connectors.Connector{
		Name: "system", NewConfig: func() any { return &struct{}{} },
		Open: func(_ any, env connectors.Env) (connectors.Source, error) { return sources[env.Name], nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.project, err = Open(OpenOptions{
		Config: filepath.Join(b.dir, "winback.yaml"), Registry: registry, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time {
			clock.Lock()
			defer clock.Unlock()
			b.now = b.now.Add(time.Second)
			return b.now
		},
	})
	if err != nil {
		b.Fatal(err)
	}
}

var clock sync.Mutex // sources side by side ask for the time

// pass runs the project, with few models.
func (b *bench) pass(o RunOptions) Summary {
	b.Helper()
	if o.Only == nil {
		for _, name := range b.project.SourceNames() {
			o.Only = append(o.Only, "source:"+name)
		}
	}
	o.Only = append(o.Only, few...)
	s, err := b.project.Run(b.Context(), o)
	if err != nil {
		b.Fatal(err, s.Problems)
	}
	return s
}

// newReader is a bench without a warehouse, for what happens before one is needed.
func newReader(t *testing.T) *bench {
	return &bench{T: t, dir: t.TempDir(), server: "http://127.0.0.1:1", now: time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)}
}

// read reads the sources of the project into its landing zone.
func (b *bench) read(o RunOptions) Summary {
	b.Helper()
	s, err := b.tryRead(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bench) tryRead(ctx context.Context, o RunOptions) (Summary, error) {
	r := b.project.newRun(o, selection{extract: true})
	err := r.extract(ctx)
	r.summary.State = r.state(err)
	return r.summary, err
}

// live is how many orders of the shop are landed and not deleted.
func (b *bench) live(want int64) {
	b.Helper()
	keys, err := b.project.Zone.LandedKeys(b.Context(), "shop", "orders", entity.Of[entity.Order]())
	if err != nil {
		b.Fatal(err)
	}
	if keys.Live() != want {
		b.Errorf("%d orders are live, want %d", keys.Live(), want)
	}
}

// told says that the problems of a run are these, as far as they are given.
func told(t *testing.T, s Summary, want ...string) {
	t.Helper()
	if len(s.Problems) != len(want) {
		t.Fatalf("problems %q, want %d", s.Problems, len(want))
	}
	for i := range want {
		if !strings.Contains(s.Problems[i], want[i]) {
			t.Errorf("problem %q does not say %q", s.Problems[i], want[i])
		}
	}
}
