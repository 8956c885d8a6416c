package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurns(t *testing.T) {
	take := func(t *testing.T, turns *turns, ctx context.Context) func() {
		t.Helper()
		end, err := turns.take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	t.Run("those who come wait until somebody has ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			turns := newTurns(2, time.Hour)
			first := take(t, turns, t.Context())
			second := take(t, turns, t.Context())
			began := time.Now()
			time.AfterFunc(time.Minute, first)
			third := take(t, turns, t.Context())
			if waited := time.Since(began); waited != time.Minute {
				t.Errorf("the third waited %v, want a minute", waited)
			}
			second()
			third()
		})
	})
	t.Run("who takes long keeps nobody waiting for longer than a turn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			turns := newTurns(1, time.Second)
			long := take(t, turns, t.Context())
			began := time.Now()
			short := take(t, turns, t.Context())
			if waited := time.Since(began); waited != time.Second {
				t.Errorf("waited %v, want a second", waited)
			}
			long() // its place is another's now
			if len(turns.places) != 1 {
				t.Error("the end of a long statement took another's place away")
			}
			short()
			if len(turns.places) != 0 {
				t.Error("a place stayed taken")
			}
		})
	})
	t.Run("who goes away waits no more", func(t *testing.T) {
		turns := newTurns(1, time.Hour)
		defer take(t, turns, t.Context())()
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		if _, err := turns.take(ctx); !errors.Is(err, gone) {
			t.Errorf("got %v, want that the caller is gone", err)
		}
	})
}
