package status

import (
	"path/filepath"
	"testing"
)

// A counter goes on when the books forget, and after a restart.
func TestRising(t *testing.T) {
	file := filepath.Join(t.TempDir(), "metrics.json")
	r := newRising(file)
	step := func(about string, sum, want float64) {
		t.Helper()
		if got := r.of(sum, "runs_total", "nightly", "done"); got != want {
			t.Errorf("%s: %v, want %v", about, got, want)
		}
		if err := r.save(); err != nil {
			t.Fatal(err)
		}
	}
	step("at first", 1000, 1000)
	step("a run more", 1001, 1001)
	step("the books forget 50", 951, 1001)
	step("a run more", 952, 1002)
	r = newRising(file)
	step("after a restart", 952, 1002)
	if got := r.of(7, "runs_total", "nightly", "failed"); got != 7 {
		t.Errorf("another series: %v", got)
	}
}
