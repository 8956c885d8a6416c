package landing

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Versions of the manifests' format. What a run leaves is written as the first,
// which every winback reads; what a compaction leaves would be misread by one
// that knows nothing of them, and is refused by it.
const (
	manifestFormat  = 1
	compactedFormat = 2
)

// Manifest says what one run extracted of one dataset, or what a compaction made
// of the manifests of several runs.
type Manifest struct {
	Format  int    `json:"format"`
	RunID   string `json:"run_id"`
	Source  string `json:"source"`
	Dataset string `json:"dataset"`
	// StartedAt and CommittedAt are clock times; ExtractedAt is the version that
	// all rows carry, later than that of any earlier run of the source.
	StartedAt   time.Time `json:"started_at"`
	CommittedAt time.Time `json:"committed_at"`
	ExtractedAt time.Time `json:"extracted_at"`
	// Files are the part files, by entity in the dataset's order.
	Files []File `json:"files"`
	// Quarantine are the files of records that did not fit.
	Quarantine []QuarantineFile `json:"quarantine,omitempty"`
	Entities   []EntityCounts   `json:"entities"`
	// UnknownWords are words of enumerations that the contract does not know.
	UnknownWords []WordCount `json:"unknown_words,omitempty"`
	// CursorBefore is the last cursor that the run was given, CursorAfter the one
	// it left.
	CursorBefore json.RawMessage `json:"cursor_before,omitempty"`
	CursorAfter  json.RawMessage `json:"cursor_after,omitempty"`
	// Compacted is set in what a compaction left.
	Compacted *Compacted `json:"compacted,omitempty"`
	// Replays is the run whose quarantine the rows come from, if they do. They
	// carry a version beside the one of that run, not ExtractedAt.
	Replays string `json:"replays,omitempty"`
	// Settles is what the run did to records that earlier runs put aside.
	Settles []Settlement `json:"settles,omitempty"`
	// Swept says which entities' keys were compared with those that the source has,
	// and when; the rows of such a run are of those that it has no more.
	Swept []Sweep `json:"swept,omitempty"`
	// Failure says why nothing of the dataset was taken over. It is empty in the
	// manifests of committed runs.
	Failure string `json:"failure,omitempty"`
	// Checksum guards the manifest itself: it is taken with this field empty.
	Checksum string `json:"checksum"`
}

// Compacted says what a manifest stands for that put others together. Those are
// the ones of its dataset that are not newer than it; they do not count any more,
// and their files are removed when nobody reads them. Its counts are the sums of
// theirs, its times those of the newest.
type Compacted struct {
	// Generation is 1 more than that of any compacted manifest before it.
	Generation int `json:"generation"`
	// Runs is how many extractions it stands for.
	Runs int `json:"runs"`
	// Whole says that every key is in its files once. Otherwise large files were
	// left as they are, and a key may be in one of them and in another file too.
	Whole bool `json:"whole"`
	// Cursors are what the extractions left, oldest first.
	Cursors []json.RawMessage `json:"cursors,omitempty"`
	// Covers tells by entity which files were put together, so that a warehouse
	// that holds them need not load their rows again: 8 bytes for each, little
	// endian, the xxHash64 of its path, a line feed and its checksum.
	Covers map[string][]byte `json:"covers,omitempty"`
}

