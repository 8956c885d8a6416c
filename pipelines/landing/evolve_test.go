package landing_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// oldCustomers is the contract of CRM customers as an older program had it: some
// fields had other types, one is gone since, and one had not come yet.
func oldCustomers(change func(field func(name string) *entity.Field)) *entity.Schema {
	old := *entity.Of[entity.CRMCustomer]()
	old.Fields = slices.Clone(old.Fields)
	change(func(name string) *entity.Field { return &old.Fields[old.Field(name).Index] })
	return &old
}

func landOld(t *testing.T, z *landing.Zone, s *entity.Schema, run string, fill func(b *entity.Batch)) *landing.Manifest {
	t.Helper()
	w := begin(t, z, run, dataset("customers", s), landing.Options{})
	b := w.NewBatch(s)
	fill(b)
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return commit(t, w, `1`)
}

// before is a zone with a file of an older contract, and what is in it.
func olderZone(t *testing.T) (*landing.Zone, *landing.Manifest) {
	t.Helper()
	old := oldCustomers(func(field func(string) *entity.Field) {
		field("created_at").Kind = entity.Day // is an instant now
		field("tags").Kind = entity.Text      // is a list now
		field("tags").Required = false
		field("segment").Kind = entity.Int // is a word now
		field("city").Name = "town"        // is called city now
	})
	z := landing.Open(t.TempDir())
	m := landOld(t, z, old, "r0", func(b *entity.Batch) {
		for row := range 3 {
			b.SetString(old.Field("id").Index, fmt.Sprint("c", row))
			if row < 2 {
				b.SetInt(old.Field("created_at").Index, int64(19_000+row))
				b.SetString(old.Field("tags").Index, fmt.Sprint("tag ", row))
				b.SetInt(old.Field("segment").Index, int64(row))
				b.SetString(old.Field("city").Index, "Riga")
			}
			if err := b.EndRow(entity.Origin{}); err != nil {
				t.Fatal(err)
			}
		}
	})
	return z, m
}

func customerTexts(t *testing.T, z *landing.Zone, f landing.File) []string {
	t.Helper()
	p, err := z.OpenPart(f)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var list []string
	for b, err := range p.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		b.Align()
		value := func(name string, row int) string {
			c := &b.Columns[b.Schema.Field(name).Index]
			switch {
			case c.Field.Kind == entity.TextList:
				var items []string
				c.Items(row, func(item []byte) { items = append(items, string(item)) })
				return strings.Join(items, "+")
			case c.IsNull(row):
				return "-"
			case c.Field.Kind == entity.Timestamp:
				return entity.Time(c.Ints[row]).String()
			}
			return string(c.Value(row))
		}
		for row := range b.Rows() {
			var parts []string
			for _, name := range []string{"id", "created_at", "tags", "segment", "city"} {
				parts = append(parts, value(name, row))
			}
			list = append(list, strings.Join(parts, " "))
		}
	}
	return list
}

var olderRows = []string{"c0 2022-01-08T00:00:00Z tag 0 0 -", "c1 2022-01-09T00:00:00Z tag 1 1 -", "c2 -  - -"}

// Files of an older contract stay readable: wider types, columns that are gone,
// columns that have come.
func TestEvolution_OlderFilesAreRead(t *testing.T) {
	z, m := olderZone(t)
	equal(t, "rows", customerTexts(t, z, m.Files[0]), olderRows)
}

// What goes to the warehouse is a file of the contract as it is now.
func TestEvolution_OlderFilesAreConverted(t *testing.T) {
	z, m := olderZone(t)
	in, err := z.OpenCurrent(m.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err = errors.Join(err, in.Close()); err != nil {
		t.Fatal(err)
	}
	current := m.Files[0]
	current.Path, current.Bytes = "converted.parquet", int64(len(text))
	if err := os.WriteFile(filepath.Join(z.Root(), current.Path), text, 0o644); err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", customerTexts(t, z, current), olderRows)

	t.Run("one of this contract is streamed as it is", func(t *testing.T) {
		s := entity.Of[entity.CRMCustomer]()
		m := landOld(t, z, s, "r1", func(b *entity.Batch) {
			b.SetString(s.Field("id").Index, "c9")
			if err := b.EndRow(entity.Origin{}); err != nil {
				t.Fatal(err)
			}
		})
		in, err := z.OpenCurrent(m.Files[0])
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		text, err := io.ReadAll(in)
		if err != nil || int64(len(text)) != m.Files[0].Bytes {
			t.Errorf("%d bytes of %d, %v", len(text), m.Files[0].Bytes, err)
		}
	})
}

// A compaction converts what it can and leaves a file alone that has a column the
// contract lacks.
func TestEvolution_Compaction(t *testing.T) {
	z, _ := olderZone(t)
	wide := oldCustomers(func(field func(string) *entity.Field) { field("created_at").Kind = entity.Day })
	for run := range 2 {
		landOld(t, z, wide, fmt.Sprint("r", run+1), func(b *entity.Batch) {
			b.SetString(wide.Field("id").Index, fmt.Sprint("c", run+1))
			b.SetInt(wide.Field("created_at").Index, 20_000)
			if err := b.EndRow(entity.Origin{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	done := compact(t, z, landing.CompactOptions{})
	if done.Written.Rows != 2 || done.Written.Files != 1 {
		t.Errorf("written: %+v", done.Written)
	}
	manifests, err := z.Manifests("shop")
	if err != nil || len(manifests) != 1 || len(manifests[0].Files) != 2 {
		t.Fatalf("%+v, %v", manifests, err)
	}
	equal(t, "new file", customerTexts(t, z, manifests[0].Files[0]), []string{"c1 2024-10-04T00:00:00Z  - -", "c2 2024-10-04T00:00:00Z  - -"})
	equal(t, "file left alone", customerTexts(t, z, manifests[0].Files[1]), olderRows)
}

// A type that nothing can be made of is told with the file and the field.
func TestEvolution_Incompatible(t *testing.T) {
	old := oldCustomers(func(field func(string) *entity.Field) { field("created_at").Kind = entity.Text })
	z := landing.Open(t.TempDir())
	m := landOld(t, z, old, "r0", func(b *entity.Batch) {
		b.SetString(old.Field("id").Index, "c0")
		b.SetString(old.Field("created_at").Index, "yesterday")
		if err := b.EndRow(entity.Origin{}); err != nil {
			t.Fatal(err)
		}
	})
	in, err := z.OpenCurrent(m.Files[0])
	if err == nil {
		_, err = io.ReadAll(in)
	}
	var incompatible *landing.IncompatibleError
	if !errors.As(err, &incompatible) || incompatible.Column != "created_at" || !strings.Contains(err.Error(), "created_at as text, which cannot be read as timestamp") {
		t.Errorf("got %v", err)
	}
}
