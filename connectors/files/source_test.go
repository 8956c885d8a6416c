package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"

	"winback/connectors"
	"winback/connectors/spec"
)

const ordersConfig = `
datasets:
  shop.orders:
    files: in/**/*.csv*
    fields: {id: id, channel: note}
`

func TestConfig_TagsAreRight(t *testing.T) {
	if err := spec.Check(&Config{}); err != nil {
		t.Error(err)
	}
}

func TestSource_Datasets(t *testing.T) {
	s := online(t, "")
	list := s.Datasets()
	if len(list) != 1 || list[0].Name != "invoices" || len(list[0].Entities) != 3 {
		t.Errorf("got %+v", list)
	}
}

// age gives a file another time of change, as a copy or a touch does.
func (f *folder) age(name string) {
	f.t.Helper()
	at := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(f.dir, name), at, at); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) rename(from, to string) {
	f.t.Helper()
	if err := os.Rename(filepath.Join(f.dir, from), filepath.Join(f.dir, to)); err != nil {
		f.t.Fatal(err)
	}
}

// planned lists what Plan says, as name: reason.
func (f *folder) planned() []string {
	f.t.Helper()
	list, err := f.source.(connectors.Planner).Plan(context.Background(), f.request())
	if err != nil {
		f.t.Fatal(err)
	}
	var out []string
	for _, p := range list {
		out = append(out, p.Name+": "+p.Reason)
	}
	return out
}

func TestExtract_ReadsOnlyWhatIsNew(t *testing.T) {
	one, two := "id,note\n1,a\n2,b\n", "id,note\n3,c\n"
	steps := []struct {
		name   string
		change func(f *folder)
		plan   []string
		rows   int
		cursor bool
	}{
		{name: "first run", change: func(*folder) {}, plan: []string{"in/a.csv: new"}, rows: 2, cursor: true},
		{name: "nothing new", change: func(*folder) {}},
		{name: "touched", change: func(f *folder) { f.age("in/a.csv") }},
		{name: "another file", change: func(f *folder) { f.write("in/b.csv", two) }, plan: []string{"in/b.csv: new"}, rows: 1, cursor: true},
		{name: "renamed", change: func(f *folder) { f.rename("in/b.csv", "in/c.csv") }},
		{name: "copied", change: func(f *folder) { f.write("in/deep/d.csv", one) }},
		{name: "appended", change: func(f *folder) { f.write("in/a.csv", one+"4,d\n") }, plan: []string{"in/a.csv: appended"}, rows: 1, cursor: true},
		{name: "other content of the same size", change: func(f *folder) { f.write("in/a.csv", one+"5,d\n"); f.age("in/a.csv") },
			plan: []string{"in/a.csv: changed"}, rows: 3, cursor: true},
		{name: "an earlier content again", change: func(f *folder) { f.write("in/a.csv", one) }},
		{name: "two new files alike", change: func(f *folder) { f.write("in/x.csv", "id,note\n9,x\n"); f.write("in/y.csv", "id,note\n9,x\n") },
			plan: []string{"in/x.csv: new", "in/y.csv: new"}, rows: 1, cursor: true},
		{name: "another mapping", change: func(f *folder) { f.configure(strings.ReplaceAll(ordersConfig, "channel: note", "coupon: note")) },
			plan: []string{"in/a.csv: new, or the mapping has changed", "in/c.csv: new, or the mapping has changed",
				"in/deep/d.csv: new, or the mapping has changed", "in/x.csv: new, or the mapping has changed", "in/y.csv: new, or the mapping has changed"},
			rows: 4, cursor: true},
		{name: "after that", change: func(*folder) {}},
	}
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": one})
	for _, step := range steps {
		step.change(f)
		if diff := cmp.Diff(step.plan, f.planned()); diff != "" {
			t.Errorf("%s: plan: -want +got\n%s", step.name, diff)
		}
		before := len(f.past)
		m := f.mustExtract()
		if got := len(m.rows["shop.orders"]); got != step.rows {
			t.Errorf("%s: got %d rows, want %d: %v", step.name, got, step.rows, m.rows)
		}
		if got := len(f.past) > before; got != step.cursor {
			t.Errorf("%s: got a cursor: %t, want %t", step.name, got, step.cursor)
		}
	}
}

