package progress_test

import (
	"testing"
	"time"

	"winback/pipelines/progress"
)

// What a run does is read by others while it goes on, and not after it has ended.
func TestRecorder(t *testing.T) {
	home := t.TempDir()
	now := time.Date(2026, 11, 22, 2, 15, 0, 0, time.UTC)
	r := progress.NewRecorder(home, "r1", func() time.Time { now = now.Add(time.Second); return now })
	expect := func(want string) {
		t.Helper()
		if err := r.Write(); err != nil {
			t.Fatal(err)
		}
		s, err := progress.Of(home, "r1")
		if err != nil || s == nil || s.String() != want {
			t.Errorf("it does %q, %v; want %q", s, err, want)
		}
	}
	if s, err := progress.Read(home); s != nil || err != nil {
		t.Errorf("before the run: %+v, %v", s, err)
	}
	r.Update(progress.Stage, "extract", nil)
	expect("extract")
	r.Update("extract", "shop.orders", func(a *progress.Activity) { a.Rows, a.Bytes = 1200, 4096 })
	r.Update("extract", "crm.deals", func(a *progress.Activity) { a.Rows, a.Done, a.Of = 10, 50, 200 })
	expect("extract shop.orders: 1200 rows so far, extract crm.deals: 10 rows so far, 25 %")
	r.End("extract", "shop.orders")
	expect("extract crm.deals: 10 rows so far, 25 %")
	r.End("extract", "")
	r.End(progress.Stage, "")
	r.Update(progress.Stage, "models", func(a *progress.Activity) { a.Done, a.Of = 3, 90 })
	r.Update("model", "mart.customers", nil)
	expect("models 3 of 90, model mart.customers")
	if s, err := progress.Of(home, "r2"); s != nil || err != nil {
		t.Errorf("another run: %+v, %v", s, err)
	}
	if err := r.Remove(); err != nil {
		t.Fatal(err)
	}
	if s, err := progress.Read(home); s != nil || err != nil {
		t.Errorf("after the run: %+v, %v", s, err)
	}
	if err := r.Remove(); err != nil {
		t.Error(err)
	}
}
