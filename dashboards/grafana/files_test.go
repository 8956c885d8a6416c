package grafana_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"winback/dashboards/grafana"
)

var update = flag.Bool("update", false, "write deploy/grafana anew")

// The files of deploy/grafana are those of a Grafana on the machine of the
// warehouse, with the configuration's defaults.
func TestReference_ProvisioningFiles(t *testing.T) {
	s := grafana.Settings{Folder: "Customers", Currency: "EUR", DataSource: grafana.DataSource{
		Name: "winback", URL: "http://127.0.0.1:8123", User: "grafana", Password: "any", Database: "mart", DialSeconds: 10, QuerySeconds: 60,
	}}
	files, err := s.Files(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("got %d files", len(files))
	}
	for name, text := range files {
		path := filepath.Join("../../deploy/grafana", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(have), string(text)); diff != "" {
			t.Errorf("%s differs; run: make docs\n%s", path, diff)
		}
	}
}

func TestFiles_HoldNoSecret(t *testing.T) {
	s := grafana.Settings{
		Token: "s3cret-token", Folder: "Cost in $", Currency: "EUR",
		DataSource: grafana.DataSource{
			Name: "winback", URL: "http://warehouse:8123", User: "a$b", Password: "s3cret", Database: "mart", DialSeconds: 10, QuerySeconds: 60,
			Headers: map[string]string{"X-Key": "s3cret"},
		},
		Contact: grafana.Contact{Mail: []string{"ann@example.com"}, Webhook: "https://s3cret.example.com"},
	}
	files, err := s.Files(boards(t))
	if err != nil {
		t.Fatal(err)
	}
	whole := ""
	for name, text := range files {
		whole += string(text)
		var any map[string]any
		if err := yaml.Unmarshal(text, &any); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, part := range []string{"$WINBACK_GRAFANA_PASSWORD", "$WINBACK_HEADER_X_KEY", "$WINBACK_ALERT_WEBHOOK", "a$$b", "Cost in $$", "currencyEUR"} {
		if !strings.Contains(whole, part) {
			t.Errorf("%q is in no file", part)
		}
	}
	if strings.Contains(whole, "s3cret") {
		t.Error("a secret is in a file")
	}
}
