package pipelines

import (
	"context"
	"fmt"
	"slices"

	"winback/pipelines/retry"
)

// stepName is how the books call a step.
type stepName struct{ kind, name string }

// trying does a step, or a part of one, and does it again after a while when it fails
// for a reason that passes. The failures after which it is tried again are told as
// they come, and with the step.
func (r *run) trying(ctx context.Context, step stepName, passing func(error) bool, do func() error) error {
	return r.retry.Do(ctx, passing, func(f retry.Failure) {
		r.mu.Lock()
		r.earlier[step] = append(slices.Clip(r.earlier[step]), f.Err.Error())
		r.mu.Unlock()
		r.o.Observer.Note(fmt.Sprintf("%s of %s: %s", step.kind, step.name, f))
	}, do)
}

// triedAgain says whether a step came to more than one try.
func (r *run) triedAgain(step stepName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.earlier[step]) > 0
}
