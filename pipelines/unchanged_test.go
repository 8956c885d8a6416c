package pipelines

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"winback/connectors"
)

// stagedOrders are the orders that models see.
const stagedOrders = "select concat(order_id, ' ', ifNull(status, ''), ' ', formatDateTime(ordered_at, '%F', 'UTC')) as text from staging.stg_shop__orders order by toUInt32(order_id)"

// has are the orders of a system as stagedOrders tells them.
func (s *system) has() []string {
	var list []string
	for _, id := range slices.Sorted(maps.Keys(s.orders)) {
		list = append(list, fmt.Sprintf("%d %s %s", id, s.orders[id].status, s.orders[id].changed.Format(time.DateOnly)))
	}
	return list
}

// A source that gives everything at every reading costs what it has new: the others
// are neither landed, loaded nor built on, and the warehouse is as the source is.
func TestUnchanged_OnlyWhatIsNewGoesOn(t *testing.T) {
	b, s := newBench(t), filled(40, 1000)
	s.whole, s.sweep = true, time.Nanosecond
	b.connect(map[string]connectors.Source{"shop": s})
	b.pass(RunOptions{})

	summary := b.pass(RunOptions{})
	if got := summary.Datasets[0].Entities[0]; got.Read != 40 || got.Unchanged != 40 || got.Landed != 0 {
		t.Errorf("of what came again: %+v", got)
	}
	if !summary.NothingNew() || summary.Load.Files != 0 || summary.Models.Built != 0 || summary.Models.Unchanged != 1 {
		t.Errorf("nothing new led to %+v and %+v", summary.Load, summary.Models)
	}
	b.expect("the books", "select concat(toString(read), ' read, ', toString(landed), ' landed, ', toString(unchanged), ' unchanged') from ops.extractions order by started_at",
		"40 read, 40 landed, 0 unchanged", "40 read, 0 landed, 40 unchanged")

	r := rand.New(rand.NewPCG(1, 2))
	for day := range 4 {
		changed := s.live(r, day)
		summary := b.pass(RunOptions{})
		if got := summary.Load.Rows; got != changed {
			t.Errorf("day %d: %d rows were loaded, want %d", day+1, got, changed)
		}
		b.expect("rows that count as new", "select toString(count()) from raw.shop_orders where startsWith(run_id, '"+summary.RunID+"')", fmt.Sprint(changed))
		b.expect(fmt.Sprint("orders of day ", day+1), stagedOrders, s.has()...)
	}
	if _, err := b.project.Compact(t.Context(), CompactOptions{Whole: true}); err != nil {
		t.Fatal(err)
	}
	if got := b.pass(RunOptions{}); got.Load.Files != 0 || !got.NothingNew() {
		t.Errorf("after a compaction came %+v", got.Load)
	}
	if _, err := b.project.Rebuild(t.Context(), RebuildOptions{models: few}); err != nil {
		t.Fatal(err)
	}
	b.expect("orders rebuilt", stagedOrders, s.has()...)
	if got := b.pass(RunOptions{}); got.Load.Files != 0 || !got.NothingNew() {
		t.Errorf("after a rebuild came %+v", got.Load)
	}
}

// live has a day pass at the system: orders come, change, change back, go and return.
// It returns how many rows tell of it.
func (s *system) live(r *rand.Rand, day int) (changed int64) {
	before := maps.Clone(s.orders)
	for range 6 {
		id := r.IntN(50)
		switch o, there := s.orders[id]; {
		case !there:
			s.orders[id] = order{changed: time.Date(2026, 1, 1, id, 0, 0, 0, time.UTC), status: "completed"}
		case r.IntN(3) == 0:
			delete(s.orders, id)
		case o.status == "completed":
			s.orders[id] = order{changed: o.changed, status: "shipped"}
		default:
			s.orders[id] = order{changed: o.changed, status: "completed"}
		}
	}
	if day == 2 {
		s.orders[60] = order{changed: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), status: "placed"}
	}
	for id := range 61 {
		if was, is := before[id], s.orders[id]; was != is {
			changed++
		}
	}
	return changed
}
