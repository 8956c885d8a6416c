package files

import (
	"encoding/json"
	"fmt"
)

// cursor is what a read of a dataset leaves for the next: the files that were
// read this time.
type cursor struct {
	// Mapping is the fingerprint of the configuration they were read with.
	Mapping string     `json:"mapping"`
	Files   []fileRead `json:"files"`
	// Gone are files read earlier whose content was found to be gone, so that it
	// is told once.
	Gone []string `json:"gone,omitempty"`
}

// fileRead is one file as it was when it was read.
type fileRead struct {
	Path  string `json:"path"`
	Size  int64  `json:"size"`  // bytes that were read
	Mtime int64  `json:"mtime"` // nanoseconds since 1970
	Hash  string `json:"hash"`  // of the bytes that were read, xxHash64
	// Lines is how many lines were read, 0 where what is appended later cannot be
	// read alone.
	Lines int64 `json:"lines,omitempty"`
	// Whole says that it was read from its begin this time.
	Whole bool `json:"whole,omitempty"`
	// Open says that the last line had no end, and counted all the same.
	Open bool `json:"open,omitempty"`
}

// known is what earlier reads leave.
type known struct {
	mapping string
	paths   map[string]fileRead // the latest read of each with the same mapping
	hashes  map[string]fileRead // a read of each content
	sizes   map[int64]bool
	last    map[string]fileRead // the latest read of each with any mapping
	ever    map[int64]bool      // sizes of those
	gone    map[string]bool     // of those, which were told to be gone
	renewed bool                // there are reads with another mapping
}

func newKnown(mapping string) *known {
	return &known{
		mapping: mapping, paths: map[string]fileRead{}, hashes: map[string]fileRead{}, sizes: map[int64]bool{},
		last: map[string]fileRead{}, ever: map[int64]bool{}, gone: map[string]bool{},
	}
}

// foldCursors sums up the cursors of earlier reads, oldest first. There is one for
// each run that found something, for years.
func foldCursors(cursors []json.RawMessage, mapping string) (*known, error) {
	k, reader := newKnown(mapping), cursorReader{}
	for i, raw := range cursors {
		c, err := reader.read(raw)
		if err != nil {
			return nil, fmt.Errorf("read cursor %d of %d: %w", i+1, len(cursors), err)
		}
		k.renewed = k.renewed || c.Mapping != mapping
		for _, f := range c.Files {
			k.last[f.Path], k.ever[f.Size] = f, true
			if len(k.gone) > 0 {
				delete(k.gone, f.Path)
			}
			if c.Mapping == mapping {
				k.add(f)
			}
		}
		for _, path := range c.Gone {
			k.gone[path] = true
		}
	}
	return k, nil
}

func (k *known) add(f fileRead) {
	k.paths[f.Path] = f
	k.hashes[f.Hash] = f
	k.sizes[f.Size] = true
}

// unchanged says that a file is as it was when it was read last.
func (k *known) unchanged(c candidate) bool {
	last, found := k.paths[c.name]
	return found && last.Size == c.size && last.Mtime == c.mtime
}

// holds says that content was read before, under whatever name.
func (k *known) holds(hash string) bool {
	_, found := k.hashes[hash]
	return found
}

// mayHold says that content of that size was read before, so that it is worth
// while to hash a file before it is read.
func (k *known) mayHold(size int64) bool { return k.sizes[size] }

// mayBeRenamed says that content of that size was read before under another
// mapping and perhaps another name.
func (k *known) mayBeRenamed(c candidate) bool {
	last := k.last[c.name]
	return k.renewed && k.ever[c.size] && (last.Size != c.size || last.Mtime != c.mtime)
}

// reason says why a file is to be read.
func (k *known) reason(c candidate) string {
	if c.after != nil {
		return "appended"
	}
	if _, found := k.paths[c.name]; found {
		return "changed"
	}
	if k.renewed {
		return "new, or the mapping has changed"
	}
	return "new"
}
