package scaffold

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
)

// scanBytes is how much of a file, unpacked, is read for the last day in it.
const scanBytes = 256 << 20

// lastOrder finds the last day with an order; the zero time when there is none, or when a file is too long to be read
// for this.
func lastOrder(all []*dataset) time.Time {
	var last time.Time
	for _, d := range all {
		column := d.guess.fields["ordered_at"]
		if column == "" || d.role != orders && d.role != invoices {
			continue
		}
		found := daysOf(d.values(column))
		if len(found.layouts) != 1 || found.open {
			return time.Time{}
		}
		read := dayReader(found.layouts[0])
		for _, t := range d.tables {
			day, whole := t.lastDay(d.nameIn(t, column), read)
			if !whole {
				return time.Time{}
			}
			if day.After(last) {
				last = day
			}
		}
	}
	return last
}

// lastDay reads a whole file for the last day in a column; false when it is too long or breaks off.
func (t *table) lastDay(column string, read func(string) (time.Time, bool)) (last time.Time, whole bool) {
	if !t.plain() {
		for _, row := range t.rows {
			if at := slices.Index(t.columns, column); at >= 0 && at < len(row) {
				if day, ok := read(strings.TrimSpace(row[at])); ok && day.After(last) {
					last = day
				}
			}
		}
		return last, t.whole
	}
	in, err := t.unpacked()
	if err != nil {
		return last, false
	}
	defer in.Close()
	limited := &io.LimitedReader{R: in, N: scanBytes}
	text := decoded(limited, t.encoding)
	look := func(value string) {
		if day, ok := read(strings.TrimSpace(value)); ok && day.After(last) {
			last = day
		}
	}
	if t.format == "ndjson" {
		err = eachObject(text, column, look)
	} else {
		err = t.eachLine(text, column, look)
	}
	return last, err == nil && limited.N > 0
}

func (t *table) eachLine(text io.Reader, column string, look func(string)) error {
	at := slices.Index(t.columns, column)
	reader := newLines(text, t.delimiter)
	reader.ReuseRecord = true
	for {
		record, err := reader.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if at >= 0 && at < len(record) {
			look(record[at])
		}
	}
}

func eachObject(text io.Reader, column string, look func(string)) error {
	reader := bufio.NewScanner(text)
	reader.Buffer(nil, 16<<20)
	for reader.Scan() {
		var object map[string]any
		if json.Unmarshal(reader.Bytes(), &object) != nil {
			continue
		}
		flat := map[string]string{}
		flatten("", object, flat)
		look(flat[column])
	}
	return reader.Err()
}
