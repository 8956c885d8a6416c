package shopify

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A file of a bulk operation has records and their children as lines of their own,
// in any order. To join them without holding the file in memory, the lines are
// dealt out to temporary files by family, each small enough to be joined by itself.

// spool are those files.
type spool struct {
	files   []*os.File
	writers []*bufio.Writer
}

// spoolBytes is about how large one of the files is.
const spoolBytes = 16 << 20

// newSpool makes a spool for so many bytes.
func newSpool(size int64) (*spool, error) {
	p := &spool{}
	for range min(size/spoolBytes, 255) + 1 {
		f, err := os.CreateTemp("", "winback-bulk-*")
		if err != nil {
			p.close()
			return nil, fmt.Errorf("make a temporary file: %w", err)
		}
		_ = os.Remove(f.Name()) // it lives as long as it is open; where it cannot be removed now, it is when it is closed
		p.files, p.writers = append(p.files, f), append(p.writers, bufio.NewWriterSize(f, 64<<10))
	}
	return p, nil
}

func (p *spool) close() {
	for _, f := range p.files {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}

// add keeps a line with its family.
func (p *spool) add(family string, line []byte) error {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(family))
	w := p.writers[int(hash.Sum32()%uint32(len(p.writers)))]
	if _, err := w.Write(line); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	return w.WriteByte('\n')
}

// familiesAtOnce is how many records are handed over at a time.
const familiesAtOnce = 100

// families hands over the records, each with its children, some at a time.
func (p *spool) families(child string, each func(records []json.RawMessage) error) error {
	for i, f := range p.files {
		if err := errors.Join(p.writers[i].Flush(), rewind(f)); err != nil {
			return fmt.Errorf("read a temporary file again: %w", err)
		}
		records, err := join(f, child)
		if err != nil {
			return err
		}
		for len(records) > 0 {
			n := min(len(records), familiesAtOnce)
			if err := each(records[:n]); err != nil {
				return err
			}
			records = records[n:]
		}
	}
	return nil
}

func rewind(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// join puts the children of a file to their records. Children whose record is not
// there are of one that has gone meanwhile.
func join(f io.Reader, child string) ([]json.RawMessage, error) {
	var order []string
	records := map[string]map[string]json.RawMessage{}
	children := map[string][]json.RawMessage{}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 1<<20), longestLine)
	for lines.Scan() {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(lines.Bytes(), &fields); err != nil {
			return nil, fmt.Errorf("read a temporary file: %w", err)
		}
		var id, parent string
		_ = json.Unmarshal(fields["id"], &id)
		_ = json.Unmarshal(fields["__parentId"], &parent)
		if parent == "" {
			order, records[id] = append(order, id), fields
			continue
		}
		delete(fields, "__parentId")
		text, _ := json.Marshal(fields)
		children[parent] = append(children[parent], text)
	}
	list := make([]json.RawMessage, 0, len(order))
	for _, id := range order {
		if child == "" {
			text, _ := json.Marshal(records[id])
			list = append(list, text)
			continue
		}
		list = append(list, joined(records[id], child, children[id]))
	}
	return list, lines.Err()
}
