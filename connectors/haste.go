package connectors

import (
	"context"
	"time"
)

// Haste is how a person waits for an answer: not for long, and not in silence. A run
// has the patience that its sources are configured with.
type Haste struct {
	// Patience is how long to go on trying what fails.
	Patience time.Duration
	// Trying, if set, is told in a sentence why something is tried again. It may be
	// called from several goroutines.
	Trying func(text string)
}

type hasteKey struct{}

// InHaste returns a context in which sources do not wait for long.
func InHaste(ctx context.Context, h Haste) context.Context {
	return context.WithValue(ctx, hasteKey{}, h)
}

// HasteOf says whether somebody waits for the answer.
func HasteOf(ctx context.Context) (h Haste, ok bool) {
	h, ok = ctx.Value(hasteKey{}).(Haste)
	return h, ok
}