func TestExtract_CursorHoldsTheFilesReadThisTime(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note\n1,a\n", "in/b.csv.gz": packed(t, "id,note\n2,b\n")})
	f.mustExtract()
	var c cursor
	if err := json.Unmarshal(f.past[0], &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Files) != 2 || c.Files[0].Path != "in/a.csv" || c.Files[0].Size != 12 || len(c.Files[1].Hash) != 16 || c.Mapping == "" {
		t.Errorf("got %+v", c)
	}
}

func TestExtract_NothingToRead(t *testing.T) {
	tests := []struct {
		name, files, want string
	}{
		{"no file fits", "in/*.tsv", "no file fits *.tsv in folder DIR/in; put the files there, or correct files in the configuration"},
		{"no folder", "out/*.csv", "folder DIR/out does not exist; correct files in the configuration, or create it"},
		{"no file of that name", "in/b.csv", "file DIR/in/b.csv does not exist"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, strings.ReplaceAll(ordersConfig, "in/**/*.csv*", test.files), map[string]string{"in/a.csv": "id,note\n"})
			_, err := f.extract()
			if !errors.Is(err, connectors.ErrNoInput) {
				t.Fatalf("got %v, want ErrNoInput", err)
			}
			if got := strings.ReplaceAll(err.Error(), f.dir, "DIR"); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
		})
	}
}

func TestExtract_UnreadableFile(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "id,note\n1,a\n"})
	// A link to itself can be read by nobody, root included.
	if err := os.Symlink("loop.csv", filepath.Join(f.dir, "in", "loop.csv")); err != nil {
		t.Fatal(err)
	}
	_, err := f.extract()
	if err == nil || len(f.past) > 0 {
		t.Fatalf("got %v and cursors %s", err, f.past)
	}
	t.Log(err)
}

func TestUnreadable(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "a.csv", Err: fs.ErrPermission}, "read a.csv: winback may not read the file, give it the right to: permission denied"},
		{&fs.PathError{Op: "open", Path: "a.csv", Err: fs.ErrNotExist}, "read a.csv: the file has vanished: file does not exist"},
		{errors.New("input/output error"), "read a.csv: input/output error"},
	}
	for _, test := range tests {
		if got := unreadable("a.csv", test.err).Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// gzip that breaks off, at every place: what is read is a part of the rows from
// the start, none is cut short, and the break is put aside.
func TestExtract_TruncatedGzip(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,note\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "%d,note of %d\n", i, i*i)
	}
	whole := packed(t, text.String())
	lines := strings.Split(text.String(), "\n")[1:]
	for size := 3; size < len(whole); size += len(whole)/40 + 1 {
		f := newFolder(t, ordersConfig, map[string]string{"in/a.csv.gz": whole[:size]})
		m := f.mustExtract()
		rows := m.rows["shop.orders"]
		for i, row := range rows {
			id, note, _ := strings.Cut(lines[i], ",")
			if want := fmt.Sprintf("id=%s currency=GBP channel=%s", id, note); row != want {
				t.Fatalf("cut at %d: row %d is %q, want %q", size, i, row, want)
			}
		}
		if len(m.rejects) != 1 || !strings.Contains(m.rejects[0].Reason, "gzip") {
			t.Fatalf("cut at %d: rejects %+v", size, m.rejects)
		}
		f.write("in/a.csv.gz", whole)
		if rows := f.mustExtract().rows["shop.orders"]; len(rows) != 3000 {
			t.Fatalf("cut at %d: the whole file then gives %d rows", size, len(rows))
		}
	}
}

