package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/retry"
)

// extraction is the reading of one dataset in a run: at once, or in slices, each
// of which is committed before the next one is asked for. What ends it early loses
// the slice that was being read.
type extraction struct {
	*run
	source  Source
	dataset connectors.Dataset
	cursors []json.RawMessage // what the next slice is given
	anew    bool              // it began at the beginning: when it ends, everything was read
	before  connectors.Progress
	words   []landing.WordCount // unknown ones, of all slices
	summary DatasetSummary
}

// StuckError says that a source does not come to an end.
type StuckError struct{ Dataset string }

func (e *StuckError) Error() string {
	return fmt.Sprintf("%s: the source says that there is more to read and comes to the same place again, so that it would never end: a mistake of the system or of the connector", e.Dataset)
}

// all reads slice after slice, until the source has no more.
func (e *extraction) all(ctx context.Context) (err error) {
	if e.cursors, err = e.lastCursors(e.source.Name, e.dataset.Name); err != nil {
		return err
	}
	e.anew = len(e.cursors) == 0 && e.o.Range == nil
	passed := map[string]bool{}
	for n := 1; ; n++ {
		left, err := e.slice(ctx, n, passed)
		if err != nil || !left.More {
			return err
		}
		passed[string(left.Cursor)] = true
		if e.o.Range != nil {
			e.cursors = nil // of a range, only the last place counts
		}
		e.cursors = append(e.cursors, left.Cursor)
	}
}

// lastCursors are what the source left at earlier runs; none when everything, or a
// range, is to be read again.
func (r *run) lastCursors(source, dataset string) ([]json.RawMessage, error) {
	if r.o.Full || r.o.Range != nil {
		return nil, nil
	}
	return r.Zone.Cursors(source, dataset)
}

// slice reads and commits one slice. passed are the places at which slices of this
// run have ended.
func (e *extraction) slice(ctx context.Context, n int, passed map[string]bool) (left connectors.Extracted, err error) {
	info := landing.RunInfo{RunID: sliceID(e.run.summary.RunID, n), Source: e.source.Name, ExtractedAt: e.started}
	if n > 1 {
		info.ExtractedAt = e.now()
	}
	var writer *landing.Writer
	before := e.before
	err = e.trying(ctx, stepName{"extract", e.stepName()}, retry.OfSource, func() (err error) {
		e.before = before
		writer, left, err = e.read(ctx, info, passed)
		return err
	})
	if err != nil {
		return left, err
	}
	manifest, err := e.commit(ctx, writer, left)
	if why := writer.Uncompared(); err == nil && why != nil {
		e.problem("%s: what was read could not be compared with what was landed before, so all of it counts as new: %v", e.summary.Name(), why)
	}
	if err == nil && manifest != nil && !onlyCursor(manifest) {
		e.add(manifest)
	}
	if err == nil && (left.More || n > 1) {
		e.summary.Slices = n
		if left.More && manifest != nil && !onlyCursor(manifest) {
			e.o.Observer.Slice(e.summary)
		}
	}
	return left, err
}

// read reads a slice, which nobody sees before it is committed: after an error there
// is nothing of it.
func (e *extraction) read(ctx context.Context, info landing.RunInfo, passed map[string]bool) (*landing.Writer, connectors.Extracted, error) {
	var left connectors.Extracted
	eraser, err := e.eraser()
	if err != nil {
		return nil, left, err
	}
	writer, err := e.Zone.Begin(ctx, info, e.dataset, landing.Options{
		Eraser: eraser, DropUnchanged: true,
		PartBytes: int(e.Config.Landing.PartSize), RejectLimit: entity.Some(e.source.QuarantineLimit), RejectFrom: int64(e.source.QuarantineFrom),
	})
	if err != nil {
		return nil, left, err
	}
	left, err = e.source.Extract(ctx, connectors.Request{
		Dataset: e.dataset.Name, Cursors: e.cursors, Range: e.o.Range, Progress: e.progress(), Notice: e.notice,
	}, writer)
	if err == nil && left.More && (left.Cursor == nil || passed[string(left.Cursor)]) {
		err = &StuckError{Dataset: e.dataset.Name}
	}
	if err != nil {
		return nil, left, errors.Join(err, writer.Abort())
	}
	return writer, left, nil
}

// stepName is how the books call what is done with the dataset.
func (e *extraction) stepName() string { return e.source.Name + "." + e.dataset.Name }

// sliceID names a slice of a run. The first has the name of the run, since most
// datasets have but one.
func sliceID(run string, n int) string {
	if n == 1 {
		return run
	}
	return fmt.Sprintf("%s.%03d", run, n)
}

// commit makes what was read visible. What is read again for a range leaves no
// cursor: it is in the midst of what others have passed long ago.
func (e *extraction) commit(ctx context.Context, writer *landing.Writer, left connectors.Extracted) (*landing.Manifest, error) {
	cursor := left.Cursor
	if e.o.Range != nil {
		cursor = nil
	}
	if cursor != nil {
		again, err := e.readAgain(ctx, left)
		if err != nil {
			return nil, errors.Join(err, writer.Abort())
		}
		writer.SettleBy(func() []landing.Settlement { return again })
	}
	return writer.Commit(ctx, cursor)
}

// progress tells the observer how far the reading is, the slices before included.
func (e *extraction) progress() func(connectors.Progress) {
	before := e.before
	return func(p connectors.Progress) {
		p.Rows, p.Bytes = p.Rows+before.Rows, p.Bytes+before.Bytes
		if p.TotalBytes > 0 {
			p.TotalBytes += before.Bytes
		}
		e.before.Rows, e.before.Bytes = p.Rows, p.Bytes
		e.o.Observer.Extracting(e.source.Name, e.dataset.Name, p)
	}
}

// notice keeps what a person should know, once however many slices say it.
func (e *extraction) notice(n connectors.Notice) {
	if !slices.ContainsFunc(e.summary.Notices, func(have connectors.Notice) bool { return have.Kind == n.Kind && have.Text == n.Text }) {
		e.summary.Notices = append(e.summary.Notices, n)
	}
}

// add sums up what a commit holds.
func (e *extraction) add(m *landing.Manifest) {
	e.summary.add(m)
	if len(m.Quarantine) > 0 {
		e.summary.aside = append(e.summary.aside, m.RunID)
	}
	for _, w := range m.UnknownWords {
		at := slices.IndexFunc(e.words, func(have landing.WordCount) bool {
			return have.Entity == w.Entity && have.Field == w.Field && have.Word == w.Word
		})
		if at < 0 {
			e.words = append(e.words, w)
		} else {
			e.words[at].Count += w.Count
		}
	}
}

// onlyCursor says that a commit holds no records, only what the source wants to
// remember.
func onlyCursor(m *landing.Manifest) bool {
	for _, c := range m.Entities {
		if c.Read > 0 || c.Expected > 0 {
			return false
		}
	}
	return len(m.Files)+len(m.Quarantine) == 0
}
