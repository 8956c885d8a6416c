package files

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
)

// replayed runs the rejects of an extraction through the source as it is now.
func (f *folder) replayed(rejects []connectors.Reject) *memory {
	f.t.Helper()
	m := newMemory()
	if err := f.source.(connectors.Replayer).Replay(f.t.Context(), f.request(), rejects, m); err != nil {
		f.t.Fatal(err)
	}
	return m
}

// reasons are the places and reasons of rejects.
func (m *memory) reasons() []string {
	var list []string
	for _, r := range m.rejects {
		list = append(list, fmt.Sprintf("%s:%d %s %s", r.Input, r.Line, r.Column, r.Reason))
	}
	return list
}

const strictTotal = `
payload: none
datasets:
  shop.orders:
    files: in/*
    fields: {id: id, items_total: total}
`

// A record is read again from what was kept of it: its file may be gone.
func TestReplay_FromTheRecordsText(t *testing.T) {
	for _, c := range []struct{ name, file, text, mended string }{
		{"delimiter and header as they were", "a.csv", "id;total\n1;10,50\n2;x\n3;\"1\n0\"\n4;7\n", `items_total: {column: total, decimal_comma: true}`},
		{"a column that was missing", "a.csv", "id,sum\n1,10.50\n2,x\n4,7\n", `items_total: {column: sum}`},
		{"a line each", "a.ndjson", `{"id":1,"total":"10,50"}` + "\n" + `{"id":2,"total":"x"}` + "\n" + `{"id":4,"total":"7"}` + "\n", `items_total: {column: total, decimal_comma: true}`},
		{"a document", "a.json", `[{"id":1,"total":"10,50"},{"id":2,"total":"x"},{"id":4,"total":"7"}]`, `items_total: {column: total, decimal_comma: true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFolder(t, strictTotal, map[string]string{"in/" + c.file: c.text})
			rejects := f.mustExtract().rejects
			if len(rejects) < 2 {
				t.Fatalf("only %d records were rejected", len(rejects))
			}
			f.configure(strings.Replace(strictTotal, "items_total: total", c.mended, 1))
			if err := os.Remove(filepath.Join(f.dir, "in", c.file)); err != nil {
				t.Fatal(err)
			}
			m := f.replayed(append(rejects, rejects...))
			if len(m.rows["shop.orders"]) == 0 || m.rows["shop.orders"][0] != "id=1 currency=GBP items_total=10.5" {
				t.Errorf("got %q", m.rows["shop.orders"])
			}
			line := m.origins["shop.orders"][0].Line
			if line != rejects[0].Line || m.inputs[0] != "in/"+c.file {
				t.Errorf("it is said to be of line %d of %q", line, m.inputs)
			}
			for _, r := range m.rejects {
				if r.Value != "x" && r.Reason == "" {
					t.Errorf("rejected again: %+v", r)
				}
			}
			if len(m.rejects) == 0 {
				t.Error("a record that does not fit still was taken")
			}
		})
	}
}

// What is only a part of a record is never taken for the whole.
func TestReplay_TornRecordsNeedTheirFile(t *testing.T) {
	f := newFolder(t, strictTotal, map[string]string{"in/a.csv": "id,total\n1,10\n2," + strings.Repeat("9", clipped) + "\n"})
	rejects := f.mustExtract().rejects
	if len(rejects) != 1 || rejects[0].Form != "" {
		t.Fatalf("got %d rejects", len(rejects))
	}
	f.configure(strings.Replace(strictTotal, "items_total: total", "number: total", 1))
	m := f.replayed(rejects)
	if got := m.rows["shop.orders"]; len(got) != 1 || len(got[0]) < clipped {
		t.Errorf("read again from the file: %d rows", len(got))
	}
	f.write("in/a.csv", "id,total\n1,10\n")
	want := []string{"in/a.csv:3 total it has to be read again with the whole file, which has changed since: winback run reads the changed file"}
	if diff := cmp.Diff(want, f.replayed(rejects).reasons()); diff != "" {
		t.Error(diff)
	}
	if err := os.Remove(filepath.Join(f.dir, "in/a.csv")); err != nil {
		t.Fatal(err)
	}
	want = []string{"in/a.csv:3 total it has to be read again with the whole file, which is not there any more: put it back, or discard the record"}
	if diff := cmp.Diff(want, f.replayed(rejects).reasons()); diff != "" {
		t.Error(diff)
	}
}

const invoices = `
payload: none
datasets:
  invoices:
    files: in/*.csv
    group_by: no
    entities:
      shop.orders: {fields: {id: no, items_total: {column: sum, fold: sum}, line_count: {auto: line_count}}}
      shop.order_lines: {fields: {order_id: no, line_no: {auto: line_number}, quantity: sum}}
`

// A line of an invoice comes back with the whole invoice, and with no other.
func TestReplay_DocumentsAreReadWhole(t *testing.T) {
	f := newFolder(t, invoices, map[string]string{
		"in/a.csv": "no,sum\nA,1\nB,2\nA,\"3,5\"\nC,oops\nB,4\n",
		"in/b.csv": "no,sum\nD,x\n",
	})
	rejects := f.mustExtract().rejects
	source := f.source.(connectors.Replayer)
	if !source.ReplaysWhole("invoices") || len(rejects) != 3 {
		t.Fatalf("rejected: %v", rejects)
	}
	f.configure(strings.ReplaceAll(strings.Replace(invoices, "quantity: sum", "quantity: {column: sum, decimal_comma: true}", 1),
		"column: sum, fold", "column: sum, decimal_comma: true, fold"))
	m := f.replayed(rejects)
	if want := []string{"id=A currency=GBP items_total=4.5 line_count=2"}; !slices.Equal(m.rows["shop.orders"], want) {
		t.Errorf("orders: got %q, want %q", m.rows["shop.orders"], want)
	}
	if want := []string{"order_id=A line_no=1 quantity=1", "order_id=A line_no=2 quantity=3.5"}; !slices.Equal(m.rows["shop.order_lines"], want) {
		t.Errorf("lines: got %q, want %q", m.rows["shop.order_lines"], want)
	}
	if got := m.reasons(); len(got) != 2 || !strings.HasPrefix(got[0], "in/a.csv:5 sum is not a number") || !strings.HasPrefix(got[1], "in/b.csv:2 sum is not a number") {
		t.Errorf("rejected again: %q", got)
	}
}

func TestReadWhole(t *testing.T) {
	f := newFolder(t, strictTotal, map[string]string{"in/a.csv": "id,total\n1,10\n", "in/b.csv": "id,total\n2,20\n"})
	whole := func() []string {
		names, err := f.source.(connectors.Rereader).ReadWhole(f.past[len(f.past)-1])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	f.mustExtract()
	if got := whole(); !slices.Equal(got, []string{"in/a.csv", "in/b.csv"}) {
		t.Errorf("at first: %q", got)
	}
	f.write("in/a.csv", "id,total\n1,10\n3,30\n") // grown
	f.age("in/b.csv")                             // touched
	f.write("in/c.csv", "id,total\n4,40\n")
	f.mustExtract()
	if got := whole(); !slices.Equal(got, []string{"in/c.csv"}) {
		t.Errorf("then: %q", got)
	}
}
