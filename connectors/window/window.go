// Package window cuts what is new in a source into windows of time, by the time at
// which the source last changed its records. Each window is read and committed by
// itself, so that a first run that breaks loses a window and not a night; the next
// run goes on where the last window ended, a little before it, as changes may come
// to light late.
package window

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/spec"
)

// History are the keys that sources share which are read by time of change;
// connectors embed it in their own configuration.
type History struct {
	Since   spec.Date     `yaml:"since" doc:"begin of the history to read; default: all there is" example:"2024-01-01"`
	Overlap time.Duration `yaml:"overlap" advanced:"true" doc:"how far before the end of the last run to begin, for changes that come to light late; default: the connector's" example:"1h"`
}

// Begin is the instant at which the configured day begins in a zone, zero if none
// is configured.
func (h History) Begin(zone *time.Location) time.Time {
	if h.Since.IsZero() {
		return time.Time{}
	}
	year, month, day := h.Since.Time().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// Plan says how time is cut.
type Plan struct {
	// Since is the configured begin of the history; zero leaves it to Oldest.
	Since time.Time
	// Oldest finds the time of the oldest record; ok is false when there is none.
	// Without it the history begins with Since.
	Oldest func(ctx context.Context) (oldest time.Time, ok bool, err error)
	// Overlap is read again before the end of the last window of an earlier run.
	Overlap time.Duration
	// Lag is how far before Now the last window ends, where changes come to light
	// late.
	Lag time.Duration
	// Now is the source's clock.
	Now time.Time
	// Step gives the end of a window that begins at from. Nil is Month.
	Step func(from time.Time) time.Time
}

// Month ends a window with the calendar month, in UTC.
func Month(from time.Time) time.Time {
	year, month, _ := from.UTC().Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
}

// Months returns a Step of so many calendar months, in UTC.
func Months(n int) func(time.Time) time.Time {
	return func(from time.Time) time.Time { return Month(from).AddDate(0, n-1, 0) }
}

// Days returns a Step of so many days.
func Days(n int) func(time.Time) time.Time {
	return func(from time.Time) time.Time { return from.AddDate(0, 0, n) }
}

// Window is a time from From, inclusive, to Until, exclusive.
type Window struct {
	From, Until time.Time
	// First says that nothing was read before: there can be nothing to replace.
	First bool
	// Own is what Part left, where the window was read in part before.
	Own  json.RawMessage
	more bool
	ends bool // leaves no cursor
}

// Cursor is what a window leaves.
type Cursor struct {
	// From says that the window was read in part: it is read on, with Own.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until"`
	// Going says that the window was followed by others that were there to be read:
	// the next one begins where it ended.
	Going bool `json:"going,omitempty"`
	// Unknown are the fields that were told as unknown.
	Unknown []string `json:"unknown,omitempty"`
	// Own is the connector's.
	Own json.RawMessage `json:"own,omitempty"`
}

// Last is the cursor of the last commit; ok is false when there is none.
func Last(req connectors.Request) (last Cursor, ok bool, err error) {
	if len(req.Cursors) == 0 {
		return last, false, nil
	}
	if err := json.Unmarshal(req.Cursors[len(req.Cursors)-1], &last); err != nil {
		return last, false, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", req.Dataset, err)
	}
	return last, true, nil
}

// Next is the window to read; ok is false when there is nothing to read at all.
func (p Plan) Next(ctx context.Context, req connectors.Request) (w Window, ok bool, err error) {
	last, again, err := Last(req)
	if err != nil {
		return w, false, err
	}
	end := p.Now.Add(-p.Lag)
	if req.Range != nil && req.Range.Until.Before(end) {
		end = req.Range.Until
	}
	if again && !last.From.IsZero() {
		w = Window{From: last.From, Until: last.Until, Own: last.Own, more: last.Until.Before(end)}
		w.ends = req.Range != nil && !w.more
		return w, true, nil
	}
	switch {
	case req.Range != nil && again && last.Going:
		w = Window{From: last.Until, Until: end}
	case req.Range != nil:
		w = Window{From: req.Range.From, Until: end}
	case again && last.Going:
		w = Window{From: last.Until, Until: end}
	case again:
		w = Window{From: last.Until.Add(-p.Overlap), Until: end}
	default:
		w = Window{From: p.Since, Until: end, First: true}
		if ok, err := p.begin(ctx, &w); !ok || err != nil {
			return w, false, err
		}
	}
	return p.cut(w, req), w.From.Before(w.Until), nil
}

// begin moves the begin of the history to the first record.
func (p Plan) begin(ctx context.Context, w *Window) (ok bool, err error) {
	if p.Oldest == nil {
		return true, nil
	}
	oldest, ok, err := p.Oldest(ctx)
	if !ok || err != nil {
		return false, err
	}
	if oldest.After(w.From) {
		w.From = oldest
	}
	return true, nil
}

// cut ends a window with its step.
func (p Plan) cut(w Window, req connectors.Request) Window {
	step := p.Step
	if step == nil {
		step = Month
	}
	if end := step(w.From); end.Before(w.Until) {
		w.Until, w.more = end, true
	}
	w.ends = req.Range != nil && !w.more
	return w
}

// Done is what an extraction of the window returns. unknown and own go into the
// cursor.
func (w Window) Done(unknown []string, own any) (connectors.Extracted, error) {
	if w.ends {
		return connectors.Extracted{}, nil
	}
	c := Cursor{Until: w.Until.UTC(), Going: w.more, Unknown: unknown}
	if own != nil {
		text, err := json.Marshal(own)
		if err != nil {
			return connectors.Extracted{}, fmt.Errorf("write the cursor: %w", err)
		}
		c.Own = text
	}
	text, err := json.Marshal(c)
	if err != nil {
		return connectors.Extracted{}, fmt.Errorf("write the cursor: %w", err)
	}
	return connectors.Extracted{Cursor: text, More: w.more}, nil
}

// Part is what an extraction returns that has read a part of the window, enough
// for a commit of its own: the next one is given the same window, and own with it.
func (w Window) Part(unknown []string, own any) (connectors.Extracted, error) {
	c := Cursor{From: w.From.UTC(), Until: w.Until.UTC(), Unknown: unknown}
	text, err := json.Marshal(own)
	if err != nil {
		return connectors.Extracted{}, fmt.Errorf("write the cursor: %w", err)
	}
	c.Own = text
	if text, err = json.Marshal(c); err != nil {
		return connectors.Extracted{}, fmt.Errorf("write the cursor: %w", err)
	}
	return connectors.Extracted{Cursor: text, More: true}, nil
}

// Last says that no further window is there to be read at once.
func (w Window) Last() bool { return !w.more }

// Name is the window in messages.
func (w Window) Name() string {
	return w.From.UTC().Format("2006-01-02T15:04") + " to " + w.Until.UTC().Format("2006-01-02T15:04")
}
