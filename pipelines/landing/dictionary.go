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
	tableSize         = 4 * dictionaryEntries
)

// dictionary replaces repeated texts by numbers, in the order of first use.
type dictionary struct {
	seed    maphash.Seed
	table   []uint64 // high half of the hash and number+1 of an entry; 0 is free
	touched []uint32 // used places of the table
	data    []byte   // the entries as a dictionary page holds them
	starts  []uint32 // of the entries' bytes in data
	indexes []int32  // number of each value
}

// lengthPrefix is the size of a text's length in a dictionary page.
const lengthPrefix = 4

func newDictionary() *dictionary {
	return &dictionary{seed: maphash.MakeSeed(), table: make([]uint64, tableSize)}
}

func (d *dictionary) reset() {
	for _, at := range d.touched {
		d.table[at] = 0
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
func (d *dictionary) build(data []byte, ends []uint32) bool {
	d.reset()
	var last []byte
	lastIndex := int32(-1)
	for i := 1; i < len(ends); i++ {
		value := data[ends[i-1]:ends[i]]
		if lastIndex < 0 || !bytes.Equal(value, last) {
			index, ok := d.number(value)
			if !ok {
				return false
			}
			last, lastIndex = value, index
		}
		d.indexes = append(d.indexes, lastIndex)
	}
	return true
}

func (d *dictionary) number(value []byte) (int32, bool) {
	hash := maphash.Bytes(d.seed, value)
	tag := hash &^ (1<<32 - 1)
	for at := uint32(hash) % tableSize; ; at = (at + 1) % tableSize {
		slot := d.table[at]
		if slot == 0 {
			return d.add(value, at, tag)
		}
		if slot&^(1<<32-1) == tag {
			if i := int32(uint32(slot)) - 1; bytes.Equal(d.entry(int(i)), value) {
				return i, true
			}
		}
	}
}

func (d *dictionary) add(value []byte, at uint32, tag uint64) (int32, bool) {
	if len(d.starts) == dictionaryEntries || len(d.data)+len(value) > dictionaryBytes {
		return 0, false
	}
	d.data = binary.LittleEndian.AppendUint32(d.data, uint32(len(value)))
	d.starts = append(d.starts, uint32(len(d.data)))
	d.data = append(d.data, value...)
	d.table[at] = tag | uint64(len(d.starts))
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
func (d *dictionary) pays(data []byte, ends []uint32) bool {
	n := len(ends) - 1
	if n <= sampleSize {
		return n > 1
	}
	d.reset()
	for i := range sampleSize {
		at := i * n / sampleSize
		if _, ok := d.number(data[ends[at]:ends[at+1]]); !ok {
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