// A check tells of files that hold no records where they should.
func TestCheck_Documents(t *testing.T) {
	f := newFolder(t, strings.ReplaceAll(ordersConfig, "in/**/*.csv*", "\"*.json\"\n    records: data"), map[string]string{
		"a.json": `{"data": [{"id": 1, "note": "x"}]}`, "b.json": `{"orders": []}`, "c.json": `{"data": [`,
	})
	found, err := f.source.(connectors.Checker).Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []connectors.Finding{
		{Dataset: "shop.orders", OK: true, Text: "3 files found, 0.1 kB in all"},
		{Dataset: "shop.orders", OK: true, Text: "a.json: JSON, utf-8", Header: []string{"id", "note"}, Rows: [][]string{{"1", "x"}},
			Fields: []string{"id", "channel"}, Read: [][]string{{"1", "x"}}},
		{Dataset: "shop.orders", Text: "b.json: the file has no records at the path that records: says (it has: orders)"},
		{Dataset: "shop.orders", Text: "c.json: the JSON ends before its array does: the file was cut off here, what followed is missing"},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Other packings break off and are damaged as gzip does and is.
func TestExtract_DamagedArchives(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,note\n")
	for i := range 30_000 {
		fmt.Fprintf(&text, "%d,note of %d\n", i, i*i)
	}
	zst := string(must(zstd.NewWriter(nil)).EncodeAll([]byte(text.String()), nil))
	archive := zipped(t, []txtar.File{{Name: "a.csv", Data: []byte(text.String())}})
	flip := func(text string, at int) string {
		b := []byte(text)
		b[at] ^= 0x55
		return string(b)
	}
	tests := []struct {
		name, data, reason string
		rows               bool
	}{
		{"zstd cut off", zst[:len(zst)/2], "the zstd data end too early", true},
		{"zstd cut off in its head", zst[:5], "the zstd data end too early", false},
		{"zstd damaged", flip(zst, len(zst)/2), "the zstd", true},
		{"zip cut off", archive[:len(archive)/2], "its directory cannot be read", false},
		{"zip damaged", flip(archive, len(archive)/2), "the zip", true},
		{"nothing but the head of a zip", magicZip, "its directory cannot be read", false},
		{"empty zip", zipped(t, nil), "the archive is empty", false},
		{"old workbook", magicOLE + "xls", "save it as .xlsx", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, ordersConfig, map[string]string{"in/a.csv.x": test.data, "in/b.csv": "id,note\n1,b\n"})
			m := f.mustExtract()
			if len(m.rejects) == 0 || !strings.Contains(m.rejects[len(m.rejects)-1].Reason, test.reason) {
				t.Errorf("got rejects %+v", m.rejects)
			}
			if got := len(m.rows["shop.orders"]); got == 0 || got > 1 != test.rows {
				t.Errorf("got %d rows", got)
			}
		})
	}
}

