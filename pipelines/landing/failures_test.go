package landing_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// failRun extracts a dataset of which nothing fits.
func failRun(ctx context.Context, z *landing.Zone, run, name string) error {
	w, err := z.Begin(ctx, landing.RunInfo{RunID: run, Source: "shop", ExtractedAt: began}, dataset(name, orders), landing.Options{RejectLimit: entity.Some(0.05)})
	if err != nil {
		return err
	}
	if err := w.Reject(ctx, connectors.Reject{Entity: orders, Line: 1, Reason: "no id"}); err != nil {
		return errors.Join(err, w.Abort())
	}
	_, err = w.Commit(ctx, []byte(`1`))
	return err
}

// A dataset that is over its limit at every run leaves its last failures and no more.
func TestFailures_LastOnesStay(t *testing.T) {
	root := t.TempDir()
	z := landing.Open(root)
	if err := failRun(t.Context(), z, "r00", "others"); !errors.Is(err, landing.ErrTooManyRejects) {
		t.Fatal(err)
	}
	for run := range landing.KeptFailures + 3 {
		if err := failRun(t.Context(), z, fmt.Sprintf("r%02d", run), "orders"); !errors.Is(err, landing.ErrTooManyRejects) {
			t.Fatal(err)
		}
	}
	want := []string{"shop/_failed/r00.others.json", "shop/_quarantine/run=r00/others-00001.parquet"}
	for run := 3; run < landing.KeptFailures+3; run++ {
		want = append(want, fmt.Sprintf("shop/_failed/r%02d.orders.json", run), fmt.Sprintf("shop/_quarantine/run=r%02d/orders-00001.parquet", run))
	}
	equal(t, "files", tree(t, root), sortedStrings(want))
}

// TestFailures_Crash kills the process at every operation of a failing run that
// removes an older failure.
func TestFailures_Crash(t *testing.T) {
	before := t.TempDir()
	for run := range landing.KeptFailures {
		if err := failRun(t.Context(), landing.Open(before), fmt.Sprint("r", run), "orders"); !errors.Is(err, landing.ErrTooManyRejects) {
			t.Fatal(err)
		}
	}
	for at := 1; ; at++ {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		d := &landing.Disk{FailAt: at, Err: landing.ErrCrash, Crashes: true}
		if err := failRun(t.Context(), landing.OpenOn(root, d), "r9", "orders"); err == nil {
			t.Fatal("it has too many records that do not fit, and says nothing")
		}
		z := landing.Open(root)
		if _, err := z.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		failures, err := z.Failures("shop")
		if err != nil || len(failures) < landing.KeptFailures {
			t.Fatalf("operation %d: %d failures, %v", at, len(failures), err)
		}
		named := []string{}
		for _, m := range failures {
			named = append(named, fmt.Sprintf("shop/_failed/%s.orders.json", m.RunID))
			for _, q := range m.Quarantine {
				named = append(named, q.Path)
			}
		}
		equal(t, fmt.Sprintf("operation %d: files", at), tree(t, root), sortedStrings(named))
		if d.Done < at {
			return
		}
	}
}
