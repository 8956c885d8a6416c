package landing

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"winback/connectors/entity"
)

// encoder turns rows of buffers into Parquet pages. Its memory is reused from
// part to part.
type encoder struct {
	zstd       *zstd.Encoder
	sorter     sorter
	dictionary *dictionary

	numbers  []int64
	shorts   []int32
	bits     []byte
	data     []byte
	ends     []uint32
	starts   []uint32
	levels   []uint8
	reps     []uint8
	suffixes values

	encoded, rest, encodedLevels, encodedReps []byte

	levelRLE rle.Encoding
	indexRLE rle.DictionaryEncoding
	deltas   delta.BinaryPackedEncoding
	texts    delta.LengthByteArrayEncoding
}

func newEncoder() (*encoder, error) {
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // the manifest has the checksum of the whole file
		zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, fmt.Errorf("make the zstd encoder: %w", err)
	}
	return &encoder{zstd: z, dictionary: newDictionary(), levelRLE: rle.Encoding{BitWidth: 1}}, nil
}

// rowRange names rows of a buffer: those of order from lo to before hi, or if
// order is nil the rows lo to before hi themselves.
type rowRange struct {
	order  []uint32
	lo, hi int
}

func (r rowRange) len() int { return r.hi - r.lo }

// row returns the number of the i-th row.
func (r rowRange) row(i int) int {
	if r.order == nil {
		return r.lo + i
	}
	return int(r.order[r.lo+i])
}

func (r rowRange) slice(lo, hi int) rowRange {
	return rowRange{order: r.order, lo: r.lo + lo, hi: r.lo + hi}
}

// group writes rows of a buffer as one row group.
func (e *encoder) group(w *fileWriter, b *buffer, rows rowRange, fixed constants, words wordCounts) error {
	w.beginGroup()
	for i := range b.columns {
		c := &b.columns[i]
		if err := e.field(w, c, rows, fixed, words); err != nil {
			return err
		}
	}
	w.endGroup(rows.len())
	return nil
}

func (e *encoder) field(w *fileWriter, c *column, rows rowRange, fixed constants, words wordCounts) error {
	if text, number, ok := fixed.of(c.field); ok {
		return e.constant(w, c.field, text, number, rows.len())
	}
	switch {
	case c.field.Kind == entity.TextList || c.field.Kind == entity.TextMap:
		return e.collection(w, c, rows)
	case c.empty() && !c.field.Required:
		return e.nulls(w, rows.len())
	case c.field.Kind == entity.Bool:
		return e.bools(w, c, rows)
	case numeric(c.field.Kind):
		return e.ints(w, c, rows)
	}
	return e.strings(w, c, rows, words)
}

// nulls writes a column of nothing but nulls.
func (e *encoder) nulls(w *fileWriter, rows int) error {
	w.beginChunk()
	p := page{rows: rows, values: rows, nulls: rows, defs: e.sameLevel(0, rows), encoding: format.Plain}
	if err := w.dataPage(p); err != nil {
		return err
	}
	w.endChunk(format.Statistics{NullCount: int64(rows)})
	return nil
}

// constant writes a required column of one value: a dictionary of it and one run.
func (e *encoder) constant(w *fileWriter, f *entity.Field, text string, number int64, rows int) error {
	w.beginChunk()
	entry := binary.LittleEndian.AppendUint64(nil, uint64(number))
	bound := entry
	if !numeric(f.Kind) {
		bound = []byte(text)
		entry = append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
	}
	if err := w.dictionaryPage(1, entry); err != nil {
		return err
	}
	run := binary.AppendUvarint([]byte{1}, uint64(rows)<<1) // bit width, length of the run
	if err := w.dataPage(page{rows: rows, values: rows, data: append(run, 0), encoding: format.RLEDictionary}); err != nil {
		return err
	}
	w.endChunk(format.Statistics{MinValue: bound, MaxValue: bound})
	return nil
}

// sameLevel encodes one level for all of n values.
func (e *encoder) sameLevel(level byte, n int) []byte {
	e.encodedLevels = binary.AppendUvarint(e.encodedLevels[:0], uint64(n)<<1)
	e.encodedLevels = append(e.encodedLevels, level)
	return e.encodedLevels
}

// definitions encodes which values of rows lo to hi are there; levels is nil if
// all are.
func (e *encoder) definitions(f *entity.Field, levels []uint8, lo, hi int) (encoded []byte, nulls int, err error) {
	switch {
	case f.Required:
		return nil, 0, nil
	case levels == nil:
		return e.sameLevel(1, hi-lo), 0, nil
	}
	e.encodedLevels, err = e.levelRLE.EncodeLevels(e.encodedLevels, levels[lo:hi])
	return e.encodedLevels, countZeros(levels[lo:hi]), err
}

