package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"winback/connectors"
	"winback/connectors/all"
	"winback/connectors/demo"
	"winback/connectors/spec"
	"winback/pipelines/config"
)

// compileSchema returns the schema of the configuration with all connectors.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	registry, err := all.Registry()
	if err != nil {
		t.Fatal(err)
	}
	text, err := config.JSONSchema(registry)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("winback.json", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("winback.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate checks a YAML text as an editor would.
func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(parsed)
}

func TestJSONSchema_AcceptsEveryExample(t *testing.T) {
	schema := compileSchema(t)
	examples, err := filepath.Glob("../../deploy/examples/*/winback.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	texts := map[string]string{}
	for _, path := range examples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(text)
	}
	company, err := demo.Config(demo.Options{Customers: 10, Months: 3, End: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	texts["the demo"] = string(company)
	texts["a new project"] = newProject(t, config.InitOptions{})
	texts["a project of all connectors"] = newProject(t, config.InitOptions{Sources: all.Connectors()})
	for name, text := range texts {
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

func newProject(t *testing.T, o config.InitOptions) string {
	t.Helper()
	dir := t.TempDir()
	o.Project = "acme"
	if _, err := config.Init(dir, o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, config.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJSONSchema_RefusesMistakes(t *testing.T) {
	schema := compileSchema(t)
	const project = "project: acme\ntimezone: UTC\ncurrency: EUR\n"
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"what is needed", project, true},
		{"a limit from the environment", project + "churn: {sleeping_after: '${DAYS}'}\n", true},
		{"keys that hold anchors", project + "x-shared: &s {a: 1}\n", true},
		{"no project", "timezone: UTC\ncurrency: EUR\n", false},
		{"an unknown key", project + "currencies: EUR\n", false},
		{"a word for a number", project + "churn: {sleeping_after: often}\n", false},
		{"a source without a connector", project + "sources: {shop: {}}\n", false},
		{"an unknown connector", project + "sources: {shop: {connector: shoppify}}\n", false},
		{"an unknown key of a source", project + "sources: {shop: {connector: files, datasets: {}, folder: data}}\n", false},
		{"settings of every source", project + "sources: {shop: {connector: files, datasets: {}, deletions: {limit: 5%}, quarantine: {limit: 1%}}}\n", true},
		{"one for a list", project + "sources: {shop: {connector: files, datasets: {shop.orders: {files: a.csv, fields: {id: ID, email: [A, B], status: {const: paid}}}}}}\n", true},
		{"an unknown word", project + "sources: {shop: {connector: files, datasets: {shop.orders: {files: a.csv, fields: {id: {column: ID, clean: shout}}}}}}\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := validate(t, schema, c.text); (err == nil) != c.ok {
				t.Errorf("accepted: %v, want %v: %v", err == nil, c.ok, err)
			}
		})
	}
}

// Every connector's example is one that the program itself accepts, once the
// variables in it are set.
func TestExamples_AreAccepted(t *testing.T) {
	registry, err := all.Registry()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all.Connectors() {
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := config.Init(dir, config.InitOptions{Project: "acme", Sources: []*connectors.Connector{c}}); err != nil {
				t.Fatal(err)
			}
			env := config.Env{Lookup: func(string) (string, bool) { return "https://example.com/rest/1/secret/", true }, Now: time.Now}
			loaded, err := config.Load(filepath.Join(dir, config.FileName), registry, env)
			if err != nil {
				t.Fatal(err)
			}
			if len(loaded.Sources) != 1 || loaded.Sources[0].Connector.Name != c.Name {
				t.Errorf("got %+v", loaded.Sources)
			}
		})
	}
}

// The keys of every source are no connector's own.
func TestSourceSettings_AreNoConnectorsKeys(t *testing.T) {
	var common []string
	for _, f := range spec.Describe(&config.SourceSettings{}) {
		common = append(common, f.Name)
	}
	for _, c := range all.Connectors() {
		for _, f := range spec.Describe(c.NewConfig()) {
			if slices.Contains(common, f.Name) {
				t.Errorf("%s has the key %s of its own", c.Name, f.Name)
			}
		}
	}
}
