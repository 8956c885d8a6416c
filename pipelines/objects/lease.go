package objects

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A lease is an object that says who works on a store. Its holder writes it anew
// again and again; one that was not for longer than it is good for belongs to nobody,
// by the store's own clock. Every write depends on the one before, so of two who take
// it only one succeeds.

// LeaseOptions say whose lease it is and for how long.
type LeaseOptions struct {
	// Holder is who asks. A lease of the same holder is taken over at once: it must
	// see to it by other means that it asks once at a time.
	Holder string
	About  string // of the holder, for the message to others
	// For is how long the lease is good without being renewed, by default a minute.
	For time.Duration
	// Wait is how long to wait for somebody else's lease to end.
	Wait time.Duration
}

const leaseFor = time.Minute

// leaseNote is what stands in the object.
type leaseNote struct {
	Holder   string    `json:"holder"`
	About    string    `json:"about"`
	Since    time.Time `json:"since"`
	Seconds  float64   `json:"seconds"` // how long it is good for
	Mark     string    `json:"mark"`    // of each writing
	Released bool      `json:"released,omitempty"`
}

// HeldError says that somebody else has the lease.
type HeldError struct {
	Place string
	About string
	Since time.Time
	For   time.Duration
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is being written by %s since %s: wait until it is done; if that was killed, %s after its end is enough",
		e.Place, e.About, e.Since.UTC().Format(time.DateTime+" UTC"), e.For)
}

// ErrLeaseLost says that somebody else may have the lease by now.
var ErrLeaseLost = errors.New("the lease on the store could not be renewed in time: another process may be writing there")

// Lease is a lease that is held.
type Lease struct {
	store   Store
	key     string
	options LeaseOptions
	since   time.Time
	ctx     context.Context
	cancel  context.CancelCauseFunc
	done    sync.WaitGroup

	mu      sync.Mutex
	version string
	renewed time.Time // when the last renewal began, by this process's clock
}

// TakeLease takes the lease of a key. The error is a *HeldError if somebody else has
// it.
func TakeLease(ctx context.Context, s Store, key string, o LeaseOptions) (*Lease, error) {
	if o.For <= 0 {
		o.For = leaseFor
	}
	l := &Lease{store: s, key: key, options: o, since: time.Now().UTC()}
	for begin := time.Now(); ; {
		err := l.take(ctx)
		var held *HeldError
		switch {
		case err == nil:
			l.ctx, l.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
			l.done.Go(l.keep)
			return l, nil
		case !errors.As(err, &held) || time.Since(begin) >= o.Wait:
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(time.Second, o.For/10)):
		}
	}
}

// take tries once.
func (l *Lease) take(ctx context.Context) error {
	text, info, err := ReadBytes(ctx, l.store, l.key)
	when := IfAbsent()
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	default:
		when = IfUnchanged(info.Version)
		var note leaseNote
		if json.Unmarshal(text, &note) != nil {
			break // nobody can hold what nobody can read
		}
		good := time.Duration(note.Seconds * float64(time.Second))
		if !note.Released && note.Holder != l.options.Holder && info.Age <= good {
			return &HeldError{Place: l.store.String(), About: note.About, Since: note.Since, For: good}
		}
	}
	err = l.write(ctx, when, false)
	if errors.Is(err, ErrCondition) {
		return &HeldError{Place: l.store.String(), About: "another process", Since: time.Now(), For: l.options.For}
	}
	return err
}

func (l *Lease) write(ctx context.Context, when Condition, released bool) error {
	text, err := json.Marshal(leaseNote{
		Holder: l.options.Holder, About: l.options.About, Since: l.since, Seconds: l.options.For.Seconds(), Mark: rand.Text(), Released: released,
	})
	if err != nil {
		return err
	}
	began := time.Now()
	info, err := WriteBytes(ctx, l.store, l.key, append(text, '\n'), when)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version, l.renewed = info.Version, began
	return nil
}

// keep renews the lease until it is released or lost.
func (l *Lease) keep() {
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-time.After(l.options.For / 4):
		}
		l.mu.Lock()
		version, left := l.version, l.options.For-time.Since(l.renewed)
		l.mu.Unlock()
		if left <= 0 {
			l.cancel(ErrLeaseLost)
			return
		}
		ctx, cancel := context.WithTimeout(l.ctx, left)
		err := l.write(ctx, IfUnchanged(version), false)
		cancel()
		if errors.Is(err, ErrCondition) || errors.Is(err, ErrNotFound) {
			l.cancel(ErrLeaseLost)
			return
		} // any other error may pass
	}
}

// Check says whether the lease is held for long enough to write a small object. The
// error is ErrLeaseLost.
func (l *Lease) Check() error {
	if err := context.Cause(l.ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.renewed) > l.options.For*2/3 {
		return ErrLeaseLost
	}
	return nil
}

// Left is how long the lease is good without being renewed.
func (l *Lease) Left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.options.For - time.Since(l.renewed)
}

// Release gives the lease back. One that was lost stays with whoever has it.
func (l *Lease) Release(ctx context.Context) error {
	l.cancel(errors.New("the lease was given back"))
	l.done.Wait()
	err := l.write(ctx, IfUnchanged(l.version), true)
	if errors.Is(err, ErrCondition) || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
