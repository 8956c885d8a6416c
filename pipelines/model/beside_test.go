package model_test

import (
	"testing"
	"time"

	"winback/pipelines/model"
)

// Who reads a table for long keeps no run waiting that puts another in its place, and
// reads on; what was replaced goes when nobody reads it any more.
func TestRunner_Run_BesideAReader(t *testing.T) {
	shop, conn := files(t, "shop.txtar"), warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	type read struct {
		rows uint64
		err  error
	}
	reads := make(chan read, 1)
	go func() {
		var r read
		r.err = conn.QueryRow(t.Context(), "select count() from mart.customers where sleepEachRow(2) = 0 settings max_block_size = 1, function_sleep_max_microseconds_per_block = 0").Scan(&r.rows)
		reads <- r
	}()
	for deadline := time.Now().Add(20 * time.Second); ; {
		var running uint64
		if err := conn.QueryRow(t.Context(), "select count() from system.processes where query like '%sleepEachRow(2)%' and query not like '%processes%' and elapsed > 0.1").Scan(&running); err != nil || time.Now().After(deadline) {
			t.Fatal("nobody reads: ", err)
		}
		if running > 0 {
			break
		}
	}
	_, kinds := runModels(t, conn, shop, model.RunnerOptions{Full: true})
	wantKinds(t, kinds, all("built"))
	select {
	case r := <-reads:
		t.Fatalf("the run waited for the reader, who saw %d rows: %v", r.rows, r.err)
	default:
	}
	if r := <-reads; r.err != nil || r.rows != 2 {
		t.Errorf("the reader saw %d rows: %v", r.rows, r.err)
	}
}
