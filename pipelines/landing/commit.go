package landing

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
)

// Commit ends the writing and makes everything visible at once, with the cursor
// that the source returned. It returns the manifest, or nil if there was nothing
// new: no rows, no rejects and no cursor.
//
// Errors: a *RejectsError if too many records of an entity do not fit; then the
// quarantine files stay and the failure is kept beside them. After any error
// nothing of the dataset is visible and the cursor is not kept.
func (w *Writer) Commit(ctx context.Context, cursor json.RawMessage) (*Manifest, error) {
	m, err := w.commit(ctx, cursor)
	if err == nil && m != nil {
		_ = w.finish() // what stays behind is removed by the next run's recovery
		return m, nil
	}
	var tooMany *RejectsError
	if errors.As(err, &tooMany) {
		return nil, errors.Join(err, w.removeParts())
	}
	return nil, errors.Join(err, w.Abort())
}

func (w *Writer) commit(ctx context.Context, cursor json.RawMessage) (*Manifest, error) {
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	if err := w.close(); err != nil {
		return nil, err
	}
	m := w.manifest
	if w.settles != nil {
		m.Settles = w.settles()
	}
	if m.holdsNothing() && cursor == nil {
		return nil, nil
	}
	m.CursorAfter = cursor
	if err := w.tooManyRejects(); err != nil {
		m.Failure, m.Files, m.CursorAfter, m.Settles, m.Swept = err.Error(), nil, nil, nil, nil
		for i := range m.Entities {
			m.Entities[i].Landed, m.Entities[i].Unchanged = 0, 0
		}
		return nil, errors.Join(err, w.writeManifest(ctx, failedDir), w.zone.pruneFailures(ctx, m.Source, m.Dataset))
	}
	for _, dir := range w.partDirs() {
		if err := w.zone.syncPath(dir); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m, w.writeManifest(ctx, manifestDir)
}

// holdsNothing says that there is nothing to remember: not even rows that were there
// already.
func (m *Manifest) holdsNothing() bool {
	return len(m.Files)+len(m.Quarantine)+len(m.Settles)+len(m.Swept) == 0 &&
		!slices.ContainsFunc(m.Entities, func(c EntityCounts) bool { return c.Unchanged > 0 })
}

// settle writes the rows that are left and waits for the background.
func (w *Writer) settle(ctx context.Context) error {
	if err := w.failed(ctx); err != nil {
		return err
	}
	for _, f := range w.feeds {
		if err := w.cut(ctx, f); err != nil {
			return err
		}
	}
	w.background.Wait()
	if err := w.failed(ctx); err != nil {
		return err
	}
	for _, f := range w.feeds { // what follows needs the memory
		f.buf, f.buffers, f.batches = newBuffer(f.schema), nil, nil
		f.delivery.settle()
	}
	for _, f := range w.feeds {
		if err := w.settleDuplicates(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// close ends the quarantine and fills in the manifest.
func (w *Writer) close() error {
	m := w.manifest
	for _, q := range w.quarantines() {
		file, err := q.close()
		if err != nil {
			return err
		}
		if file != nil {
			m.Quarantine = append(m.Quarantine, *file)
		}
	}
	for _, f := range w.feeds {
		words := wordCounts{}
		for _, p := range f.parts {
			p.file.MinKey, p.file.MaxKey = keyTexts(p.low, 0), keyTexts(p.high, 0)
			m.Files = append(m.Files, p.file)
			f.counts.Landed += p.file.Rows
			words.merge(p.words)
		}
		f.counts.Duplicates += f.duplicates
		f.counts.Quarantined += f.conflicted
		f.counts.Unchanged += f.unchanged
		// A source that does not count what it reads is taken to have read what it
		// handed over.
		seen := f.counts.Landed + f.counts.Duplicates + f.counts.Quarantined + f.counts.Ignored + f.counts.Unchanged
		f.counts.Read = max(f.counts.Read, seen)
		m.Entities = append(m.Entities, f.counts)
		m.UnknownWords = append(m.UnknownWords, words.list(f.schema)...)
	}
	return nil
}

// tooManyRejects returns a *RejectsError if an entity is over the limit.
func (w *Writer) tooManyRejects() error {
	for _, c := range w.manifest.Entities {
		if w.options.tooMany(c) {
			return &RejectsError{
				Dataset: w.dataset.Name, Entity: c.Entity, Rejected: c.Quarantined, Read: c.Read, Limit: w.options.RejectLimit.V,
				Example: w.firstReject(c.Entity),
			}
		}
	}
	return nil
}

// firstReject is the first rejected record of an entity, "" if there is none.
func (w *Writer) firstReject(entity string) string {
	for _, q := range w.quarantines() {
		if first := q.first[entity]; first != "" {
			return first
		}
	}
	return ""
}

// tooMany says that more of an entity's records were rejected than the options
// allow. One bad record of ten is no reason to do without the nine: the share says
// something from some number on.
func (o *Options) tooMany(c EntityCounts) bool {
	rejected, limit := share(c.Quarantined, c.Read), o.RejectLimit.V
	return rejected > limit && (c.Quarantined >= o.RejectFrom || rejected > 0.5 || limit == 0)
}

// partDirs returns the folders that have parts of this dataset.
func (w *Writer) partDirs() []string {
	var dirs []string
	for _, f := range w.feeds {
		if len(f.parts) > 0 {
			dirs = append(dirs, w.entityDir(f.schema))
		}
	}
	return dirs
}

// writeManifest puts the manifest in place: the one step that makes the run's
// files count.
func (w *Writer) writeManifest(ctx context.Context, folder string) error {
	w.manifest.CommittedAt = w.zone.now().UTC()
	return w.zone.writeManifest(ctx, w.manifest, folder)
}

func (z *Zone) writeManifest(ctx context.Context, m *Manifest, folder string) error {
	if z.remote != nil {
		return z.publish(ctx, m, folder)
	}
	dir := z.dir(m.Source, folder)
	path := filepath.Join(dir, m.fileName())
	if err := z.writeFile(path, m.encode); err != nil {
		return err
	}
	if err := z.syncPath(dir); err != nil {
		// Whether the name lasts is not known: it is taken back before the files go.
		return errors.Join(err, z.removeFile(path))
	}
	return nil
}

// finish removes what only the writing needed.
func (w *Writer) finish() error {
	w.end()
	var errs []error
	for _, f := range w.feeds {
		for _, path := range f.origins {
			errs = append(errs, w.zone.removeFile(path))
		}
		errs = append(errs, f.delivery.remove())
	}
	return errors.Join(errs...)
}

func (w *Writer) end() {
	w.cancel()
	w.background.Wait()
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
}

// Abort ends the writing and removes everything of the dataset in this run. After
// a commit it does nothing.
func (w *Writer) Abort() error {
	w.mu.Lock()
	ended := w.ended
	w.mu.Unlock()
	if ended {
		return nil
	}
	errs := []error{w.removeParts()}
	for _, q := range w.quarantines() {
		errs = append(errs, q.remove())
	}
	return errors.Join(errs...)
}

func (w *Writer) quarantines() []*quarantine {
	list := []*quarantine{w.rejects}
	for _, f := range w.feeds {
		list = append(list, f.conflicts)
	}
	return list
}

func (w *Writer) removeParts() error {
	w.end()
	var errs []error
	for _, f := range w.feeds {
		for _, path := range slices.Concat(f.paths, f.origins) {
			errs = append(errs, w.zone.removeFile(path), w.zone.removeFile(path+tempSuffix))
		}
		errs = append(errs, f.delivery.remove())
	}
	return errors.Join(errs...)
}
