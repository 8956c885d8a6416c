package restapi

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"winback/connectors"
)

// Budget is how many requests an API allows: so many in a time, and so many at
// once after a pause.
type Budget struct {
	Requests float64       // in Per; 0 for no limit
	Per      time.Duration // 0 is a second
	Burst    int           // 0 is 1
}

// Slower returns the budget, or a smaller one if requests a second are fewer than
// it allows; 0 changes nothing.
func (b Budget) Slower(perSecond float64) Budget {
	if perSecond <= 0 || b.Requests > 0 && perSecond >= b.PerSecond() {
		return b
	}
	return Budget{Requests: perSecond, Per: time.Second, Burst: 1}
}

// PerSecond is the lasting rate.
func (b Budget) PerSecond() float64 {
	per := b.Per
	if per == 0 {
		per = time.Second
	}
	return b.Requests / per.Seconds()
}

// Pace replaces the budget by what the API says in its answers that it allows. What
// the configuration asks for at most still counts.
func (c *Client) Pace(b Budget) {
	b = b.Slower(c.atMost)
	if c.pace.limiter == nil || b.Requests <= 0 || c.pace.limiter.Limit() == rate.Limit(b.PerSecond()) {
		return
	}
	c.pace.limiter.SetLimitAt(c.clock.Now(), rate.Limit(b.PerSecond()))
}

// pace lets requests go as the budget and the API's own words allow.
type pace struct {
	clock   connectors.Clock
	limiter *rate.Limiter // nil without a budget

	mu    sync.Mutex
	until time.Time // nothing is sent before
}

func newPace(b Budget, clock connectors.Clock) *pace {
	p := &pace{clock: clock}
	if b.Requests > 0 {
		p.limiter = rate.NewLimiter(rate.Limit(b.PerSecond()), max(b.Burst, 1))
	}
	return p
}

// wait returns when a request of some weight may be sent.
func (p *pace) wait(ctx context.Context, weight int) error {
	if p.limiter != nil {
		now := p.clock.Now()
		if r := p.limiter.ReserveN(now, min(max(weight, 1), p.limiter.Burst())); r.OK() {
			if err := p.clock.Sleep(ctx, r.DelayFrom(now)); err != nil {
				r.CancelAt(now)
				return err
			}
		}
	}
	for {
		p.mu.Lock()
		left := p.until.Sub(p.clock.Now())
		p.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if err := p.clock.Sleep(ctx, left); err != nil {
			return err
		}
	}
}

// pause holds all requests back for a time.
func (p *pace) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.clock.Now().Add(d); until.After(p.until) {
		p.until = until
	}
}
