package files

import (
	"os"
	"regexp"
	"testing"
)

// The configurations of the README are right.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) < 2 {
		t.Fatalf("got %d blocks", len(blocks))
	}
	for _, block := range blocks {
		if _, err := config(t, t.TempDir(), string(block[1])); err != nil {
			t.Errorf("%s\n%v", block[1], err)
		}
	}
}
