package engine

import (
	"context"
	"testing"
)

// A statement is replaced by one of the same user alone, whoever else chose its id.
func TestRunning_Replaces(t *testing.T) {
	r := newRunning(0)
	replace := map[string]string{"replace_running_query": "1"}
	mine, end, err := r.begin(t.Context(), &request{id: "report", user: "ann", settings: replace})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.begin(t.Context(), &request{id: "report", user: "bob", settings: replace}); err == nil || mine.Err() != nil {
		t.Errorf("another user's: %v, and hers %v", err, mine.Err())
	}
	context.AfterFunc(mine, end)
	_, again, err := r.begin(t.Context(), &request{id: "report", user: "ann", settings: replace})
	if err != nil || mine.Err() == nil {
		t.Fatalf("her own: %v", err)
	}
	again()
}
