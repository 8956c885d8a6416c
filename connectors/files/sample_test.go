package files

import (
	"archive/zip"
	"bytes"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"
)

// TestPlaces: the tables of a file are the members of an archive, the sheets of a workbook that are not hidden, or the
// file itself, and each is sampled alone.
func TestPlaces(t *testing.T) {
	f := &folder{t: t, dir: t.TempDir()}
	f.write("a.csv", "id\n1\n")
	f.write("cut.zip", "PK\x03\x04 and no more")
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for _, name := range []string{"b [1].csv", "sub/a.csv", "__MACOSX/a.csv"} {
		member, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := member.Write([]byte("in " + name + "\n1\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	f.write("a.zip", packed.String())
	book := excelize.NewFile()
	for _, name := range []string{"2", "Hidden", "Last"} {
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		if err := book.SetSheetRow(name, "A1", &[]any{"in " + name, "total"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.SetSheetVisible("Hidden", false); err != nil {
		t.Fatal(err)
	}
	text, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	f.write("a.xlsx", text.String())

	for name, want := range map[string][]Place{
		"a.csv":   {{}},
		"cut.zip": {{}},
		"a.zip":   {{Member: "b [1].csv"}, {Member: "sub/a.csv"}},
		"a.xlsx":  {{Sheet: "Sheet1"}, {Sheet: "2"}, {Sheet: "Last"}},
	} {
		places, err := Places(f.dir + "/" + name)
		if err != nil || !slices.Equal(places, want) {
			t.Errorf("%s: got %v, %v", name, places, err)
		}
		for _, place := range places {
			if place == (Place{}) || place.Sheet == "Sheet1" {
				continue
			}
			got, err := Sample(f.dir+"/"+name, place, 1<<20)
			if err != nil || got.Columns[0] != "in "+place.Member+place.Sheet {
				t.Errorf("%s, %v: got %v, %v", name, place, got, err)
			}
		}
	}
}
