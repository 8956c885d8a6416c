package pipelines

import (
	"errors"
	"testing"
	"time"

	"winback/connectors"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
)

const (
	liveOrders    = "select toString(count()) from raw.shop_orders final where not deleted"
	deletedOrders = "select concat(id, ' ', ifNull(customer_id, 'null'), ' ', ifNull(email, 'null'), ' ', status) from raw.shop_orders final where deleted order by id"
)

// swept is a project whose one source was read, and is to be swept at every run.
func swept(t *testing.T, s *system) *bench {
	b := newReader(t)
	s.sweep = time.Nanosecond
	b.connect(map[string]connectors.Source{"shop": s})
	told(t, b.read(RunOptions{}))
	s.questions()
	return b
}

func TestSweep_MarksWhatTheSourceHasNoMore(t *testing.T) {
	s := filled(95, 50)
	b := newBench(t)
	s.sweep = time.Nanosecond
	b.connect(map[string]connectors.Source{"shop": s})
	told(t, b.pass(RunOptions{}))
	delete(s.orders, 7)
	delete(s.orders, 71)
	summary := b.pass(RunOptions{})
	told(t, summary)
	if got := summary.Datasets[0].Entities; len(got) != 1 || got[0].Deleted != 2 || got[0].Landed != 0 || summary.NothingNew() {
		t.Errorf("got %+v", got)
	}
	b.expect("live", liveOrders, "93")
	b.expect("deleted ones, without personal data", deletedOrders, "7 c7 null completed", "71 c71 null completed")
	b.expect("models", stagedIDs, "93")
	b.expect("the books", "select concat(kind, ' ', name, ' ', toString(rows)) from ops.steps where kind = 'sweep' order by started_at desc limit 1", "sweep shop.orders 2")

	t.Log("what is back is live again; deletions last through a compaction and a new warehouse")
	s.orders[95] = order{changed: s.orders[1].changed, status: "completed"}
	s.orders[7] = s.orders[95]
	told(t, b.pass(RunOptions{Full: true}))
	b.expect("live", liveOrders, "95")
	b.expect("deleted", deletedOrders, "71 c71 null completed")
	if _, err := b.project.Zone.Compact(t.Context(), "shop", landing.CompactOptions{Whole: true}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"raw.shop_orders", "ops.loads"} {
		if err := b.w.Exec(t.Context(), "truncate table "+table); err != nil {
			t.Fatal(err)
		}
	}
	told(t, b.pass(RunOptions{}))
	b.expect("live", liveOrders, "95")
	b.expect("deleted", deletedOrders, "71 c71 null completed")
}

func TestSweep_OnlyWhenItIsDue(t *testing.T) {
	s := filled(5, 50)
	b := newReader(t)
	s.sweep = 24 * time.Hour
	b.connect(map[string]connectors.Source{"shop": s})
	for _, step := range []struct {
		later time.Duration
		want  string
	}{
		{0, "orders from 0"},
		{time.Hour, "orders from 5"},
		{24 * time.Hour, "orders from 5; keys"},
		{time.Hour, "orders from 5"},
		{24 * time.Hour, "orders from 5; keys"},
	} {
		b.now = b.now.Add(step.later)
		b.read(RunOptions{})
		if got := s.questions(); got != step.want {
			t.Errorf("%v later it was asked %q, want %q", step.later, got, step.want)
		}
	}
	if _, err := b.project.Zone.Compact(t.Context(), "shop", landing.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	b.read(RunOptions{})
	if got := s.questions(); got != "orders from 5" {
		t.Errorf("after a compaction it was asked %q", got)
	}
}

func TestSweep_TooManyAreNotBelieved(t *testing.T) {
	s := filled(95, 50)
	b := swept(t, s)
	for id := range 25 {
		delete(s.orders, id)
	}
	told(t, b.read(RunOptions{}), "the source has 25 of the 95 records of shop.orders no more (26 %), more than the limit of 20%: none was marked as deleted")
	b.live(95)

	b.connect(map[string]connectors.Source{"shop": s}, "    deletions: {limit: 30%}\n")
	told(t, b.read(RunOptions{}))
	b.live(70)

	t.Log("of few records any share may go")
	for id := range 84 {
		delete(s.orders, id)
	}
	b.connect(map[string]connectors.Source{"shop": s}, "    deletions: {from: 60}\n")
	told(t, b.read(RunOptions{}))
	b.live(11)
}

func TestSweep_AListThatBreaksOffMarksNothing(t *testing.T) {
	s := filled(5, 50)
	b := swept(t, s)
	delete(s.orders, 1)
	s.keys = errors.New("connection reset by peer")
	summary := b.read(RunOptions{})
	told(t, summary, "the keys that the source has could not be compared with those that were landed, and nothing was marked as deleted: connection reset by peer")
	if summary.State != ledger.Partly || summary.Datasets[0].State != ledger.Done {
		t.Errorf("the run is %s, the dataset %s", summary.State, summary.Datasets[0].State)
	}
	b.live(5)
	s.keys = nil
	told(t, b.read(RunOptions{}))
	b.live(4)
}

func TestSweep_RecordsThatWereNeverLandedAreTold(t *testing.T) {
	s := filled(50, 50)
	b := swept(t, s)
	for id := range 30 {
		s.orders[-1-id] = order{status: "completed"}
	}
	told(t, b.read(RunOptions{}), "the source has 30 records of shop.orders that were never landed")
	t.Log("a source that leaves old ones out has more than were landed")
	s.leavesOut = true
	told(t, b.read(RunOptions{}))
}
