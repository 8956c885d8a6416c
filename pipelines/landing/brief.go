package landing

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Brief is a manifest as it stands in the index: packed, and unpacked by parts, so
// that a hundred thousand of them can be looked through in a moment. It is valid
// during the step of the loop that it was given to.
type Brief struct {
	RunID       string
	Dataset     string
	ExtractedAt time.Time
	// Generation is that of a compacted manifest, 0 of a run's own.
	Generation int

	committedAt time.Time
	name        string // of the manifest's file
	size        int64
	changed     int64 // when the file was written, in nanoseconds
	indexed     bool  // it came from the index
	record      []byte
	files       []byte // packed
	quarantine  []byte
	cursors     []byte
	rest        []byte // JSON of everything else
}

// errPacked says that a record of an index is not what was written.
var errPacked = errors.New("not a record of a manifest")

// packer appends values to a record.
type packer []byte

func (p *packer) text(s string) {
	*p = append(binary.AppendUvarint(*p, uint64(len(s))), s...)
}

func (p *packer) bytes(b []byte) {
	*p = append(binary.AppendUvarint(*p, uint64(len(b))), b...)
}

func (p *packer) number(n int64) { *p = binary.AppendVarint(*p, n) }

func (p *packer) texts(list []string) {
	p.number(int64(len(list)))
	for _, s := range list {
		p.text(s)
	}
}

// unpacker takes values from a record. After the first that is not there all are
// zero and broken is set.
type unpacker struct {
	left   []byte
	broken bool
}

func (u *unpacker) bytes() []byte {
	n, size := binary.Uvarint(u.left)
	if size <= 0 || n > uint64(len(u.left)-size) {
		u.left, u.broken = nil, true
		return nil
	}
	value := u.left[size : size+int(n)]
	u.left = u.left[size+int(n):]
	return value
}

func (u *unpacker) text() string { return string(u.bytes()) }

func (u *unpacker) number() int64 {
	n, size := binary.Varint(u.left)
	if size <= 0 {
		u.left, u.broken = nil, true
		return 0
	}
	u.left = u.left[size:]
	return n
}

func (u *unpacker) texts() []string {
	n := u.number()
	if n < 0 || n > int64(len(u.left)) {
		u.broken = true
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, u.text())
	}
	return list
}

// briefOf packs a manifest that was read from a file.
func briefOf(m *Manifest, name string, size, changed int64) (*Brief, error) {
	var files, quarantine, cursors packer
	for _, f := range m.Files {
		files.file(f)
	}
	for _, q := range m.Quarantine {
		quarantine.quarantine(q)
	}
	for _, c := range m.cursors() {
		cursors.bytes(c)
	}
	rest := *m
	rest.Files, rest.Quarantine, rest.CursorAfter = nil, nil, nil
	generation := 0
	if m.Compacted != nil {
		compacted := *m.Compacted
		generation, compacted.Cursors, rest.Compacted = compacted.Generation, nil, &compacted
	}
	text, err := json.Marshal(&rest)
	if err != nil {
		return nil, fmt.Errorf("pack the manifest of dataset %s: %w", m.Dataset, err)
	}
	var p packer
	p.text(name)
	p.number(size)
	p.number(changed)
	p.text(m.RunID)
	p.text(m.Dataset)
	p.number(m.ExtractedAt.UnixNano())
	p.number(m.CommittedAt.UnixNano())
	p.number(int64(generation))
	for _, part := range [][]byte{files, quarantine, cursors, text} {
		p.bytes(part)
	}
	return unpackBrief(p)
}

func (p *packer) file(f File) {
	merged := int64(0)
	if f.Merged {
		merged = 1
	}
	p.text(f.Entity)
	p.text(f.RunID)
	p.number(merged)
	p.text(f.Path)
	p.number(f.Rows)
	p.number(f.Bytes)
	p.text(f.Checksum)
	p.texts(f.MinKey)
	p.texts(f.MaxKey)
}

func (p *packer) quarantine(q QuarantineFile) {
	p.text(q.RunID)
	p.text(q.Path)
	p.number(q.Rows)
	p.number(q.Bytes)
	p.text(q.Checksum)
}