func countZeros(levels []uint8) (n int) {
	for _, l := range levels {
		n += int(1 - l)
	}
	return n
}

// gatherNumbers returns the values of the rows that are not null, and which are;
// no levels mean all are.
func (e *encoder) gatherNumbers(c *column, rows rowRange) (values []int64, levels []uint8) {
	switch {
	case c.empty(): // required and never set
		e.numbers = appendZeros(e.numbers[:0], rows.len())
		return e.numbers, nil
	case c.nulls == 0 && rows.order == nil:
		return c.ints[rows.lo:rows.hi], nil
	case c.nulls == 0:
		e.numbers = slices.Grow(e.numbers[:0], rows.len())[:rows.len()]
		for i, row := range rows.order[rows.lo:rows.hi] {
			e.numbers[i] = c.ints[row]
		}
		return e.numbers, nil
	}
	e.numbers = slices.Grow(e.numbers[:0], rows.len())
	e.levels = slices.Grow(e.levels[:0], rows.len())
	for i := range rows.len() {
		row := rows.row(i)
		e.levels = append(e.levels, c.valid[row])
		if c.valid[row] != 0 {
			e.numbers = append(e.numbers, c.ints[row])
		}
	}
	return e.numbers, e.levels
}

// ints writes numbers, instants and dates.
func (e *encoder) ints(w *fileWriter, c *column, rows rowRange) error {
	w.beginChunk()
	values, levels := e.gatherNumbers(c, rows)
	pageRows := pageBytes / 8
	done := 0
	for lo := 0; lo < rows.len(); lo += pageRows {
		hi := min(lo+pageRows, rows.len())
		defs, nulls, err := e.definitions(c.field, levels, lo, hi)
		if err != nil {
			return err
		}
		part := values[done : done+hi-lo-nulls]
		done += len(part)
		p := page{rows: hi - lo, values: hi - lo, nulls: nulls, defs: defs}
		if p.data, p.encoding, err = e.encodeInts(c.field, part); err != nil {
			return err
		}
		if err := w.dataPage(p); err != nil {
			return err
		}
	}
	w.endChunk(numberStats(c.field, values, rows.len()))
	return nil
}

// encodeInts encodes numbers as bit-packed differences: smaller than zstd makes
// them by itself, and an order of magnitude faster.
func (e *encoder) encodeInts(f *entity.Field, values []int64) (encoded []byte, by format.Encoding, err error) {
	if f.Kind != entity.Day {
		e.encoded, err = e.deltas.EncodeInt64(e.encoded, values)
		return e.encoded, format.DeltaBinaryPacked, err
	}
	e.shorts = slices.Grow(e.shorts[:0], len(values))[:len(values)]
	for i, v := range values {
		e.shorts[i] = int32(v)
	}
	e.encoded, err = e.deltas.EncodeInt32(e.encoded, e.shorts)
	return e.encoded, format.DeltaBinaryPacked, err
}

