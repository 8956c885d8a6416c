package engine

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A statement over a user's number waits for a place, and is refused when none
// comes free; nothing is remembered of a user who has none under way.
func TestRunning_PlacesOfAUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRunning(0)
		leave, err := r.enter(t.Context(), "anna", 1)
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		_, err = r.enter(t.Context(), "anna", 1)
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeTooMany || status(err) != http.StatusTooManyRequests || time.Since(started) != placeWait {
			t.Errorf("after %v: %v, status %d", time.Since(started), err, status(err))
		}
		if other, err := r.enter(t.Context(), "tom", 1); err != nil {
			t.Errorf("another user: %v", err)
		} else {
			other()
		}
		time.AfterFunc(time.Second, leave)
		started = time.Now()
		if leave, err = r.enter(t.Context(), "anna", 1); err != nil || time.Since(started) != time.Second {
			t.Errorf("a place that came free after %v: %v", time.Since(started), err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.enter(gone, "anna", 1); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who went away: %v", err)
		}
		leave()
		if len(r.byUser) != 0 {
			t.Errorf("%d users are remembered", len(r.byUser))
		}
	})
}
