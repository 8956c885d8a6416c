package landing

import (
	"encoding/binary"
	"os"
	"slices"

	"github.com/cespare/xxhash/v2"

	"winback/connectors/entity"
)

// trace is what is kept of a row to tell whether it says anything new: the hashes of
// its key and of all that it holds, and its version or its place. Two keys of one
// hash hide each other, and their rows count as new. Two contents of one key with the
// same hash would be taken for the same: one change among some 18 million million
// million.
type trace struct {
	key, content uint64
	at           int64
}

const (
	traceSize = 24
	// traceShards is how many parts traces come in, by the first bits of the keys'
	// hashes: one of them at a time is held in memory, 40,000 of ten million rows.
	traceShards = 256
	shardShift  = 64 - 8
	// traceChunk is how many traces of a shard are written at once.
	traceChunk = 256
	// ambiguous is the content of a key that has rows with different contents and the
	// same version. No row has it.
	ambiguous = 0
)

// tracer makes the traces of an entity's rows.
type tracer struct {
	schema *entity.Schema
	fields []int // what a row says
	text   []byte
	made   []trace // of the rows of a buffer
}

func newTracer(s *entity.Schema) *tracer {
	t := &tracer{schema: s}
	for i := range s.Fields {
		if tells(&s.Fields[i]) {
			t.fields = append(t.fields, i)
		}
	}
	return t
}

// tells says whether a field is of what the source says, down to its own record and
// its own time of the change. The others say who read it, and when.
func tells(f *entity.Field) bool {
	return !f.Meta || f.Name != "source" && f.Name != "run_id" && f.Name != "extracted_at"
}

func (t *tracer) of(b *buffer, row int, at int64) trace {
	made := trace{key: t.hash(b, row, t.schema.Keys), content: t.hash(b, row, t.fields), at: at}
	if made.content == ambiguous {
		made.content++
	}
	return made
}

// all makes the traces of all rows of a buffer, in the order in which they are in
// memory: by key it takes three times as long.
func (t *tracer) all(b *buffer) {
	t.made = slices.Grow(t.made[:0], b.rows)
	for row := range b.rows {
		t.made = append(t.made, t.of(b, row, 0))
	}
}

func (t *tracer) hash(b *buffer, row int, fields []int) uint64 {
	t.text = t.text[:0]
	for _, at := range fields {
		switch c := &b.columns[at]; {
		case c.null(row):
			t.text = append(t.text, 0)
		case numeric(c.field.Kind):
			t.text = binary.LittleEndian.AppendUint64(append(t.text, 1), uint64(c.number(row)))
		default:
			value := c.text(row)
			t.text = append(binary.AppendUvarint(append(t.text, 1), uint64(len(value))), value...)
		}
	}
	return xxhash.Sum64(t.text)
}

// traces are the traces of very many rows. What is not yet written takes some two
// megabytes, the rest is in a file that goes with them.
type traces struct {
	zone   *Zone
	path   string
	file   writtenFile
	end    int64
	shards [traceShards]traceShard
	packed []byte
}

// traceShard are the traces of some keys: in the file, and still to be written.
type traceShard struct {
	chunks []int64 // where they begin
	held   []trace
}

func newTraces(z *Zone, path string) *traces { return &traces{zone: z, path: path} }

func (t *traces) add(one trace) error {
	s := &t.shards[one.key>>shardShift]
	if s.held = append(s.held, one); len(s.held) < t.zone.traceChunk {
		return nil
	}
	if t.file == nil {
		f, err := t.zone.files.create(t.path)
		if err != nil {
			return storageError("write", t.path, err)
		}
		t.file = f
	}
	t.packed = packTraces(t.packed[:0], s.held)
	if _, err := t.file.Write(t.packed); err != nil {
		return storageError("write", t.path, err)
	}
	s.chunks, s.held = append(s.chunks, t.end), s.held[:0]
	t.end += int64(len(t.packed))
	return nil
}

func packTraces(to []byte, list []trace) []byte {
	for _, one := range list {
		to = binary.LittleEndian.AppendUint64(to, one.key)
		to = binary.LittleEndian.AppendUint64(to, one.content)
		to = binary.LittleEndian.AppendUint64(to, uint64(one.at))
	}
	return to
}

func unpackTraces(to []trace, from []byte) []trace {
	for ; len(from) >= traceSize; from = from[traceSize:] {
		to = append(to, trace{
			key: binary.LittleEndian.Uint64(from), content: binary.LittleEndian.Uint64(from[8:]), at: int64(binary.LittleEndian.Uint64(from[16:])),
		})
	}
	return to
}

// traceReader reads traces a shard at a time.
type traceReader struct {
	traces  *traces
	written *os.File
	list    []trace
	packed  []byte
}

func (t *traces) read() (*traceReader, error) {
	r := &traceReader{traces: t}
	if t.file == nil {
		return r, nil
	}
	written, err := os.Open(t.path)
	if err != nil {
		return nil, storageError("read", t.path, err)
	}
	r.written, r.packed = written, make([]byte, t.zone.traceChunk*traceSize)
	return r, nil
}

// shard returns the traces of a shard in no order, valid until the next call.
func (r *traceReader) shard(n int) ([]trace, error) {
	s := &r.traces.shards[n]
	r.list = r.list[:0]
	for _, at := range s.chunks {
		if _, err := r.written.ReadAt(r.packed, at); err != nil {
			return nil, storageError("read", r.traces.path, err)
		}
		r.list = unpackTraces(r.list, r.packed)
	}
	return append(r.list, s.held...), nil
}

func (r *traceReader) close() error {
	if r.written == nil {
		return nil
	}
	return r.written.Close()
}

// remove takes the file away.
func (t *traces) remove() error {
	if t == nil || t.file == nil {
		return nil
	}
	t.file.Close() //nolint:errcheck // it is thrown away
	return t.zone.removeFile(t.path)
}

// newestTraces are those of the newest row of each key of a shard.
type newestTraces struct {
	list  []trace
	slots []uint32 // 1 more than the place in list, by key
}

// take replaces what is held by other traces.
func (n *newestTraces) take(list []trace) {
	size := 1
	for size <= 2*len(list) {
		size <<= 1
	}
	n.list = n.list[:0]
	n.slots = slices.Grow(n.slots[:0], size)[:size]
	clear(n.slots)
	for _, one := range list {
		n.add(one)
	}
}

// find returns the trace of a key, or nil, and the slot it has or is to have. The
// first bits of the keys of a shard are the same.
func (n *newestTraces) find(key uint64) (*trace, int) {
	for at := int(key) & (len(n.slots) - 1); ; at = (at + 1) & (len(n.slots) - 1) {
		place := n.slots[at]
		if place == 0 {
			return nil, at
		}
		if have := &n.list[place-1]; have.key == key {
			return have, at
		}
	}
}

func (n *newestTraces) add(one trace) {
	have, slot := n.find(one.key)
	switch {
	case have == nil:
		n.list = append(n.list, one)
		n.slots[slot] = uint32(len(n.list))
	case one.at > have.at:
		*have = one
	case one.at == have.at && one.content != have.content:
		have.content = ambiguous
	}
}
