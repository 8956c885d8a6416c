package landing

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
	name        string // of the manifest's file, if it is not the usual one
	size        int64
	changed     int64 // when the file was written, in nanoseconds
	indexed     bool  // it came from the index
	record      []byte
	files       []byte // packed
	quarantine  []byte
	cursors     []byte
	about       []byte // what every manifest has besides
	more        []byte // JSON of what few have, or nothing
}

// moreOfManifest is what few manifests have.
type moreOfManifest struct {
	UnknownWords []WordCount  `json:"unknown_words,omitempty"`
	Compacted    *Compacted   `json:"compacted,omitempty"`
	Replays      string       `json:"replays,omitempty"`
	Settles      []Settlement `json:"settles,omitempty"`
	Swept        []Sweep      `json:"swept,omitempty"`
	Failure      string       `json:"failure,omitempty"`
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

// noTime stands for the zero time.
const noTime = math.MinInt64

func (p *packer) time(t time.Time) {
	if t.IsZero() {
		p.number(noTime)
		return
	}
	p.number(t.UnixNano())
}

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

func (u *unpacker) time() time.Time {
	n := u.number()
	if n == noTime {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// skip leaves out so many texts.
func (u *unpacker) skip(n int64) {
	for ; n > 0 && !u.broken; n-- {
		u.bytes()
	}
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
	more, generation, err := m.more()
	if err != nil {
		return nil, err
	}
	if name == m.fileName() {
		name = ""
	}
	var p packer
	p.text(name)
	p.number(size)
	p.number(changed)
	p.text(m.RunID)
	p.text(m.Dataset)
	p.time(m.ExtractedAt)
	p.time(m.CommittedAt)
	p.number(int64(generation))
	for _, part := range [][]byte{files, quarantine, cursors, aboutOf(m), more} {
		p.bytes(part)
	}
	b := &Brief{}
	return b, b.unpack(p)
}

// more returns the JSON of what few manifests have, without cursors.
func (m *Manifest) more() (text []byte, generation int, err error) {
	more := moreOfManifest{UnknownWords: m.UnknownWords, Replays: m.Replays, Settles: m.Settles, Swept: m.Swept, Failure: m.Failure}
	if m.Compacted != nil {
		compacted := *m.Compacted
		generation, compacted.Cursors, more.Compacted = compacted.Generation, nil, &compacted
	}
	if more.Compacted == nil && len(more.UnknownWords)+len(more.Settles)+len(more.Swept)+len(more.Replays)+len(more.Failure) == 0 {
		return nil, 0, nil
	}
	if text, err = json.Marshal(&more); err != nil {
		return nil, 0, fmt.Errorf("pack the manifest of dataset %s: %w", m.Dataset, err)
	}
	return text, generation, nil
}

// aboutOf packs what every manifest has besides.
func aboutOf(m *Manifest) []byte {
	var p packer
	p.number(int64(m.Format))
	p.text(m.Source)
	p.time(m.StartedAt)
	p.text(m.Checksum)
	p.bytes(m.CursorBefore)
	for _, c := range m.Entities {
		p.text(c.Entity)
		for _, n := range []int64{c.Read, c.Landed, c.Duplicates, c.Quarantined, c.Ignored, c.Emptied, c.Expected, c.Unchanged} {
			p.number(n)
		}
	}
	return p
}

func (m *Manifest) unpackAbout(about []byte) error {
	u := unpacker{left: about}
	m.Format, m.Source, m.StartedAt, m.Checksum = int(u.number()), u.text(), u.time(), u.text()
	if before := u.bytes(); len(before) > 0 {
		m.CursorBefore = append(json.RawMessage(nil), before...)
	}
	for len(u.left) > 0 {
		m.Entities = append(m.Entities, EntityCounts{
			Entity: u.text(), Read: u.number(), Landed: u.number(), Duplicates: u.number(), Quarantined: u.number(), Ignored: u.number(), Emptied: u.number(),
			Expected: u.number(), Unchanged: u.number(),
		})
	}
	if u.broken {
		return errPacked
	}
	return nil
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

// unpack unpacks the head of a record, which it keeps.
func (b *Brief) unpack(record []byte) error {
	u := unpacker{left: record}
	b.record = record
	b.name = again(b.name, u.bytes())
	b.size, b.changed = u.number(), u.number()
	b.RunID, b.Dataset = again(b.RunID, u.bytes()), again(b.Dataset, u.bytes())
	b.ExtractedAt, b.committedAt = u.time(), u.time()
	b.Generation = int(u.number())
	b.files, b.quarantine, b.cursors, b.about, b.more = u.bytes(), u.bytes(), u.bytes(), u.bytes(), u.bytes()
	if u.broken || len(u.left) > 0 {
		return errPacked
	}
	return nil
}

// again returns a text, which often is that of the record before.
func again(before string, now []byte) string {
	if before == string(now) {
		return before
	}
	return string(now)
}

// fileName returns the name of the manifest's file.
func (b *Brief) fileName() string {
	if b.name != "" {
		return b.name
	}
	return manifestName(b.RunID, b.Dataset)
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

// FilesAmong says whether the manifest has part files, and whether all of them are
// among those that has knows, by the xxHash64 of the path, a line feed and the
// checksum of each.
func (b *Brief) FilesAmong(has func(id uint64) bool) (some, all bool) {
	u, room := unpacker{left: b.files}, [256]byte{}
	for all = true; len(u.left) > 0 && all; some = true {
		u.skip(2) // entity, run
		u.number()
		id := append(append(room[:0], u.bytes()...), '\n')
		u.number()
		u.number()
		id = append(id, u.bytes()...)
		u.skip(u.number()) // least key
		u.skip(u.number()) // greatest key
		all = !u.broken && has(xxhash.Sum64(id))
	}
	return some, all
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
	var more moreOfManifest
	if len(b.more) > 0 && json.Unmarshal(b.more, &more) != nil {
		return nil, errPacked
	}
	m := &Manifest{
		RunID: b.RunID, Dataset: b.Dataset, ExtractedAt: b.ExtractedAt, CommittedAt: b.committedAt,
		UnknownWords: more.UnknownWords, Compacted: more.Compacted, Replays: more.Replays, Settles: more.Settles, Swept: more.Swept, Failure: more.Failure,
	}
	if err := m.unpackAbout(b.about); err != nil {
		return nil, err
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

// has says, as far as a look at the packed manifest tells, that it has one of the
// things that few have.
func (b *Brief) has(key string) bool { return bytes.Contains(b.more, []byte(`"`+key+`":`)) }

// reads says that the manifest is of a run that read the dataset.
func (b *Brief) reads() bool {
	return len(b.cursors) > 0 || b.Generation > 0 || !b.has("settles") && !b.has("replays") && !b.has("swept")
}

// replacedBy says that a compaction of its dataset stands for the manifest.
func (b *Brief) replacedBy(head *Brief) bool {
	return head != nil && !b.ExtractedAt.After(head.ExtractedAt) && head.fileName() != b.fileName()
}

// signature tells whether the file of a manifest is as it was.
func signature(size, changed int64) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(size))
	binary.LittleEndian.PutUint64(b[8:], uint64(changed))
	return xxhash.Sum64(b[:])
}
