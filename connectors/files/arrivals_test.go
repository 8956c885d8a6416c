package files

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
)

// took extracts, and lists the rows, the rejects with their lines and the notices.
func (f *folder) took() []string {
	f.t.Helper()
	var told []string
	m, req := newMemory(), f.request()
	req.Notice = func(n connectors.Notice) { told = append(told, n.Kind+": "+n.Text) }
	next, err := f.source.Extract(context.Background(), req, m)
	if err != nil {
		return append(told, "error: "+strings.ReplaceAll(err.Error(), f.dir, "DIR"))
	}
	if next.Cursor != nil {
		f.past = append(f.past, next.Cursor)
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m.rows)) {
		for _, row := range m.rows[name] {
			out = append(out, strings.ReplaceAll(row, " currency=GBP", ""))
		}
	}
	for _, r := range m.rejects {
		out = append(out, fmt.Sprintf("reject line %d: %s", r.Line, r.Reason))
	}
	return append(out, told...)
}

func (f *folder) wants(what string, want ...string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.took()); diff != "" {
		f.t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

// appendTo writes at the end of a file.
func (f *folder) appendTo(name, text string) {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(text)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) remove(name string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// A file of another sort that has no records yet leaves nothing to put aside.
func TestExtract_TellsOfAHeaderThatDoesNotFit(t *testing.T) {
	t.Parallel()
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note\n", "in/b.csv": "number;remark\n", "in/c.csv": ""})
	const reason = `columns "id", "note" are missing; add the file's name to rename, or say optional: true (the file has: `
	f.wants("nothing but a header", "unfit: in/b.csv has no records, and a header that does not fit: "+reason+"number, remark)")
	f.wants("told once")
	f.write("in/d.csv", "x\n")
	f.write("in/e.csv", "y\n")
	f.wants("two of them", "unfit: 2 files have no records, and a header that does not fit: in/d.csv, in/e.csv (in/d.csv: "+reason+"x))")
	f.appendTo("in/b.csv", "1;a\n")
	f.wants("its first record", "reject line 2: "+reason+"number, remark)")
}

func TestAppended_OnlyTheNewLinesAreRead(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note\n1,a\n2,b\n"})
	f.wants("first", "id=1 channel=a", "id=2 channel=b")
	f.appendTo("in/a.csv", "3,c\n,no id\n")
	f.wants("two lines more", "id=3 channel=c", "reject line 5: is empty, but id needs a value")
	f.wants("nothing more")
	f.appendTo("in/a.csv", "4,d")
	f.wants("a last line without an end counts", "id=4 channel=d")
	f.appendTo("in/a.csv", "\r\n5,e,\"\n")
	f.wants("its end is no record", "reject line 7: a quoted field is not closed")
	f.appendTo("in/a.csv", "6,f\n")
	f.wants("behind a quote left open no record is known to begin: read whole again",
		"id=1 channel=a", "id=2 channel=b", "id=3 channel=c", "id=4 channel=d", "id=6 channel=f",
		"reject line 5: is empty, but id needs a value", "reject line 7: a quoted field is not closed")
}

func TestAppended_ReadWholeWhereItIsNotTheSameFile(t *testing.T) {
	tests := []struct{ name, file, first, then string }{
		{"the last line went on", "in/a.csv", "id,note\n1,a", "id,note\n1,ab\n"},
		{"a value was overwritten in place", "in/a.csv", "id,note\n1,a\n", "id,note\n1,b\n2,c\n"},
		{"packed", "in/a.csv.gz", packed(t, "id,note\n1,a\n"), packed(t, "id,note\n1,a\n") + packed(t, "2,b\n")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, ordersConfig, map[string]string{test.file: test.first})
			f.took()
			f.write(test.file, test.then)
			whole := newFolder(t, ordersConfig, map[string]string{test.file: test.then})
			f.wants("then", whole.took()...)
		})
	}
}

func TestAppended_AHeaderThatGoesOn(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note"})
	f.wants("nothing but a header")
	f.appendTo("in/a.csv", ",more\n1,a,x\n")
	f.wants("it had another column", `payload={"more":"x"} id=1 channel=a`)
}

func TestAppended_DocumentsAreReadWhole(t *testing.T) {
	f := newFolder(t, `
datasets:
  orders:
    files: a.csv
    group_by: id
    entities:
      shop.order_lines: {fields: {order_id: id, line_no: {auto: line_number}, sku: sku}}
`, map[string]string{"a.csv": "id,sku\n1,x\n1,y\n"})
	f.wants("first", "order_id=1 line_no=1 sku=x", "order_id=1 line_no=2 sku=y")
	f.appendTo("a.csv", "1,z\n")
	f.wants("the document goes on", "order_id=1 line_no=1 sku=x", "order_id=1 line_no=2 sku=y", "order_id=1 line_no=3 sku=z")
}

