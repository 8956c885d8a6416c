package files

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const interleavedConfig = `
datasets:
  invoices:
    files: "*.csv"
    group_by: No
    window: %d
    entities:
      shop.orders: {fields: {id: No, items_total: {column: Sum, fold: sum}}}
      shop.order_lines: {fields: {order_id: No, line_no: {auto: line_number}, price: Sum}}
`

// However the lines of documents are mixed, each document comes out once, whole
// and with its lines in their order, as long as the window holds the open ones.
func TestDocuments_Interleaved(t *testing.T) {
	const documents, open = 20_000, 40
	random := rand.New(rand.NewPCG(1, 2))
	type doc struct{ id, lines, left, sum int }
	var text strings.Builder
	text.WriteString("No,Sum\n")
	var live []*doc
	want := map[string]bool{}
	for next := 0; next < documents || len(live) > 0; {
		if next < documents && len(live) < open {
			n := 1 + random.IntN(30)
			live = append(live, &doc{id: next, lines: n, left: n})
			next++
		}
		at := random.IntN(len(live))
		d := live[at]
		amount := random.IntN(1000)
		d.sum += amount
		d.left--
		fmt.Fprintf(&text, "%d,%d\n", d.id, amount)
		if d.left == 0 {
			want[orderText(d.id, d.sum, d.lines)] = true
			live = append(live[:at], live[at+1:]...)
		}
	}
	f := newFolder(t, fmt.Sprintf(interleavedConfig, 5_000), map[string]string{"i.csv": text.String()})
	m := f.mustExtract()
	if len(m.rejects) > 0 {
		t.Fatalf("reject: %+v", m.rejects[0])
	}
	for _, row := range m.rows["shop.orders"] {
		if !want[row] {
			t.Fatalf("got %s", row)
		}
		delete(want, row)
	}
	if len(want) > 0 {
		t.Errorf("%d documents are missing", len(want))
	}
	if lines := strings.Count(text.String(), "\n") - 1; len(m.rows["shop.order_lines"]) != lines {
		t.Errorf("got %d lines, want %d", len(m.rows["shop.order_lines"]), lines)
	}
}

func orderText(id, sum, lines int) string {
	if sum == 0 {
		return fmt.Sprintf("id=%d currency=GBP items_total=0 line_count=%d", id, lines)
	}
	return fmt.Sprintf("id=%d currency=GBP items_total=%d line_count=%d", id, sum, lines)
}

// The same documents in another order of lines, in a second file: all duplicates.
func TestDocuments_ShuffledCopyIsDuplicate(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var lines []string
	for id := range 2_000 {
		for range 1 + random.IntN(5) {
			lines = append(lines, fmt.Sprintf("%d,%d\n", id, random.IntN(3)))
		}
	}
	one := "No,Sum\n" + strings.Join(lines, "")
	random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	f := newFolder(t, fmt.Sprintf(interleavedConfig, 5_000), map[string]string{"a.csv": one, "b.csv": "No,Sum\n" + strings.Join(lines, "")})
	m := f.mustExtract()
	if len(m.rejects) > 0 {
		t.Errorf("reject: %+v", m.rejects[0])
	}
	if len(m.rows["shop.orders"]) != 2_000 || len(m.rows["shop.order_lines"]) != len(lines) {
		t.Errorf("got %d orders, %d lines", len(m.rows["shop.orders"]), len(m.rows["shop.order_lines"]))
	}
	if c := m.counts["shop.orders"]; c.Duplicates != 2_000 || c.Read != 4_000 {
		t.Errorf("got %+v", c)
	}
}

// The window is bounded by the text it holds, too.
func TestWindow_Bytes(t *testing.T) {
	w := newWindow(1 << 30)
	line := make([]byte, 1<<20)
	for i := range 40 {
		w.add(fmt.Append(nil, i), line, int64(i))
		for w.full() {
			w.closeOldest()
		}
	}
	if w.bytes > windowBytes || len(w.open) < 10 {
		t.Errorf("holds %d documents, %d bytes", len(w.open), w.bytes)
	}
	if w.newest().key != "39" || w.closeOldest().key == "0" {
		t.Error("the newest were closed")
	}
}
