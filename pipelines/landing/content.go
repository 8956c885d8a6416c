package landing

import (
	"bytes"
	"encoding/json"
	"strings"

	"winback/connectors/entity"
)

// content says whether a field tells what a record is, rather than how it was
// read. A record that has vanished differs from one that is there.
func content(f *entity.Field) bool { return !f.Meta || f.Name == "deleted" }

// repeat is a row whose key another row has already, with other content.
type repeat struct{ first, row uint32 }

// dropRepeats leaves the first row of each key in an order by key. Rows with the
// same content are counted, others returned.
func dropRepeats(b *buffer, order []uint32) (kept []uint32, lost []repeat, same int64) {
	kept = order[:1]
	for _, row := range order[1:] {
		first := kept[len(kept)-1]
		switch {
		case compareKeys(b, first, row) != 0:
			kept = append(kept, row)
		case sameContent(b, int(first), b, int(row)):
			same++
		default:
			lost = append(lost, repeat{first: first, row: row})
		}
	}
	return kept, lost, same
}

// sameContent says whether row i of a buffer and row j of another, or of the
// same, hold the same record.
func sameContent(a *buffer, i int, b *buffer, j int) bool {
	for at := range a.columns {
		x, y := &a.columns[at], &b.columns[at]
		if !content(x.field) || x.empty() && y.empty() {
			continue
		}
		if x.null(i) != y.null(j) {
			return false
		}
		if numeric(x.field.Kind) {
			if x.number(i) != y.number(j) {
				return false
			}
		} else if !bytes.Equal(x.text(i), y.text(j)) {
			return false
		}
	}
	return true
}

func keyNames(s *entity.Schema) string { return strings.Join(s.KeyNames(), ", ") }

func keyText(b *buffer, row uint32) string { return strings.Join(keyTexts(b, row), ", ") }

// recordText writes what a row holds as JSON, in the contract's order.
func recordText(b *buffer, row uint32) string {
	var text bytes.Buffer
	text.WriteByte('{')
	for at := range b.columns {
		c := &b.columns[at]
		if c.field.Meta || c.null(int(row)) || c.empty() {
			continue
		}
		if text.Len() > 1 {
			text.WriteByte(',')
		}
		writeJSON(&text, c.field.Name)
		text.WriteByte(':')
		writeJSON(&text, jsonValue(c, int(row)))
	}
	text.WriteByte('}')
	return text.String()
}

func writeJSON(to *bytes.Buffer, value any) {
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	if e.Encode(value) == nil {
		to.Truncate(to.Len() - 1) // the line's end
	}
}

func jsonValue(c *column, row int) any {
	switch c.field.Kind {
	case entity.TextList:
		return c.items(row)
	case entity.TextMap:
		items := c.items(row)
		pairs := make(map[string]string, len(items)/2)
		for i := 0; i+1 < len(items); i += 2 {
			pairs[items[i]] = items[i+1]
		}
		return pairs
	case entity.Bool:
		return c.number(row) != 0
	case entity.Int, entity.Dec:
		return json.Number(valueText(c, row))
	}
	return valueText(c, row)
}

// items returns the items of list or map value i.
func (c *column) items(i int) []string {
	items := []string{}
	for rest := c.collectionAt(i); len(rest) > 0; {
		var item []byte
		item, rest = nextItem(rest)
		items = append(items, string(item))
	}
	return items
}
