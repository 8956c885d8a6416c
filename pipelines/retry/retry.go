// Package retry tries the steps of a run again that failed for a reason that may
// pass by itself: a lost connection, a server that has too many, a lock. What would
// fail again in the same way, such as wrong SQL, is never tried again.
package retry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"winback/connectors"
)

// Policy says how often a step is tried again and how long is waited before. Its
// zero value tries nothing again.
type Policy struct {
	// Retries is how often a step is tried again.
	Retries int
	// After is how long is waited before the first retry; each further wait is twice as
	// long, up to Longest. Up to half of it is added, at random, so that what failed
	// together does not come back together.
	After time.Duration
	// Clock waits; nil for the machine's.
	Clock connectors.Clock
	// Chance returns a number from 0 to 1, without 1; nil for a random one.
	Chance func() float64
}

// Longest is the longest time between two tries, without what chance adds.
const Longest = 5 * time.Minute

// Failure is a try that failed for a passing reason, and after which another came.
type Failure struct {
	Try  int // from 1
	Err  error
	Wait time.Duration // before the next try
}

// String tells the failure in one line.
func (f Failure) String() string {
	return fmt.Sprintf("try %d failed and another comes in %s: %v", f.Try, f.Wait.Round(100*time.Millisecond), f.Err)
}

// Do does a step, and does it again as long as it fails for a reason that passes and
// tries are left. again is told of each failure after which there is another try,
// before the wait. The error is that of the last try, also when ctx ends meanwhile.
func (p Policy) Do(ctx context.Context, passing func(error) bool, again func(Failure), do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try > p.Retries || ctx.Err() != nil || !passing(err) {
			return err
		}
		wait := p.wait(try)
		again(Failure{Try: try, Err: err, Wait: wait})
		if p.clock().Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// wait is how long is waited after a try.
func (p Policy) wait(try int) time.Duration {
	wait := p.After
	for range try - 1 {
		if wait *= 2; wait >= Longest {
			wait = Longest
			break
		}
	}
	chance := p.Chance
	if chance == nil {
		chance = rand.Float64
	}
	return wait + time.Duration(chance()*float64(wait)/2)
}

func (p Policy) clock() connectors.Clock {
	if p.Clock == nil {
		return connectors.SystemClock{}
	}
	return p.Clock
}
