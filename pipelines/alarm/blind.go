package alarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"winback/pipelines/notify"
)

// blindness is a time in which no look sees everything.
type blindness struct {
	Since time.Time  `json:"since"`
	Until *time.Time `json:"until,omitempty"` // nil while it goes on
	// Told are the channels that were told of it and not of its end.
	Told []string `json:"told"`
}

// tellOfBlindness tells, in quiet hours too, that nothing can be looked after, as
// where the warehouse does not answer, or not everything, and that it can again. There
// is no table to keep that in; the file of Options.Memory keeps it between processes.
func (w *Watcher) tellOfBlindness(ctx context.Context, problem error) {
	now := w.o.Clock.Now().UTC()
	if !w.isBlind(problem != nil, now) {
		return
	}
	message := notify.Message{Subject: w.o.Project + ": the warehouse"}
	if problem != nil {
		message.Text = fmt.Sprintf("ALARM: nobody can look for what is wrong since %s: %v\n", w.blind.Since.In(w.o.Zone).Format("2006-01-02 15:04"), problem)
	} else {
		message.Text = fmt.Sprintf("OVER: what is wrong is looked for again (after %s)\n", w.blind.Until.Sub(w.blind.Since).Round(time.Second))
	}
	for _, channel := range w.o.Channels {
		name := channel.Name()
		if slices.Contains(w.blind.Told, name) != (problem == nil) || w.waits(channel, now) || w.deliver(ctx, channel, message, now) != "" {
			continue
		}
		if problem != nil {
			w.blind.Told = append(w.blind.Told, name)
		} else {
			w.blind.Told = slices.DeleteFunc(w.blind.Told, func(told string) bool { return told == name })
		}
		w.remember()
	}
	if problem == nil && len(w.blind.Told) == 0 {
		w.blind = nil
		w.remember()
	}
}

// isBlind notes whether something cannot be seen, and says whether that, or its end, is
// to be told.
func (w *Watcher) isBlind(blind bool, now time.Time) bool {
	switch {
	case !blind && w.blind == nil:
		return false
	case blind && w.blind == nil:
		w.blind = &blindness{Since: now}
		w.remember()
	case blind && w.blind.Until != nil: // again, before all were told of the end
		w.blind.Since, w.blind.Until = now, nil
		w.remember()
	case !blind && w.blind.Until == nil:
		w.blind.Until = &now
		w.blind.Told = slices.DeleteFunc(w.blind.Told, func(told string) bool { // who is not told any more waits for nothing
			return !slices.ContainsFunc(w.o.Channels, func(c notify.Channel) bool { return c.Name() == told })
		})
		w.remember()
	}
	if !blind {
		if now.Sub(*w.blind.Until) > giveUp {
			w.blind.Told = nil
		}
		return true
	}
	return now.Sub(w.blind.Since) >= w.o.BlindFor
}

// remember notes for later processes whether no look succeeds.
func (w *Watcher) remember() {
	if w.o.Memory == "" {
		return
	}
	var err error
	if w.blind == nil {
		err = os.Remove(w.o.Memory)
	} else {
		var text []byte
		if text, err = json.Marshal(w.blind); err == nil {
			err = renameio.WriteFile(w.o.Memory, text, 0o600)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.o.Logger.Warn("who was told that nobody looks is not noted", "file", w.o.Memory, "error", err)
	}
}

// recall takes over what a process before this one noted. What it cannot read was
// told to nobody.
func (w *Watcher) recall() {
	if w.o.Memory == "" {
		return
	}
	text, err := os.ReadFile(w.o.Memory)
	if err != nil {
		return
	}
	var blind blindness
	if json.Unmarshal(text, &blind) == nil && !blind.Since.IsZero() {
		w.blind = &blind
	}
}
