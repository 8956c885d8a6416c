package scaffold_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/config/scaffold"
)

// FuzzConfiguration: whatever a file holds, what is written about it is YAML with the text meant.
func FuzzConfiguration(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*", "testdata/*/data/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil {
				f.Add(text, filepath.Base(file))
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		dir := t.TempDir()
		if os.WriteFile(filepath.Join(dir, filepath.Base(name)), content, 0o644) != nil {
			t.Skip("no name for a file")
		}
		found, err := scaffold.Survey(dir)
		if err != nil {
			t.Fatal(err)
		}
		written := found.Configuration(scaffold.Project{Name: name, Timezone: "UTC", Today: time.Unix(0, 0)})
		errs := &spec.Errors{}
		var read struct {
			Project string `yaml:"project"`
		}
		root := spec.Parse("winback.yaml", []byte(written), spec.Options{}, errs)
		root.Get("project").Decode(&read.Project, errs)
		if err := errs.Err(); err != nil {
			t.Errorf("%v\n%s", err, written)
		}
	})
}
