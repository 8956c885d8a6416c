package entity

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite README.md from the structs")

// The reference page is generated; a change of the contract shows as a change
// of the page, and a page that drifted from the structs fails here.
func TestReferencePageMatchesTheStructs(t *testing.T) {
	page := Reference()
	if *update {
		if err := os.WriteFile("README.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Fatal("README.md differs from the structs; run: go test ./connectors/entity -update")
	}
}