func TestAppended_OtherEncodingsAndFormats(t *testing.T) {
	f := newFolder(t, strings.Replace(ordersConfig, "fields", "encoding: windows-1251\n    fields", 1), map[string]string{"in/a.csv": "id,note\n1,\xe0\n"})
	f.wants("first", "id=1 channel=а")
	f.appendTo("in/a.csv", "2,\xff\xfe\n\xff\xfe,\xe1\n")
	f.wants("read whole where a place in the text is none in the file", "id=1 channel=а", "id=2 channel=яю", "id=яю channel=б")

	f = newFolder(t, strings.Replace(ordersConfig, "csv*", "ndjson", 1), map[string]string{"in/a.ndjson": `{"id":1,"note":"a"}` + "\n"})
	f.wants("first", "id=1 channel=a")
	f.appendTo("in/a.ndjson", `{"id":2,"note":"b"}`+"\n[]\n")
	f.wants("NDJSON", "id=2 channel=b", "reject line 3: the line is a JSON array; NDJSON has one object a line")
}

func TestAppended_CostIsThatOfTheNewLines(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note\n" + strings.Repeat("1,a\n", 100_000)})
	f.mustExtract()
	f.appendTo("in/a.csv", "2,b\n")
	plan, err := f.source.(connectors.Planner).Plan(context.Background(), f.request())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]connectors.PlannedInput{{Name: "in/a.csv", Bytes: 4, Reason: "appended"}}, plan); diff != "" {
		t.Error(diff)
	}
	m := f.mustExtract()
	if n := m.counts["shop.orders"].Read; n != 1 {
		t.Errorf("read %d records, want 1", n)
	}
}

// A file that is written to while it is read is read to the end of its last whole
// line.
func TestGrowing(t *testing.T) {
	left := "left: 1 file was left for the next run, still being written: "
	tests := []struct {
		name, file, config, first, then string
		while, after                    []string
	}{
		{"half a line", "in/a.csv", ordersConfig, "id,note\n1,a\n2,b", "b\n", []string{"id=1 channel=a"}, []string{"id=2 channel=bb"}},
		{"half a line of another encoding", "in/a.csv", strings.Replace(ordersConfig, "fields", "encoding: windows-1251\n    fields", 1),
			"id,note\n1,\xe0\n2,\xe1", "\xe2\n", []string{"id=1 channel=а", "id=2 channel=б", left + "in/a.csv"}, []string{"id=1 channel=а", "id=2 channel=бв"}},
		{"a quote that is open", "in/a.csv", ordersConfig, "id,note\n1,a\n2,\"b\n", "c\"\n", []string{"id=1 channel=a"}, []string{"id=2 channel=b\nc"}},
		{"nothing but half a header", "in/a.csv", ordersConfig, "id,no", "te\n1,a\n", []string{left + "in/a.csv"}, []string{"id=1 channel=a"}},
		{"the rest never comes", "in/a.csv", ordersConfig, "id,note\n1,a\n2,b", "", []string{"id=1 channel=a"}, []string{"id=2 channel=b"}},
		{"packed: what is there is read, and read again", "in/a.csv.gz", ordersConfig, packed(t, "id,note\n1,a\n"), packed(t, "2,b\n"),
			[]string{"id=1 channel=a", left + "in/a.csv.gz"}, []string{"id=1 channel=a", "id=2 channel=b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, test.config, map[string]string{test.file: test.first})
			s := f.source.(*source)
			s.watch.grows = func(*opened) bool { return true }
			f.wants("while it is written", test.while...)
			f.appendTo(test.file, test.then)
			s.watch.grows = (*opened).growing
			f.wants("after", test.after...)
		})
	}
}

