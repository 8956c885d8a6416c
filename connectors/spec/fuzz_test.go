package spec_test

import (
	"os"
	"path/filepath"
	"testing"

	"winback/connectors/spec"
)

// FuzzDecode: whatever the text, decoding ends without a panic, and every error of a text that is YAML has a place.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range []string{"a: &x [*x]", "? {a: b}\n: c", "<<: [1]", "!!map", "- ", "{", "\x00", "a: ${", "files: !!str", "&a : b", "*a : b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		errs := &spec.Errors{}
		root := spec.Parse("f.yaml", []byte(text), spec.Options{}, errs)
		root.Decode(&shop{}, errs)
		if err := errs.Err(); err != nil {
			for _, one := range err.(spec.List) {
				if one.Pos.File != "f.yaml" || one.Message == "" {
					t.Errorf("error without a place: %v", one)
				}
			}
		}
	})
}
