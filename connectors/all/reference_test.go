package all

import (
	"flag"
	"os"
	"testing"

	"winback/connectors"
)

var update = flag.Bool("update", false, "rewrite REFERENCE.md from the connectors")

// The reference page is what the connectors say of themselves; it cannot drift.
func TestReferencePageMatchesTheConnectors(t *testing.T) {
	const path = "../REFERENCE.md"
	page := connectors.Reference(Connectors())
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Fatal("connectors/REFERENCE.md differs from what the connectors say; run: make docs")
	}
}
