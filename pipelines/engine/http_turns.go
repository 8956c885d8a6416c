package engine

import (
	"context"
	"sync"
	"time"
)

// turns let few statements begin at once, in the order they came: the questions of
// a dashboard's panels, which come all together, are answered one after another
// instead of all at the end, and a run that works beside them is not one of dozens
// who share the processors. Whoever takes longer than a turn goes on, but no longer
// keeps others waiting.
type turns struct {
	places chan struct{}
	length time.Duration
}

// turnLength is longer than almost all questions of a dashboard take.
const turnLength = time.Second

func newTurns(places int, length time.Duration) *turns {
	return &turns{places: make(chan struct{}, places), length: length}
}

// take waits for a turn. What it returns ends it.
func (t *turns) take(ctx context.Context) (end func(), err error) {
	select {
	case t.places <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	leave := sync.OnceFunc(func() { <-t.places })
	over := time.AfterFunc(t.length, leave)
	return func() { over.Stop(); leave() }, nil
}
