package landing

import "time"

// gist is what a run has to know of a source's manifests before it adds to them,
// kept so that they need not be gone through for it.
type gist struct {
	heads map[string]*Brief // the newest compaction of each dataset
	last  map[string]*Brief // the newest manifest of each dataset that left a cursor
	// newest is the newest version and the run that has it, other the newest of all
	// other runs.
	newest, other time.Time
	newestRun     string
}

func newGist() gist { return gist{heads: map[string]*Brief{}, last: map[string]*Brief{}} }

// note takes a manifest in, whatever the order in which they come.
func (g *gist) note(b *Brief) {
	if head := g.heads[b.Dataset]; b.Generation > 0 && (head == nil || head.Generation < b.Generation) {
		g.heads[b.Dataset] = &Brief{
			RunID: b.RunID, Dataset: b.Dataset, ExtractedAt: b.ExtractedAt, Generation: b.Generation, committedAt: b.committedAt, name: b.name,
		}
	}
	if cursor, err := b.lastCursor(); err == nil && cursor != nil {
		g.noteCursor(b, cursor)
	}
	switch {
	case b.RunID == g.newestRun:
		g.newest = later(g.newest, b.ExtractedAt)
	case b.ExtractedAt.After(g.newest):
		g.other, g.newest, g.newestRun = g.newest, b.ExtractedAt, b.RunID
	default:
		g.other = later(g.other, b.ExtractedAt)
	}
}

func (g *gist) noteCursor(b *Brief, cursor []byte) {
	last := g.last[b.Dataset]
	if last == nil {
		last = &Brief{Dataset: b.Dataset}
		g.last[b.Dataset] = last
	} else if last.before(b) > 0 {
		return
	}
	last.RunID, last.ExtractedAt, last.committedAt = b.RunID, b.ExtractedAt, b.committedAt
	packed := packer(last.cursors[:0])
	packed.bytes(cursor)
	last.cursors = packed
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// newestBut returns the newest version of all runs but one; the zero time if there
// is none.
func (g *gist) newestBut(run string) time.Time {
	if run == g.newestRun {
		return g.other
	}
	return g.newest
}

// lastCursor returns what the last extraction of a dataset left, or nil.
func (g *gist) lastCursor(dataset string) ([]byte, error) {
	if last := g.last[dataset]; last != nil {
		return last.lastCursor()
	}
	return nil, nil
}

// pack appends the gist to the head of a stamp.
func (g *gist) pack(p *packer) {
	p.time(g.newest)
	p.time(g.other)
	p.text(g.newestRun)
	for _, briefs := range []map[string]*Brief{g.heads, g.last} {
		p.number(int64(len(briefs)))
		for _, b := range briefs {
			p.text(b.Dataset)
			p.text(b.RunID)
			p.text(b.name)
			p.time(b.ExtractedAt)
			p.time(b.committedAt)
			p.number(int64(b.Generation))
			p.bytes(b.cursors)
		}
	}
}

// unpackGist is the reverse of pack.
func unpackGist(u *unpacker) gist {
	g := newGist()
	g.newest, g.other, g.newestRun = u.time(), u.time(), u.text()
	for _, briefs := range []map[string]*Brief{g.heads, g.last} {
		for n := u.number(); n > 0 && !u.broken; n-- {
			b := &Brief{Dataset: u.text(), RunID: u.text(), name: u.text(), ExtractedAt: u.time(), committedAt: u.time(), Generation: int(u.number())}
			b.cursors = append(b.cursors, u.bytes()...)
			briefs[b.Dataset] = b
		}
	}
	return g
}
