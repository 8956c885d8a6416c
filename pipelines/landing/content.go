package landing

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/cespare/xxhash/v2"

	"winback/connectors/entity"
)

// content says whether a field tells what a record is, rather than how it was
// read. A record that has vanished differs from one that is there.
func content(f *entity.Field) bool { return !f.Meta || f.Name == "deleted" }

// contentHash hashes what a row holds, so that rows with the same hash hold the
// same record.
func contentHash(b *buffer, row int) uint64 {
	var bytes [10]byte
	digest := xxhash.New()
	for at := range b.columns {
		c := &b.columns[at]
		if !content(c.field) {
			continue
		}
		if c.null(row) {
			_, _ = digest.Write([]byte{0}) // never fails, as below
			continue
		}
		if numeric(c.field.Kind) {
			bytes[0] = 1
			binary.LittleEndian.PutUint64(bytes[1:], uint64(c.number(row)))
			_, _ = digest.Write(bytes[:9])
			continue
		}
		text := c.text(row)
		_, _ = digest.Write(binary.AppendUvarint(append(bytes[:0], 1), uint64(len(text))))
		_, _ = digest.Write(text)
	}
	return digest.Sum64()
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