func numberStats(f *entity.Field, values []int64, rows int) format.Statistics {
	stats := format.Statistics{NullCount: int64(rows - len(values))}
	if len(values) == 0 {
		return stats
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	stats.MinValue, stats.MaxValue = numberBound(f, low), numberBound(f, high)
	return stats
}

func numberBound(f *entity.Field, n int64) []byte {
	if f.Kind == entity.Day {
		return plain.Int32(int32(n))
	}
	return plain.Int64(n)
}

// bools writes a column of truth values, eight to a byte.
func (e *encoder) bools(w *fileWriter, c *column, rows rowRange) error {
	w.beginChunk()
	var values []int64
	var levels []uint8
	there := rows.len()
	if !c.empty() { // otherwise all are false
		values, levels = e.gatherNumbers(c, rows)
		there = len(values)
	}
	defs, nulls, err := e.definitions(c.field, levels, 0, rows.len())
	if err != nil {
		return err
	}
	e.bits = appendZeros(e.bits[:0], (there+7)/8)
	for i, v := range values {
		e.bits[i/8] |= byte(v&1) << (i % 8)
	}
	p := page{rows: rows.len(), values: rows.len(), nulls: nulls, defs: defs, data: e.bits, encoding: format.Plain}
	if err := w.dataPage(p); err != nil {
		return err
	}
	w.endChunk(format.Statistics{NullCount: int64(nulls)})
	return nil
}

// values are texts end to end, value i at data[ends[i]:ends[i+1]].
type values struct {
	data []byte
	ends []uint32
}

func (v values) len() int { return len(v.ends) - 1 }

func (v values) slice(lo, hi int) values { return values{data: v.data, ends: v.ends[lo : hi+1]} }

func (v values) bytes() []byte { return v.data[v.ends[0]:v.ends[len(v.ends)-1]] }

func (v values) at(i int) []byte { return v.data[v.ends[i]:v.ends[i+1]] }

// gatherTexts returns the texts of the rows that are not null, and which are; no
// levels mean all are.
func (e *encoder) gatherTexts(c *column, rows rowRange) (v values, levels []uint8) {
	if c.nulls == 0 && rows.order == nil {
		return values{data: c.data, ends: c.ends[rows.lo : rows.hi+1]}, nil
	}
	e.starts, e.ends = slices.Grow(e.starts[:0], rows.len()), append(slices.Grow(e.ends[:0], rows.len()+1), 0)
	end := uint32(0)
	if c.nulls == 0 {
		for _, row := range rows.order[rows.lo:rows.hi] {
			start := c.ends[row]
			end += c.ends[row+1] - start
			e.starts, e.ends = append(e.starts, start), append(e.ends, end)
		}
		return e.copyTexts(c.data), nil
	}
	e.levels = slices.Grow(e.levels[:0], rows.len())
	for i := range rows.len() {
		row := rows.row(i)
		e.levels = append(e.levels, c.valid[row])
		if c.valid[row] != 0 {
			start := c.ends[row]
			end += c.ends[row+1] - start
			e.starts, e.ends = append(e.starts, start), append(e.ends, end)
		}
	}
	return e.copyTexts(c.data), e.levels
}

// copyTexts copies the texts that begin at e.starts so that they end at e.ends.
// Rows in a new order lie anywhere in the memory; short texts are copied as
// sixteen bytes, which lets the processor wait for many of them at once.
func (e *encoder) copyTexts(data []byte) values {
	const short = 16
	size := int(e.ends[len(e.ends)-1])
	e.data = slices.Grow(e.data[:0], size+short)[:size+short]
	for i, start := range e.starts {
		at, end := e.ends[i], e.ends[i+1]
		if end-at <= short && int(start)+short <= len(data) {
			*(*[short]byte)(e.data[at:]) = *(*[short]byte)(data[start:])
		} else {
			copy(e.data[at:end], data[start:])
		}
	}
	return values{data: e.data[:size], ends: e.ends}
}

// strings writes texts, with a dictionary where that pays.
func (e *encoder) strings(w *fileWriter, c *column, rows rowRange, words wordCounts) error {
	w.beginChunk()
	v, levels := e.gatherTexts(c, rows)
	stats := format.Statistics{NullCount: int64(rows.len() - v.len())}
	form := asTexts
	switch {
	case w.layout.schema.Keys[0] == c.field.Index:
		form = asSuffixes
		stats.MinValue, stats.MaxValue = textBounds(v.at(0), v.at(v.len()-1))
	case e.dictionary.pays(v) && e.dictionary.build(v):
		form = asNumbers
		stats.MinValue, stats.MaxValue = textBounds(e.dictionary.bounds())
		if err := w.dictionaryPage(e.dictionary.entries(), e.dictionary.data); err != nil {
			return err
		}
	}
	if c.field.Kind == entity.Enum {
		words.count(c.field, v)
	}
	pageRows := pageRowsFor(len(v.bytes()), rows.len())
	done := 0
	for lo := 0; lo < rows.len(); lo += pageRows {
		hi := min(lo+pageRows, rows.len())
		defs, nulls, err := e.definitions(c.field, levels, lo, hi)
		if err != nil {
			return err
		}
		next := done + hi - lo - nulls
		p := page{rows: hi - lo, values: hi - lo, nulls: nulls, defs: defs}
		if p.data, p.encoding, err = e.encodeTexts(v, done, next, form); err != nil {
			return err
		}
		if err := w.dataPage(p); err != nil {
			return err
		}
		done = next
	}
	w.endChunk(stats)
	return nil
}

// textForm is how the texts of a column are encoded.
type textForm uint8

const (
	asTexts    textForm = iota // one after the other
	asNumbers                  // numbers in the dictionary
	asSuffixes                 // what each does not share with the one before: for sorted texts
)

// encodeTexts encodes values lo to before hi.
func (e *encoder) encodeTexts(v values, lo, hi int, form textForm) (encoded []byte, by format.Encoding, err error) {
	part := v.slice(lo, hi)
	switch form {
	case asNumbers:
		e.encoded, err = e.indexRLE.EncodeInt32(e.encoded, e.dictionary.indexes[lo:hi])
		return e.encoded, format.RLEDictionary, err
	case asSuffixes:
		err = e.encodeSuffixes(part)
		return e.encoded, format.DeltaByteArray, err
	}
	e.encoded, err = e.texts.EncodeByteArray(e.encoded, part.bytes(), part.ends)
	return e.encoded, format.DeltaLengthByteArray, err
}

// encodeSuffixes encodes texts as DELTA_BYTE_ARRAY: the lengths of what each
// shares with the one before, and then the rest of each.
func (e *encoder) encodeSuffixes(v values) (err error) {
	n := v.len()
	e.shorts = slices.Grow(e.shorts[:0], n)[:n]
	e.suffixes.data, e.suffixes.ends = e.suffixes.data[:0], append(e.suffixes.ends[:0], 0)
	var last []byte
	for i := range n {
		text := v.at(i)
		shared := sharedLength(last, text)
		e.shorts[i] = int32(shared)
		e.suffixes.data = append(e.suffixes.data, text[shared:]...)
		e.suffixes.ends = append(e.suffixes.ends, uint32(len(e.suffixes.data)))
		last = text
	}
	if e.encoded, err = e.deltas.EncodeInt32(e.encoded, e.shorts); err != nil {
		return err
	}
	if e.rest, err = e.texts.EncodeByteArray(e.rest, e.suffixes.data, e.suffixes.ends); err != nil {
		return err
	}
	e.encoded = append(e.encoded, e.rest...)
	return nil
}

// longestBound is the length up to which a text is kept as a bound of its column.
const longestBound = 128

// textBounds returns the bounds of a column, or none if they are long.
func textBounds(low, high []byte) (minimum, maximum []byte) {
	if len(low) > longestBound || len(high) > longestBound {
		return nil, nil
	}
	return slices.Clone(low), slices.Clone(high)
}

// pageRowsFor returns how many rows of a column make a page.
func pageRowsFor(bytes, rows int) int {
	perRow := 1 + bytes/max(rows, 1)
	return max(1, min(pageBytes/perRow, pageBytes/4))
}

// collection writes lists, and maps as two columns of keys and values.
func (e *encoder) collection(w *fileWriter, c *column, rows rowRange) error {
	parts := 1
	if c.field.Kind == entity.TextMap {
		parts = 2
	}
	for part := range parts {
		w.beginChunk()
		pageRows := pageRowsFor(len(c.data), c.len())
		empty := 0
		for lo := 0; lo < rows.len(); lo += pageRows {
			p, err := e.collectionPage(c, rows.slice(lo, min(lo+pageRows, rows.len())), part, parts)
			if err != nil {
				return err
			}
			if err := w.dataPage(p); err != nil {
				return err
			}
			empty += p.nulls
		}
		w.endChunk(format.Statistics{NullCount: int64(empty)})
	}
	return nil
}

// collectionPage encodes every parts-th item of the lists, from item part on. An
// empty list is one value that is not there.
func (e *encoder) collectionPage(c *column, rows rowRange, part, parts int) (p page, err error) {
	e.data, e.ends = e.data[:0], append(e.ends[:0], 0)
	e.levels, e.reps = e.levels[:0], e.reps[:0]
	for i := range rows.len() {
		begins := uint8(0)
		for n, rest := 0, c.collectionAt(rows.row(i)); len(rest) > 0; n++ {
			var item []byte
			if item, rest = nextItem(rest); n%parts != part {
				continue
			}
			e.data = append(e.data, item...)
			e.ends = append(e.ends, uint32(len(e.data)))
			e.levels, e.reps = append(e.levels, 1), append(e.reps, begins)
			begins = 1
		}
		if begins == 0 {
			e.levels, e.reps = append(e.levels, 0), append(e.reps, 0)
			p.nulls++
		}
	}
	p.rows, p.values = rows.len(), len(e.levels)
	if p.reps, err = e.levelRLE.EncodeLevels(e.encodedReps, e.reps); err != nil {
		return p, err
	}
	if p.defs, err = e.levelRLE.EncodeLevels(e.encodedLevels, e.levels); err != nil {
		return p, err
	}
	e.encodedReps, e.encodedLevels = p.reps, p.defs
	v := values{data: e.data, ends: e.ends}
	p.data, p.encoding, err = e.encodeTexts(v, 0, v.len(), asTexts)
	return p, err
}

// collectionAt returns the encoded items of list or map value i.
func (c *column) collectionAt(i int) []byte {
	if c.empty() {
		return nil
	}
	return c.text(i)
}

// nextItem splits the first item off encoded items.
func nextItem(items []byte) (item, rest []byte) {
	n, size := binary.Uvarint(items)
	end := size + int(n)
	return items[size:end], items[end:]
}
