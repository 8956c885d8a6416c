package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"winback/connectors"
	"winback/connectors/spec"
)

// arrivals is what stands in the folders of a dataset, set against what was read
// of them before.
type arrivals struct {
	plan  *plan
	known *known
	todo  []candidate // to be read
	same  []candidate // read before, perhaps under another name
	left  []string    // names of files that are still being written
	gone  []fileRead  // read before; their content is in no file any more
	small []fileRead  // the same, where a smaller file has the name now
}

// watch is how a source looks at its files; tests look with other eyes.
type watch struct {
	now     func() time.Time
	writers func() map[fileID]bool // files that some process has open for writing
	grows   func(o *opened) bool   // a file was written to since it was opened
}

// arrivals looks at the files of a dataset. Files whose content may be known
// under another name, or that have grown, are hashed to find out.
func (s *source) arrivals(ctx context.Context, req connectors.Request) (*arrivals, error) {
	p, err := s.plan(req.Dataset)
	if err != nil {
		return nil, err
	}
	a := &arrivals{plan: p}
	if a.known, err = foldCursors(req.Cursors, p.fingerprint); err != nil {
		return nil, err
	}
	found, err := s.discover(p, func(path string) { a.left = append(a.left, s.nameOf(path)) })
	emptied := errors.Is(err, errNoFiles) && s.vanished == vanishedKeep && len(a.known.last) > 0
	if err != nil && !emptied { // a folder that files are taken out of once they were read is no mistake
		return nil, err
	}
	young := s.newYoung()
	present := make(map[string]candidate, len(found))
	for _, c := range found {
		present[c.name] = c
		if a.known.unchanged(c) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c.after, err = a.known.before(c); err != nil {
			return nil, err
		}
		// What is appended line by line may never come to rest.
		if c.after == nil && young.beingWritten(c) {
			a.left = append(a.left, c.name)
			continue
		}
		if err := a.sort(c); err != nil {
			return nil, err
		}
	}
	s.missing(a, present)
	return a, nil
}

// sort finds out what a file is that is not as it was.
func (a *arrivals) sort(c candidate) (err error) {
	if c.after == nil && (a.known.mayHold(c.size) || a.known.mayBeRenamed(c)) {
		if c.hash, err = hashFile(c.path); err != nil {
			return err
		}
		if a.known.holds(c.hash) {
			a.same = append(a.same, c)
			return nil
		}
	}
	a.todo = append(a.todo, c)
	return nil
}

// missing finds the files that were read and whose content is gone: neither
// renamed nor appended to. What the patterns no longer ask for is not looked for,
// and what was told before is not told again.
func (s *source) missing(a *arrivals, present map[string]candidate) {
	held := a.held(present)
	for name, last := range a.known.last {
		c, there := present[name]
		if held[last.Hash] || a.known.gone[name] || last.Size == 0 {
			continue
		}
		switch {
		case there && c.size < last.Size && slices.ContainsFunc(a.todo, func(t candidate) bool { return t.name == name }):
			a.small = append(a.small, last)
		case !there && s.asks(a.plan, name):
			a.gone = append(a.gone, last)
		}
	}
	byName := func(x, y fileRead) int { return strings.Compare(x.Path, y.Path) }
	slices.SortFunc(a.small, byName)
	slices.SortFunc(a.gone, byName)
}

// held are the hashes of the contents that the files there are have, as far as
// they are known.
func (a *arrivals) held(present map[string]candidate) map[string]bool {
	held := make(map[string]bool, len(present))
	for name, c := range present {
		if last, found := a.known.last[name]; found && last.Size == c.size && last.Mtime == c.mtime {
			held[last.Hash] = true
		}
	}
	for _, list := range [][]candidate{a.todo, a.same} {
		for _, c := range list {
			held[c.hash] = true
			if c.after != nil {
				held[c.after.Hash] = true
			}
		}
	}
	for _, name := range a.left {
		if last, found := a.known.last[name]; found {
			held[last.Hash] = true // not known yet
		}
	}
	return held
}

// asks says that a pattern of the dataset fits a file.
func (s *source) asks(p *plan, name string) bool {
	path := s.pathOf(name)
	if _, err := os.Lstat(path); err == nil {
		return false // it is there, and no longer what the patterns fit
	}
	return slices.ContainsFunc(p.config.Files, func(pattern spec.Path) bool {
		fits, err := doublestar.PathMatch(string(pattern), path)
		return err == nil && fits
	})
}

// tell passes on what a person should know. The error is that of a dataset that
// does without none of its files.
func (a *arrivals) tell(req *connectors.Request, policy string) error {
	tellLeft(req, a.left)
	if policy == vanishedKeep || len(a.gone)+len(a.small) == 0 {
		return nil
	}
	texts := []string{}
	if names := pathsOf(a.gone); len(names) > 0 {
		n := notice(connectors.NoticeVanished, names, "%s no longer there: %s; the rows stay", "was read and is", "were read and are")
		texts = append(texts, n.Text)
		if policy == vanishedWarn {
			req.Tell(n)
		}
	}
	if names := pathsOf(a.small); len(names) > 0 {
		n := notice(connectors.NoticeShrunk, names, "%s smaller than before: %s; read whole again, the rows that are no longer in it stay", "is", "are")
		texts = append(texts, n.Text)
		if policy == vanishedWarn {
			req.Tell(n)
		}
	}
	if policy == vanishedFail {
		return fmt.Errorf("%s; put back what is missing, or say vanished: warn for the source", strings.Join(texts, "; "))
	}
	return nil
}

func tellLeft(req *connectors.Request, names []string) {
	if len(names) > 0 {
		slices.Sort(names)
		req.Tell(notice(connectors.NoticeLeft, names, "%s left for the next run, still being written: %s", "was", "were"))
	}
}

// Policies for files that are gone.
const (
	vanishedKeep = "keep"
	vanishedWarn = "warn"
	vanishedFail = "fail"
)

// notice makes a sentence that begins with the number of files and a verb.
func notice(kind string, names []string, format, one, many string) connectors.Notice {
	n := connectors.Notice{Kind: kind, Count: len(names), Inputs: names[:min(len(names), connectors.NoticeInputs)]}
	named := strings.Join(n.Inputs, ", ")
	if more := n.Count - len(n.Inputs); more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	verb := many
	if n.Count == 1 {
		verb = one
	}
	n.Text = fmt.Sprintf(format, countFiles(n.Count)+" "+verb, named)
	return n
}

func pathsOf(list []fileRead) []string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Path
	}
	return names
}

// young judges files that were changed just now. A file that was copied a moment
// ago is young too and may well be complete, so that youth alone says nothing: it
// must have changed between two looks, or be open in the program that writes it.
type young struct {
	*source
	now     time.Time
	open    map[fileID]bool
	scanned bool
}

func (s *source) newYoung() *young { return &young{source: s, now: s.watch.now()} }

// beingWritten says that a file is not complete yet.
func (y *young) beingWritten(c candidate) bool {
	if !y.isYoung(c) {
		return false
	}
	again, err := y.candidate(c.path)
	if err != nil || again.size != c.size || again.mtime != c.mtime {
		return true
	}
	if !y.scanned { // once, and only when some file is young
		y.open, y.scanned = y.watch.writers(), true
	}
	return y.open[c.id]
}

func (y *young) isYoung(c candidate) bool {
	return y.now.Sub(time.Unix(0, c.mtime)).Abs() < y.settle
}
