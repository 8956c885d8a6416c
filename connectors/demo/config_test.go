package demo

import (
	"path"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"winback/connectors/entity"
)

// The configuration fits the files and the contract: every file is read by one
// dataset, every column is used, every field exists.
func TestConfig_FitsTheFiles(t *testing.T) {
	o := small(t.TempDir())
	truth := generate(t, o)
	files := contents(t, o.Dir)
	text, err := Config(o)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		AsOf    string `yaml:"as_of"`
		Sources map[string]struct {
			CDR      struct{ Files string }
			QueueLog struct{ Files string } `yaml:"queue_log"`
			Datasets map[string]struct {
				Files    string
				Fields   map[string]any
				Entities map[string]struct{ Fields map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if config.AsOf != truth.End {
		t.Errorf("as of %s, the data end on %s", config.AsOf, truth.End)
	}
	readBy := map[string]string{}
	for _, source := range config.Sources {
		for _, pattern := range []string{source.CDR.Files, source.QueueLog.Files} {
			for _, f := range truth.Files {
				if fits, _ := path.Match(pattern, f.Name); fits {
					readBy[f.Name] = pattern
				}
			}
		}
		for name, dataset := range source.Datasets {
			if dataset.Entities == nil {
				dataset.Entities = map[string]struct{ Fields map[string]any }{name: {dataset.Fields}}
			}
			for name, mapped := range dataset.Entities {
				used := usedBy(t, name, mapped.Fields)
				for _, f := range truth.Files {
					fits, _ := path.Match(dataset.Files, f.Name)
					switch {
					case !fits:
						continue
					case strings.Contains(f.Name, ".json"):
						checkMembers(t, f.Name, unpacked(t, files, f.Name), used)
					default:
						checkColumns(t, f.Name, headerOf(t, files, f.Name), used)
					}
					readBy[f.Name] = name
				}
			}
		}
	}
	for _, f := range truth.Files {
		if readBy[f.Name] == "" && strings.HasPrefix(f.Name, "data/") {
			t.Errorf("nothing reads %s", f.Name)
		}
	}
}

// usedBy returns the columns that an entity's fields are made from.
func usedBy(t *testing.T, name string, fields map[string]any) map[string]bool {
	t.Helper()
	schema := entity.Lookup(name)
	if schema == nil {
		t.Fatalf("there is no entity %s", name)
	}
	used := map[string]bool{}
	for field, value := range fields {
		if !hasField(schema, field) {
			t.Errorf("%s has no field %s", name, field)
		}
		if column := columnOf(value); column != "" {
			used[column] = true
		}
	}
	return used
}

func hasField(s *entity.Schema, name string) bool {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return true
		}
	}
	return false
}

// columnOf returns the one column that a field of the configuration is made from.
func columnOf(field any) string {
	switch field := field.(type) {
	case string:
		return field
	case map[string]any:
		if column, ok := field["column"].(string); ok {
			return column
		}
		columns, _ := field["columns"].(map[string]any)
		for _, column := range columns {
			return column.(string)
		}
	}
	return ""
}

func headerOf(t *testing.T, files map[string]string, name string) []string {
	line, _, _ := strings.Cut(strings.TrimPrefix(unpacked(t, files, name), "\ufeff"), "\n")
	return strings.FieldsFunc(strings.TrimSuffix(line, "\r"), func(r rune) bool { return r == ',' || r == ';' })
}

func checkColumns(t *testing.T, name string, header []string, used map[string]bool) {
	t.Helper()
	there := map[string]bool{}
	for _, column := range header {
		there[column] = true
		if !used[column] {
			t.Errorf("%s: nothing uses the column %s", name, column)
		}
	}
	for column := range used {
		if !there[column] {
			t.Errorf("%s has no column %q", name, column)
		}
	}
}

// checkMembers makes sure that the records have what the configuration reads; they
// may have more.
func checkMembers(t *testing.T, name, text string, used map[string]bool) {
	t.Helper()
	for path := range used {
		member, _, _ := strings.Cut(strings.TrimPrefix(path, "^."), ".")
		member, _, _ = strings.Cut(member, "[")
		if !strings.Contains(text, `"`+member+`":`) {
			t.Errorf("%s has no %q", name, path)
		}
	}
}
