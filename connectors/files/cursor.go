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
}

// fileRead is one file as it was when it was read.
type fileRead struct {
	Path  string `json:"path"`
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"` // nanoseconds since 1970
	Hash  string `json:"hash"`  // of its bytes, xxHash64
}

// known is what earlier reads with the same mapping leave.
type known struct {
	paths   map[string]fileRead // the latest read of each
	hashes  map[string]bool
	sizes   map[int64]bool
	renewed bool // there are reads with another mapping
}

// foldCursors sums up the cursors of earlier reads, oldest first.
func foldCursors(cursors []json.RawMessage, mapping string) (*known, error) {
	k := &known{paths: map[string]fileRead{}, hashes: map[string]bool{}, sizes: map[int64]bool{}}
	for i, raw := range cursors {
		var c cursor
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, fmt.Errorf("read cursor %d of %d: %w", i+1, len(cursors), err)
		}
		if c.Mapping != mapping {
			k.renewed = true
			continue
		}
		for _, f := range c.Files {
			k.add(f)
		}
	}
	return k, nil
}

func (k *known) add(f fileRead) {
	k.paths[f.Path] = f
	k.hashes[f.Hash] = true
	k.sizes[f.Size] = true
}

// unchanged says that a file is as it was when it was read last.
func (k *known) unchanged(c candidate) bool {
	last, found := k.paths[c.name]
	return found && last.Size == c.size && last.Mtime == c.mtime
}

// mayHold says that content of that size was read before, so that it is worth
// while to hash a file before it is read.
func (k *known) mayHold(size int64) bool { return k.sizes[size] }

// reason says why a file is to be read.
func (k *known) reason(c candidate) string {
	if _, found := k.paths[c.name]; found {
		return "changed"
	}
	if k.renewed {
		return "new, or the mapping has changed"
	}
	return "new"
}
