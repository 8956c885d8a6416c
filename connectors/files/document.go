package files

import (
	"container/list"
)

// windowBytes bounds the text of the documents held open, besides their number.
const windowBytes = 16 << 20

// spareBytes bounds the memory kept for documents to come.
const spareBytes = 4 << 20

// document is a group of records that make one invoice, receipt or order.
type document struct {
	key   string
	text  []byte // of its records, end to end
	lines []documentLine
	place *list.Element

	// broken says why no record of it can be used.
	broken *misfit
	// outcome of the conversion.
	content uint64 // of its rows, whatever their order
	aside   []aside
	emptied []aside    // values left out of records that went on
	rows    []rowRange // by entity
	ignored []int64    // by entity: records or documents left out
}

// documentLine is one record of a document.
type documentLine struct {
	end  int // of its text
	line int64
}

// rowRange is a range of the rows of a batch.
type rowRange struct{ from, to int }

// record returns the text and the line of record i.
func (d *document) record(i int) ([]byte, int64) {
	from := 0
	if i > 0 {
		from = d.lines[i-1].end
	}
	return d.text[from:d.lines[i].end], d.lines[i].line
}

func (d *document) reset(key string) {
	*d = document{key: key, text: d.text[:0], lines: d.lines[:0], aside: d.aside[:0], emptied: d.emptied[:0], rows: d.rows[:0], ignored: d.ignored[:0]}
}

// window holds the open documents of a file, those untouched for longest first.
type window struct {
	most  int
	bytes int
	open  map[string]*document
	order *list.List
	spare []*document // closed ones, for their memory
	kept  int         // memory of the spare ones' texts
}

func newWindow(most int) *window {
	return &window{most: max(most, 1), open: map[string]*document{}, order: list.New()}
}

// add puts a record into its document, which it opens if need be.
func (w *window) add(key, raw []byte, line int64) {
	d := w.open[string(key)]
	if d == nil {
		d = w.fresh(string(key))
		d.place = w.order.PushBack(d)
		w.open[d.key] = d
	} else {
		w.order.MoveToBack(d.place)
	}
	d.text = append(append(d.text, raw...), '\n')
	d.lines = append(d.lines, documentLine{end: len(d.text), line: line})
	w.bytes += len(raw) + 1
}

func (w *window) fresh(key string) *document {
	if n := len(w.spare); n > 0 {
		d := w.spare[n-1]
		w.spare = w.spare[:n-1]
		w.kept -= cap(d.text)
		d.reset(key)
		return d
	}
	return &document{key: key}
}

// full says that the oldest document must be closed before another is opened.
func (w *window) full() bool {
	return len(w.open) > w.most || w.bytes > windowBytes && len(w.open) > 1
}

// closeOldest takes the document that was not touched for longest out; nil if
// none is open.
func (w *window) closeOldest() *document {
	first := w.order.Front()
	if first == nil {
		return nil
	}
	d := w.order.Remove(first).(*document)
	d.place = nil
	delete(w.open, d.key)
	w.bytes -= len(d.text)
	return d
}

// newest returns the document that was touched last, nil if none is open.
func (w *window) newest() *document {
	if last := w.order.Back(); last != nil {
		return last.Value.(*document)
	}
	return nil
}

// reuse takes documents back whose memory may be used again.
func (w *window) reuse(documents []*document) {
	for _, d := range documents {
		if w.kept+cap(d.text) <= spareBytes {
			w.kept += cap(d.text)
			w.spare = append(w.spare, d)
		}
	}
}

// firstSeen is where a document was met first, and with what content.
type firstSeen struct {
	content uint64
	line    uint32 // cut to 32 bits, as there are many of these
	file    int32  // place among the extraction's files
}
