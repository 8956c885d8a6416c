package landing

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// Limits of a dictionary. Beyond them indexes and look-ups cost more than the
// values themselves.
const (
	dictionaryEntries = 1 << 15
	dictionaryBytes   = 1 << 20
	tableBits         = 16
	tableSize         = 1 << tableBits
)

// dictionary replaces repeated texts by numbers, in the order of first use.
type dictionary struct {
	seed    maphash.Seed
	table   []slot
	touched []uint32 // used places of the table
	data    []byte   // the entries as a dictionary page holds them
	starts  []uint32 // of the entries' bytes in data
	indexes []int32  // number of each value
}

// slot is a place of the table. The word is the bytes of a text of up to eight,
// so that looking it up touches nothing else, and the hash of a longer one.
type slot struct {
	word uint64
	size uint32
	next uint32 // number of the entry + 1; 0 is free
}

const (
	lengthPrefix = 4 // size of a text's length in a dictionary page
	wordSize     = 8
)

func newDictionary() *dictionary {
	return &dictionary{seed: maphash.MakeSeed(), table: make([]slot, tableSize)}
}

func (d *dictionary) reset() {
	for _, at := range d.touched {
		d.table[at] = slot{}
	}
	d.touched, d.data, d.starts, d.indexes = d.touched[:0], d.data[:0], d.starts[:0], d.indexes[:0]
}

func (d *dictionary) entries() int { return len(d.starts) }

func (d *dictionary) entry(i int) []byte {
	start := d.starts[i]
	size := binary.LittleEndian.Uint32(d.data[start-lengthPrefix:])
	return d.data[start : start+size]
}

// build numbers the values. It returns false, and is of no use, when there are
// too many different ones.
func (d *dictionary) build(v values) bool {
	d.reset()
	for i := range v.len() {
		index, ok := d.number(v.data, v.ends[i], v.ends[i+1])
		if !ok {
			return false
		}
		d.indexes = append(d.indexes, index)
	}
	return true
}

// number returns the number of the text data[start:end].
func (d *dictionary) number(data []byte, start, end uint32) (int32, bool) {
	size := end - start
	word, at := d.place(data, start, end)
	for ; ; at = (at + 1) % tableSize {
		s := &d.table[at]
		switch {
		case s.next == 0:
			return d.add(data[start:end], at, word)
		case s.word != word || s.size != size:
		case size <= wordSize || bytes.Equal(d.entry(int(s.next-1)), data[start:end]):
			return int32(s.next - 1), true
		}
	}
}

// place returns a text's word and where to look for it first.
func (d *dictionary) place(data []byte, start, end uint32) (word uint64, at uint32) {
	size := end - start
	if size > wordSize {
		word = maphash.Bytes(d.seed, data[start:end])
		return word, uint32(word >> (64 - tableBits))
	}
	if int(start)+wordSize <= len(data) {
		word = binary.LittleEndian.Uint64(data[start:]) & (1<<(8*size) - 1)
	} else {
		for i, c := range data[start:end] {
			word |= uint64(c) << (8 * i)
		}
	}
	const mix = 0x9E3779B97F4A7C15
	mixed := (word ^ uint64(size)) * mix
	return word, uint32((mixed ^ mixed>>29) * mix >> (64 - tableBits))
}

func (d *dictionary) add(value []byte, at uint32, word uint64) (int32, bool) {
	if len(d.starts) == dictionaryEntries || len(d.data)+len(value) > dictionaryBytes {
		return 0, false
	}
	d.data = binary.LittleEndian.AppendUint32(d.data, uint32(len(value)))
	d.starts = append(d.starts, uint32(len(d.data)))
	d.data = append(d.data, value...)
	d.table[at] = slot{word: word, size: uint32(len(value)), next: uint32(len(d.starts))}
	d.touched = append(d.touched, at)
	return int32(len(d.starts) - 1), true
}

// Of sampleSize values spread over a column, sampleRepeats are expected to occur
// before when there are about dictionaryEntries different ones.
const (
	sampleSize    = 2048
	sampleRepeats = sampleSize * sampleSize / 2 / dictionaryEntries
)

// pays says whether the values repeat enough for a dictionary, by a sample.
func (d *dictionary) pays(v values) bool {
	n := v.len()
	if n <= sampleSize {
		return n > 1
	}
	d.reset()
	for i := range sampleSize {
		at := i * n / sampleSize
		if _, ok := d.number(v.data, v.ends[at], v.ends[at+1]); !ok {
			return false
		}
	}
	return sampleSize-d.entries() >= sampleRepeats
}

// bounds returns the smallest and the largest entry.
func (d *dictionary) bounds() (low, high []byte) {
	for i := range d.entries() {
		value := d.entry(i)
		if i == 0 || bytes.Compare(value, low) < 0 {
			low = value
		}
		if i == 0 || bytes.Compare(value, high) > 0 {
			high = value
		}
	}
	return low, high
}
