package shopify

import (
	"context"
	"sync"
	"time"

	"winback/connectors"
)

// cost is what an answer says of the bucket.
type cost struct {
	Requested float64 `json:"requestedQueryCost"`
	Actual    float64 `json:"actualQueryCost"`
	Status    struct {
		Maximum   float64 `json:"maximumAvailable"`
		Available float64 `json:"currentlyAvailable"`
		Rate      float64 `json:"restoreRate"` // a second
	} `json:"throttleStatus"`
}

// bucket is what the shop lets queries cost: it is refilled at a rate, and a query
// is let in when there is as much in it as it may cost. What it did not cost is put
// back at once.
type bucket struct {
	clock connectors.Clock

	mu    sync.Mutex
	known cost
	at    time.Time          // of known
	costs map[string]float64 // what queries asked for the last time, by name
}

// wait returns when a query may go.
func (b *bucket) wait(ctx context.Context, name string) error {
	b.mu.Lock()
	lacking := b.costs[name] - b.left()
	rate := b.known.Status.Rate
	b.mu.Unlock()
	if lacking <= 0 || rate <= 0 {
		return ctx.Err()
	}
	return b.clock.Sleep(ctx, pause(lacking, rate))
}

// left is what is in the bucket by now.
func (b *bucket) left() float64 {
	s := b.known.Status
	return min(s.Maximum, s.Available+b.clock.Now().Sub(b.at).Seconds()*s.Rate)
}

// learn notes what an answer says, and how long to wait if it was a refusal.
func (b *bucket) learn(name string, c *cost) time.Duration {
	if c == nil || c.Status.Rate <= 0 {
		return time.Second
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.costs == nil {
		b.costs = map[string]float64{}
	}
	b.known, b.at, b.costs[name] = *c, b.clock.Now(), c.Requested
	return pause(c.Requested-c.Status.Available, c.Status.Rate)
}

// pause is how long points take to come, at least a little.
func pause(points, rate float64) time.Duration {
	return max(time.Duration(points/rate*float64(time.Second)), 10*time.Millisecond)
}
