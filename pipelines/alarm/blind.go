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

// blindness is a time in which no look succeeds.
type blindness struct {
	Since time.Time `json:"since"`
	Told  []string  `json:"told"` // channels
}

// tellOfBlindness tells, in quiet hours too, that nothing can be looked after, as
// where the warehouse does not answer, and that it can again. There is no table to
// keep that in; the file of Options.Memory keeps it between processes.
func (w *Watcher) tellOfBlindness(ctx context.Context, problem error) {
	now := w.o.Clock.Now().UTC()
	switch {
	case problem == nil && w.blind == nil:
		return
	case problem != nil && w.blind == nil:
		w.blind = &blindness{Since: now}
		w.remember()
	}
	if problem != nil && now.Sub(w.blind.Since) < w.o.BlindFor {
		return
	}
	text := fmt.Sprintf("ALARM: nobody can look for what is wrong since %s: %v\n", w.blind.Since.In(w.o.Zone).Format("2006-01-02 15:04"), problem)
	if problem == nil {
		text = fmt.Sprintf("OVER: what is wrong is looked for again (after %s)\n", now.Sub(w.blind.Since).Round(time.Second))
	}
	for _, channel := range w.o.Channels {
		name := channel.Name()
		if slices.Contains(w.blind.Told, name) != (problem == nil) {
			continue
		}
		if err := channel.Send(ctx, notify.Message{Subject: w.o.Project + ": the warehouse", Text: text}); err != nil {
			w.o.Logger.Error("an alarm could not be delivered", "channel", name, "error", err)
			continue
		}
		if problem != nil {
			w.blind.Told = append(w.blind.Told, name)
			w.remember()
		}
	}
	if problem == nil {
		w.blind = nil
		w.remember()
	}
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
