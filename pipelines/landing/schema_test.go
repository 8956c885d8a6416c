package landing_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestParquetSchema fails when a contract changes what part files look like.
// Adding a field is fine (run with -update); old files then read as null. A field
// whose type changes leaves the landing zone unreadable.
func TestParquetSchema(t *testing.T) {
	var got bytes.Buffer
	for _, s := range entity.All() {
		if err := parquet.PrintSchema(&got, s.FullName(), landing.ParquetSchema(s)); err != nil {
			t.Fatal(err)
		}
		got.WriteString("\n\n")
	}
	path := filepath.Join("testdata", "schemas.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("Parquet schemas (-golden +now):\n%s", diff)
	}
}
