package demo

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
)

// spill turns events that come customer by customer into events day by day
// without holding them in memory: full chunks of a day go to a scratch file.
type spill struct {
	file   *os.File
	size   int64
	days   [][]byte  // the chunk being filled, by day
	chunks [][]int64 // offsets of the day's full chunks in the file
	count  int64     // of orders
	events []event   // of the day read last
	chunk  []byte
}

const (
	eventBytes = 16
	chunkBytes = 256 * eventBytes
)

func newSpill(path string, days int) (*spill, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make a scratch file: %w", err)
	}
	return &spill{file: file, days: make([][]byte, days), chunks: make([][]int64, days), chunk: make([]byte, chunkBytes)}, nil
}

// add keeps an event for its day.
func (s *spill) add(e event) error {
	day := e.day()
	b := binary.LittleEndian.AppendUint32(s.days[day], e.second)
	b = binary.LittleEndian.AppendUint32(b, e.customer)
	b = binary.LittleEndian.AppendUint32(b, e.sequence)
	b = binary.LittleEndian.AppendUint32(b, uint32(e.flags))
	s.days[day] = b
	if e.flags&isCall == 0 {
		s.count++
	}
	if len(b) < chunkBytes {
		return nil
	}
	if _, err := s.file.WriteAt(b, s.size); err != nil {
		return fmt.Errorf("write to a scratch file: %w", err)
	}
	s.chunks[day] = append(s.chunks[day], s.size)
	s.size += chunkBytes
	s.days[day] = b[:0]
	return nil
}

// day returns the events of a day in the order of time. They are valid until the
// next call.
func (s *spill) day(day int) ([]event, error) {
	s.events = s.events[:0]
	for _, offset := range s.chunks[day] {
		if _, err := s.file.ReadAt(s.chunk, offset); err != nil {
			return nil, fmt.Errorf("read a scratch file: %w", err)
		}
		s.decode(s.chunk)
	}
	s.decode(s.days[day])
	s.days[day] = nil
	slices.SortFunc(s.events, compareEvents)
	return s.events, nil
}

func (s *spill) decode(b []byte) {
	for ; len(b) > 0; b = b[eventBytes:] {
		s.events = append(s.events, event{
			second:   binary.LittleEndian.Uint32(b),
			customer: binary.LittleEndian.Uint32(b[4:]),
			sequence: binary.LittleEndian.Uint32(b[8:]),
			flags:    eventFlags(binary.LittleEndian.Uint32(b[12:])),
		})
	}
}

// close removes the scratch file.
func (s *spill) close() error {
	err := s.file.Close()
	if removed := os.Remove(s.file.Name()); err == nil {
		err = removed
	}
	return err
}