// File is one part file.
type File struct {
	Entity string `json:"entity"`
	// RunID is the run whose rows the file holds, where that is not the manifest's.
	RunID string `json:"run_id,omitempty"`
	// Merged says that a compaction wrote the file: its rows are of many runs.
	Merged bool `json:"merged,omitempty"`
	// Path is relative to the zone's root, with slashes.
	Path  string `json:"path"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// Checksum is the file's xxHash64: it finds what disks and copies break, at
	// the speed of memory, and is not meant against forgers.
	Checksum string `json:"checksum"`
	// MinKey and MaxKey are the first and last key, one text for each key field.
	MinKey []string `json:"min_key"`
	MaxKey []string `json:"max_key"`
}

// QuarantineFile is one file of records that did not fit.
type QuarantineFile struct {
	// RunID is the run that met the records, where that is not the manifest's.
	RunID    string `json:"run_id,omitempty"`
	Path     string `json:"path"`
	Rows     int64  `json:"rows"`
	Bytes    int64  `json:"bytes"`
	Checksum string `json:"checksum"`
}

// EntityCounts says what became of the records read for an entity.
type EntityCounts struct {
	Entity      string `json:"entity"`
	Read        int64  `json:"read"`
	Landed      int64  `json:"landed"`
	Duplicates  int64  `json:"duplicates"`  // the same content again
	Quarantined int64  `json:"quarantined"` // records, not values
	Ignored     int64  `json:"ignored"`     // left out by a rule
	// Unchanged is how many rows said what was landed before.
	Unchanged int64 `json:"unchanged,omitempty"`
	// Expected is how many records the source says there were; 0 where it does not.
	Expected int64 `json:"expected,omitempty"`
	// Emptied is how many values, not records, were left out of rows that landed.
	Emptied int64 `json:"emptied,omitempty"`
}

// Counts returns the counts of an entity; all are 0 if the dataset lacks it.
func (m *Manifest) Counts(entity string) EntityCounts {
	for _, c := range m.Entities {
		if c.Entity == entity {
			return c
		}
	}
	return EntityCounts{Entity: entity}
}

// cursorsPlace is where the cursors of a compacted manifest go in its text. There
// may be a hundred thousand of them, so they are written one by one.
const cursorsPlace = `"cursors": [
      0
    ]`

// encode writes the manifest with its checksum.
func (m *Manifest) encode(to io.Writer) error {
	text, cursors, err := m.marshal()
	if err != nil {
		return err
	}
	hash := xxhash.New()
	out := bufio.NewWriterSize(io.MultiWriter(to, hash), 64<<10)
	if len(cursors) > 0 {
		before, after, _ := bytes.Cut(text, []byte(cursorsPlace))
		writeCursors(out, before, cursors)
		text = after
	}
	const end = "\"\n}\n"
	out.Write(text[:len(text)-len(end)]) //nolint:errcheck // kept until Flush
	if err := out.Flush(); err != nil {
		return err
	}
	hash.WriteString(end) //nolint:errcheck // never fails
	m.Checksum = checksumText(hash.Sum64())
	_, err = io.WriteString(to, m.Checksum+end)
	return err
}

func writeCursors(out *bufio.Writer, before []byte, cursors []json.RawMessage) {
	out.Write(before) //nolint:errcheck // kept until Flush, as all of it
	out.WriteString(`"cursors": [`)
	for i, c := range cursors {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n      ")
		out.Write(c)
	}
	out.WriteString("\n    ]")
}

// marshal returns the manifest's text without its checksum, and the cursors that go
// to cursorsPlace.
func (m *Manifest) marshal() (text []byte, cursors []json.RawMessage, err error) {
	without := *m
	without.Checksum = ""
	if m.Compacted != nil && len(m.Compacted.Cursors) > 0 {
		compacted := *m.Compacted
		cursors, compacted.Cursors = compacted.Cursors, []json.RawMessage{json.RawMessage("0")}
		without.Compacted = &compacted
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(&without); err != nil {
		return nil, nil, fmt.Errorf("encode the manifest of dataset %s: %w", m.Dataset, err)
	}
	return out.Bytes(), cursors, nil
}

// ManifestError says that a manifest cannot be relied on.
type ManifestError struct {
	Path string
	Err  error
}

func (e *ManifestError) Error() string {
	return fmt.Sprintf("manifest %s cannot be read (%v): restore it from a backup, or delete it to extract that run's data again", e.Path, e.Err)
}

func readManifest(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, storageError("read", path, err)
	}
	return decodeManifest(path, text)
}

func (e *ManifestError) Unwrap() error { return e.Err }

func decodeManifest(path string, text []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, &ManifestError{Path: path, Err: err}
	}
	if m.Format > compactedFormat {
		return nil, &ManifestError{Path: path, Err: fmt.Errorf("it has format %d, written by a newer winback", m.Format)}
	}
	if checksumOf(text) != m.Checksum {
		return nil, &ManifestError{Path: path, Err: errors.New("its checksum is wrong")}
	}
	m.CursorBefore, m.CursorAfter = compactJSON(m.CursorBefore), compactJSON(m.CursorAfter)
	if m.Compacted != nil {
		for i, cursor := range m.Compacted.Cursors {
			m.Compacted.Cursors[i] = compactJSON(cursor)
		}
	}
	return m, nil
}

// checksumOf returns the checksum of a manifest's text, which is taken as if the
// checksum in it, the last of its fields, were empty.
func checksumOf(text []byte) string {
	name := []byte(`"checksum": "`)
	at := bytes.LastIndex(text, name)
	if at < 0 {
		return ""
	}
	at += len(name)
	end := bytes.IndexByte(text[at:], '"')
	if end < 0 {
		return ""
	}
	hash := xxhash.New()
	hash.Write(text[:at])     //nolint:errcheck // never fails
	hash.Write(text[at+end:]) //nolint:errcheck // never fails
	return checksumText(hash.Sum64())
}

// compactJSON undoes the indentation that a manifest gives to cursors.
func compactJSON(text json.RawMessage) json.RawMessage {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	if bytes.IndexByte(text, '\n') < 0 {
		return text
	}
	var compact bytes.Buffer
	if json.Compact(&compact, text) != nil {
		return text
	}
	return compact.Bytes()
}