// A plain text can be read on from a place in it, with its header known.
func TestTable_Resume(t *testing.T) {
	const text = "\xEF\xBB\xBFid,note\n1,a\n2,b\n"
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": text, "in/b.csv.gz": packed(t, text)})
	p := f.source.(*source).plans[0]
	for name, resumable := range map[string]bool{"in/a.csv": true, "in/b.csv.gz": false} {
		file, err := open(filepath.Join(f.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		err = file.tables(p, candidate{name: name}, func(table *table) error {
			if got := table.start == int64(strings.Index(text, "1,a")); got != resumable {
				t.Errorf("%s: begins at %d", name, table.start)
			}
			if err := table.resume(int64(strings.Index(text, "2,b")), 3); err == nil != resumable {
				t.Errorf("%s: resume: %v", name, err)
			}
			rest, err := io.ReadAll(table.text)
			if resumable && string(rest) != "2,b\n" {
				t.Errorf("%s: got %q", name, rest)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if hash, err := file.finish(ending{}); err != nil || len(hash) != 16 {
			t.Errorf("got %q, %v", hash, err)
		}
	}
}

// A file that unpacks to far more than it can hold is not unpacked to the end.
func TestUnpack_Bomb(t *testing.T) {
	o := &opened{size: 1 << 20}
	o.unpacked = unpackedRatio<<20 - 1
	if err := o.grown(1); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	o.unpacked = unpackedFloor
	if err := o.grown(1); !strings.Contains(damage(err), "more than 500 times its size") {
		t.Errorf("got %v", err)
	}
}

func TestExtract_DamagedGzip(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,note\n")
	for i := range 3000 {
		fmt.Fprintf(&text, "%d,note of %d\n", i, i*i)
	}
	whole := []byte(packed(t, text.String()))
	tests := []struct {
		name   string
		damage func(b []byte) []byte
		rows   int
		reason string
	}{
		{"checksum", func(b []byte) []byte { b[len(b)-7] ^= 1; return b }, 3000, "checksum does not fit"},
		{"in the middle", func(b []byte) []byte { copy(b[len(b)/2:], make([]byte, 300)); return b }, -1, "gzip"},
		{"rubbish behind", func(b []byte) []byte { return append(b, "no gzip"...) }, 3000, "gzip"},
		{"head", func(b []byte) []byte { b[2] = 9; return b }, 0, "gzip"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, ordersConfig, map[string]string{"in/a.csv.gz": string(test.damage(append([]byte(nil), whole...))), "in/b.csv": "id,note\n1,b\n"})
			m := f.mustExtract()
			if got := len(m.rows["shop.orders"]) - 1; test.rows >= 0 && got != test.rows {
				t.Errorf("got %d rows, want %d", got, test.rows)
			}
			if len(m.rejects) == 0 || !strings.Contains(m.rejects[len(m.rejects)-1].Reason, test.reason) {
				t.Errorf("got rejects %+v", m.rejects)
			}
		})
	}
}

// The document that was being read when a file broke off may lack lines.
func TestExtract_TruncatedDocument(t *testing.T) {
	const yaml = `
datasets:
  invoices:
    files: i.csv.gz
    group_by: No
    entities:
      shop.orders: {fields: {id: No}}
      shop.order_lines: {fields: {order_id: No, line_no: {auto: line_number}, name: Name}}
`
	text := "No,Name\n"
	for i := range 500 {
		for line := range 4 {
			text += fmt.Sprintf("%d,name %d %d\n", i, i*7919, line)
		}
	}
	whole := packed(t, text)
	f := newFolder(t, yaml, map[string]string{"i.csv.gz": whole[:len(whole)*2/3]})
	m := f.mustExtract()
	orders, lines := len(m.rows["shop.orders"]), len(m.rows["shop.order_lines"])
	if orders == 0 || lines != 4*orders {
		t.Errorf("got %d orders with %d lines", orders, lines)
	}
	if n := len(m.rejects); n < 2 || n > 5 {
		t.Errorf("got rejects %+v", m.rejects)
	}
}

func TestExtract_EmptyFiles(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": "", "in/b.csv": "id,note\n", "in/c.csv": "id,note", "in/d.csv.gz": packed(t, "")})
	m := f.mustExtract()
	if len(m.rows) != 0 || len(m.rejects) != 0 {
		t.Errorf("got %v, %v", m.rows, m.rejects)
	}
}

func TestExtract_OverlongLine(t *testing.T) {
	text := "id,note\n1,a\n2," + strings.Repeat("x", 9<<20) + "\n3,c\n"
	f := newFolder(t, ordersConfig, map[string]string{"in/a.csv": text})
	m := f.mustExtract()
	if len(m.rejects) != 1 || m.rejects[0].Line != 3 || len(m.rejects[0].Record) > clipped {
		t.Errorf("got %d rejects", len(m.rejects))
	}
	if rows := m.rows["shop.orders"]; len(rows) != 2 || m.origins["shop.orders"][1].Line != 4 {
		t.Errorf("got %v, %v", rows, m.origins)
	}
}

// A file far larger than a piece: every row comes once and in order.
func TestExtract_ManyPieces(t *testing.T) {
	const rows = 60_000
	f := &folder{t: t, dir: t.TempDir()}
	writeFlat(t, f.dir, rows)
	f.configure(flatConfig)
	m := f.mustExtract()
	if len(m.rows["shop.orders"]) != rows {
		t.Fatalf("got %d rows", len(m.rows["shop.orders"]))
	}
	for i, at := range m.origins["shop.orders"] {
		if at.Line != int64(i)+2 {
			t.Fatalf("row %d is of line %d", i, at.Line)
		}
	}
	if want := "id=10000000 customer_id=c0000000 ordered_at=2024-01-01T00:00:00Z currency=GBP items_total=0 channel=text number 0"; m.rows["shop.orders"][0] != want {
		t.Errorf("got %q, want %q", m.rows["shop.orders"][0], want)
	}
}

func TestExtract_Stops(t *testing.T) {
	f := &folder{t: t, dir: t.TempDir()}
	writeFlat(t, f.dir, 100_000)
	f.configure(flatConfig)
	before := runtime.NumGoroutine()
	full := errors.New("disk full")
	t.Run("when the sink fails", func(t *testing.T) {
		m := newMemory()
		m.fail = full
		if _, err := f.source.Extract(context.Background(), f.request(), m); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("when it is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		req := f.request()
		req.Progress = func(connectors.Progress) { cancel() }
		next, err := f.source.Extract(ctx, req, newMemory())
		if !errors.Is(err, context.Canceled) || next.Cursor != nil {
			t.Errorf("got %s, %v", next.Cursor, err)
		}
	})
	t.Run("when a file vanishes", func(t *testing.T) {
		s := f.source.(*source)
		gone := &arrivals{plan: s.plans[0], known: newKnown(""), todo: []candidate{{path: filepath.Join(f.dir, "gone.csv"), name: "gone.csv"}}}
		x := newExtraction(s, gone, f.request(), newMemory())
		if _, err := x.run(context.Background()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}

func TestExtract_Progress(t *testing.T) {
	f := &folder{t: t, dir: t.TempDir()}
	size := writeFlat(t, f.dir, 50_000)
	f.configure(flatConfig)
	var last connectors.Progress
	req := f.request()
	req.Progress = func(p connectors.Progress) {
		if p.Rows < last.Rows || p.Bytes < last.Bytes {
			t.Errorf("progress went back: %+v, then %+v", last, p)
		}
		last = p
	}
	if _, err := f.source.Extract(context.Background(), req, newMemory()); err != nil {
		t.Fatal(err)
	}
	if last.Rows != 50_000 || last.Bytes != size || last.TotalBytes != size || last.Input != "flat.csv" {
		t.Errorf("got %+v, size %d", last, size)
	}
}

func TestCheck(t *testing.T) {
	f := newFolder(t, ordersConfig, map[string]string{
		"in/a.csv": "id;note;more\n1;a;x\n2;b;y\n3;c;z\n4;d;\n", "in/b.csv": "id,notes\n1,a\n", "in/c.csv": "",
	})
	found, err := f.source.(connectors.Checker).Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []connectors.Finding{
		{Dataset: "shop.orders", OK: true, Text: "3 files found, 0.0 kB in all"},
		{Dataset: "shop.orders", OK: true, Text: `in/a.csv: CSV, utf-8, delimiter ';', 3 columns, all mapped ones are there; not mapped: more`,
			Header: []string{"id", "note", "more"}, Rows: [][]string{{"1", "a", "x"}, {"2", "b", "y"}, {"3", "c", "z"}},
			Fields: []string{"id", "channel"}, Read: [][]string{{"1", "a"}, {"2", "b"}, {"3", "c"}}},
		{Dataset: "shop.orders", Text: `in/b.csv: column "note" is missing; add the file's name to rename, or say optional: true (did you mean "notes"? the file has: id, notes)`},
		{Dataset: "shop.orders", OK: true, Text: "in/c.csv: the file is empty"},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
