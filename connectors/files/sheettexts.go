package files

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// sharedTexts are the texts of a workbook's cells, by number. What is more than
// fits is kept in a file without a name.
type sharedTexts struct {
	file    *opened
	ends    []int64 // of each text
	memory  []byte  // the last texts, while they are read; all of them if they fit
	spilled *os.File
	onDisk  int64 // bytes of it
	blocks  [spilledBlocks]spilledBlock
}

// spilledBlock is a part of the file that is kept in memory. Neighbouring cells
// share neighbouring texts.
type spilledBlock struct {
	number int64 // from 1; 0: none
	data   []byte
}

const (
	mostTexts     = 32 << 20 // bytes in memory
	spilledSize   = 64 << 10
	spilledBlocks = 64
)

// readTexts reads the texts of a workbook.
func (w *workbook) readTexts() (*sharedTexts, error) {
	t := &sharedTexts{file: w.file}
	if w.parts[w.strings] == nil {
		return t, nil
	}
	err := w.each(w.strings, func(x *xmlReader) (err error) {
		if !x.begins("si") {
			return nil
		}
		if t.memory, err = x.textOf(t.memory, "rPh"); err != nil {
			return err
		}
		t.ends = append(t.ends, t.onDisk+int64(len(t.memory)))
		if len(t.memory) > mostTexts {
			err = t.spill()
		}
		return err
	})
	if err == nil && t.spilled != nil {
		err = t.spill()
	}
	return t, err
}

// spill moves the texts in memory to the file.
func (t *sharedTexts) spill() (err error) {
	if t.spilled == nil {
		if t.spilled, err = t.file.spare(); err != nil {
			return err
		}
	}
	n, err := t.spilled.Write(t.memory)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", t.file.file.Name(), err)
	}
	t.onDisk += int64(n)
	t.memory = t.memory[:0]
	return nil
}

// get appends a text by its number.
func (t *sharedTexts) get(into []byte, n int) ([]byte, error) {
	if t == nil || n < 0 || n >= len(t.ends) {
		return into, damagef(nil, "the workbook is damaged, a cell holds a text (%d) that it does not have: what follows cannot be read", n)
	}
	from := int64(0)
	if n > 0 {
		from = t.ends[n-1]
	}
	if t.spilled == nil {
		return append(into, t.memory[from:t.ends[n]]...), nil
	}
	for from < t.ends[n] {
		block, err := t.block(from / spilledSize)
		if err != nil {
			return into, err
		}
		part := block[from%spilledSize:]
		part = part[:min(int64(len(part)), t.ends[n]-from)]
		into = append(into, part...)
		from += int64(len(part))
	}
	return into, nil
}

// block returns a part of the file.
func (t *sharedTexts) block(number int64) ([]byte, error) {
	b := &t.blocks[number%spilledBlocks]
	if b.number == number+1 {
		return b.data, nil
	}
	if b.data == nil {
		b.data = make([]byte, spilledSize)
	}
	b.data = b.data[:spilledSize]
	n, err := t.spilled.ReadAt(b.data, number*spilledSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the unpacked %s: %w", t.file.file.Name(), err)
	}
	b.number, b.data = number+1, b.data[:n]
	return b.data, nil
}