// unpackBrief unpacks the head of a record, which it keeps.
func unpackBrief(record []byte) (*Brief, error) {
	u := unpacker{left: record}
	b := &Brief{record: record}
	b.name, b.size, b.changed = u.text(), u.number(), u.number()
	b.RunID, b.Dataset = u.text(), u.text()
	b.ExtractedAt, b.committedAt = time.Unix(0, u.number()).UTC(), time.Unix(0, u.number()).UTC()
	b.Generation = int(u.number())
	b.files, b.quarantine, b.cursors, b.rest = u.bytes(), u.bytes(), u.bytes(), u.bytes()
	if u.broken || len(u.left) > 0 {
		return nil, errPacked
	}
	return b, nil
}

// Files returns the part files.
func (b *Brief) Files() ([]File, error) {
	var files []File
	u := unpacker{left: b.files}
	for len(u.left) > 0 {
		files = append(files, File{
			Entity: u.text(), RunID: u.text(), Merged: u.number() != 0, Path: u.text(), Rows: u.number(), Bytes: u.number(),
			Checksum: u.text(), MinKey: u.texts(), MaxKey: u.texts(),
		})
	}
	if u.broken {
		return nil, errPacked
	}
	return files, nil
}

// Quarantine returns the files of records that did not fit.
func (b *Brief) Quarantine() ([]QuarantineFile, error) {
	var files []QuarantineFile
	u := unpacker{left: b.quarantine}
	for len(u.left) > 0 {
		files = append(files, QuarantineFile{RunID: u.text(), Path: u.text(), Rows: u.number(), Bytes: u.number(), Checksum: u.text()})
	}
	if u.broken {
		return nil, errPacked
	}
	return files, nil
}

// Cursors returns what the extractions left that the manifest stands for, oldest
// first. They stay valid.
func (b *Brief) Cursors() ([]json.RawMessage, error) {
	var cursors []json.RawMessage
	u := unpacker{left: b.cursors}
	for len(u.left) > 0 {
		cursors = append(cursors, append(json.RawMessage(nil), u.bytes()...))
	}
	if u.broken {
		return nil, errPacked
	}
	return cursors, nil
}

// lastCursor returns what the last extraction left, or nil. It is valid as long as
// the Brief is.
func (b *Brief) lastCursor() (last []byte, err error) {
	u := unpacker{left: b.cursors}
	for len(u.left) > 0 {
		last = u.bytes()
	}
	if u.broken {
		return nil, errPacked
	}
	return last, nil
}

// Manifest returns the whole manifest.
func (b *Brief) Manifest() (*Manifest, error) {
	m := &Manifest{}
	err := json.Unmarshal(b.rest, m)
	if err != nil {
		return nil, errPacked
	}
	cursors, err := b.Cursors()
	if err == nil {
		m.Files, err = b.Files()
	}
	if err == nil {
		m.Quarantine, err = b.Quarantine()
	}
	if err != nil {
		return nil, err
	}
	if m.Files == nil {
		m.Files = []File{}
	}
	if n := len(cursors); n > 0 {
		m.CursorAfter = cursors[n-1]
		if m.Compacted != nil {
			m.Compacted.Cursors = cursors
		}
	}
	return m, nil
}

// before orders manifests as they count: by version, then by the time they were
// written.
func (b *Brief) before(o *Brief) int {
	if c := b.ExtractedAt.Compare(o.ExtractedAt); c != 0 {
		return c
	}
	if c := b.committedAt.Compare(o.committedAt); c != 0 {
		return c
	}
	switch {
	case b.RunID < o.RunID:
		return -1
	case b.RunID > o.RunID:
		return 1
	}
	return 0
}

// replacedBy says that a compaction of its dataset stands for the manifest.
func (b *Brief) replacedBy(head *Brief) bool {
	return head != nil && head.name != b.name && !b.ExtractedAt.After(head.ExtractedAt)
}

// signature tells whether the file of a manifest is as it was.
func signature(size, changed int64) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(size))
	binary.LittleEndian.PutUint64(b[8:], uint64(changed))
	return xxhash.Sum64(b[:])
}