func TestBeingWritten_IsLeftForTheNextRun(t *testing.T) {
	now := time.Now()
	at := func(f *folder, name string, age time.Duration) {
		if err := os.Chtimes(filepath.Join(f.dir, name), now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	left := "left: 1 file was left for the next run, still being written: in/a.csv"
	tests := []struct {
		name   string
		age    time.Duration
		open   bool
		settle string
		want   string
	}{
		{"copied a moment ago", 0, false, "5s", "id=1 channel=a"},
		{"open in a program, and written just now", time.Second, true, "5s", left},
		{"open in a program, and at rest", 6 * time.Second, true, "5s", "id=1 channel=a"},
		{"the settings say when it is at rest", 6 * time.Second, true, "1m", left},
		{"0s looks at nothing", 0, true, "0s", "id=1 channel=a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, "settle: "+test.settle+ordersConfig, map[string]string{"in/a.csv": "id,note\n1,a\n"})
			at(f, "in/a.csv", test.age)
			s := f.source.(*source)
			s.watch.now = func() time.Time { return now }
			if test.open {
				info, err := os.Stat(filepath.Join(f.dir, "in/a.csv"))
				if err != nil {
					t.Fatal(err)
				}
				s.watch.writers = func() map[fileID]bool { return map[fileID]bool{fileIDOf(info): true} }
			}
			f.wants("run", test.want)
		})
	}
}

func TestBeingWritten_ChangesBetweenTwoLooks(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note\n1,a\n", "in/b.csv": "id,note\n2,b\n"})
	s := f.source.(*source)
	a, err := s.arrivals(context.Background(), f.request())
	if err != nil {
		t.Fatal(err)
	}
	f.appendTo("in/a.csv", "3,c\n")
	x := newExtraction(s, a, f.request(), newMemory())
	read, err := x.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != 1 || read[0].Path != "in/b.csv" || len(x.left) != 1 || x.left[0] != "in/a.csv" {
		t.Errorf("read %v, left %v", read, x.left)
	}
}

func TestBeingWritten_ByItsName(t *testing.T) {
	f := newFolder(t, strings.Replace(ordersConfig, "*.csv*", "*", 1), map[string]string{
		"in/a.csv": "id,note\n1,a\n", "in/b.csv.part": "id,note\n2,b\n", "in/c.csv.crdownload": "", "in/.hidden.csv": "id,note\n3,c\n", "in/~$d.csv": "x",
	})
	f.wants("run", "id=1 channel=a", "left: 2 files were left for the next run, still being written: in/b.csv.part, in/c.csv.crdownload")
	f = newFolder(t, strings.Replace(ordersConfig, "*.csv*", "*.tmp", 1), map[string]string{"in/a.tmp": "id,note\n1,a\n"})
	f.wants("asked for by name", "id=1 channel=a")
}

func TestVanished(t *testing.T) {
	files := map[string]string{"in/a.csv": "id,note\n1,a\n", "in/b.csv": "id,note\n2,b\n3,c\n"}
	gone := "1 file was read and is no longer there: in/b.csv; the rows stay"
	t.Run("is told once", func(t *testing.T) {
		f := newFolder(t, ordersConfig, files)
		f.took()
		f.remove("in/b.csv")
		f.wants("gone", "vanished: "+gone)
		f.wants("told already")
		f.write("in/b.csv", files["in/b.csv"])
		f.wants("there again, and known")
	})
	t.Run("renamed is not gone", func(t *testing.T) {
		f := newFolder(t, ordersConfig, files)
		f.took()
		f.rename("in/b.csv", "in/c.csv")
		f.wants("renamed")
		f.configure(strings.Replace(ordersConfig, "channel", "coupon", 1))
		f.wants("renamed, and mapped anew", "id=1 coupon=a", "id=2 coupon=b", "id=3 coupon=c")
	})
	t.Run("a pattern that no longer asks for it", func(t *testing.T) {
		f := newFolder(t, ordersConfig, files)
		f.took()
		f.configure(strings.Replace(ordersConfig, "*.csv*", "a.csv", 1))
		f.wants("other pattern")
	})
	t.Run("keep", func(t *testing.T) {
		f := newFolder(t, "vanished: keep"+ordersConfig, files)
		f.took()
		f.remove("in/b.csv")
		f.wants("gone")
		f.remove("in/a.csv")
		f.wants("all gone, the folder is there")
		f.write("in/d.csv", "id,note\n4,d\n")
		f.wants("another has come", "id=4 channel=d")
	})
	t.Run("keep, of which nothing was ever read", func(t *testing.T) {
		f := newFolder(t, "vanished: keep"+ordersConfig, files)
		f.remove("in/a.csv")
		f.remove("in/b.csv")
		if told := f.took(); len(told) != 1 || !strings.Contains(told[0], "no file fits") {
			t.Errorf("told %s", told)
		}
	})
	t.Run("fail", func(t *testing.T) {
		f := newFolder(t, "vanished: fail"+ordersConfig, files)
		f.took()
		f.remove("in/b.csv")
		failed := "error: extract shop.orders: " + gone + "; put back what is missing, or say vanished: warn for the source"
		f.wants("gone", failed)
		f.wants("still gone", failed)
		f.write("in/b.csv", files["in/b.csv"])
		f.wants("there again")
	})
}

func TestShrunk(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note\n1,a\n2,b\n"})
	f.took()
	f.write("in/a.csv", "id,note\n1,c\n")
	f.wants("smaller", "id=1 channel=c",
		"shrunk: 1 file is smaller than before: in/a.csv; read whole again, the rows that are no longer in it stay")
	f.rename("in/a.csv", "in/a-1.csv")
	f.write("in/a.csv", "id,note\n")
	f.wants("put aside under another name and begun anew")
}
