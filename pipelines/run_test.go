package pipelines

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"winback/pipelines/ledger"
	"winback/pipelines/load"
	"winback/pipelines/warehouse"
)

func TestRun_State(t *testing.T) {
	steps := func(states ...ledger.State) (list []ledger.Step) {
		for _, s := range states {
			list = append(list, ledger.Step{State: s})
		}
		return list
	}
	for _, c := range []struct {
		name  string
		steps []ledger.Step
		err   error
		want  ledger.State
	}{
		{"nothing to do", nil, nil, ledger.Done},
		{"all done", steps(ledger.Done, ledger.Done), nil, ledger.Done},
		{"one source fails, another is read", steps(ledger.Failed, ledger.Done), nil, ledger.Partly},
		{"a model fails and its children are skipped", steps(ledger.Done, ledger.Failed, ledger.Skipped), nil, ledger.Partly},
		{"nothing works", steps(ledger.Failed, ledger.Skipped), nil, ledger.Failed},
		{"the pass breaks off", steps(ledger.Done), errors.New("the warehouse is gone"), ledger.Failed},
		{"somebody stops it", steps(ledger.Done), context.Canceled, ledger.Interrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &run{steps: c.steps, summary: Summary{Models: ModelSummary{Unchanged: 5}}}
			if got := r.state(c.err); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A model that reads an entity whose load failed would look whole and be
// computed from a part of the data.
func TestRun_PartitionHoldsBackWhatReadsHalfLoadedData(t *testing.T) {
	models, err := LoadModels()
	if err != nil {
		t.Fatal(err)
	}
	all := models.Models()
	r := &run{Project: &Project{Models: models}, unloaded: map[string]bool{}}
	if ready, held := r.partition(all); len(ready) != len(all) || len(held) != 0 {
		t.Errorf("with everything loaded %q are held back", held)
	}
	r.unloaded["shop.order_lines"] = true
	ready, held := r.partition(all)
	for name, wantHeld := range map[string]bool{
		"stg_shop__order_lines": true, "churn_monthly": true, "stg_shop__customers": false, "stg_crm__customers": false,
	} {
		if slices.Contains(held, name) != wantHeld || slices.Contains(ready, name) == wantHeld {
			t.Errorf("%s: held back %v, want %v", name, !wantHeld, wantHeld)
		}
	}
}

func TestSummarizeLoads_CountsQuarantineApart(t *testing.T) {
	file := func(table string, rows int64) load.File {
		return load.File{Table: table, Load: ledger.Load{Rows: rows, Bytes: 10 * rows}}
	}
	got := summarizeLoads([]load.File{file("raw.shop_orders", 5), file("raw.shop_orders", 2), file("raw.shop_order_lines", 9), file(quarantineTable, 3)})
	if want := (LoadSummary{Files: 3, Rows: 16, Bytes: 160, Tables: 2, Quarantined: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLockRun(t *testing.T) {
	home := filepath.Join(t.TempDir(), "new")
	first, err := lockRun(t.Context(), home, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockRun(t.Context(), home, 0)
	var held *warehouse.HeldError
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
		t.Fatalf("a second run got %v, want the holder named", err)
	}
	if _, err := lockRun(t.Context(), home, 150*time.Millisecond); !errors.As(err, &held) {
		t.Errorf("after waiting it got %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := lockRun(stopped, home, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped wait ends with %v", err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = first.release() })
	second, err := lockRun(t.Context(), home, 10*time.Second)
	if err != nil {
		t.Fatalf("after the first run ended: %v", err)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
}

func TestRunOptions_Command(t *testing.T) {
	o := RunOptions{Only: []string{"source:shop", "customers+"}, Full: true}
	if got, want := o.command(), "run --full --only source:shop --only customers+"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
