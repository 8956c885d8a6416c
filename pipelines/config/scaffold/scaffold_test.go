package scaffold_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/pipelines/config/scaffold"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestConfiguration: each folder of testdata holds somebody's files; beside it stands what is made of them.
func TestConfiguration(t *testing.T) {
	cases, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range cases {
		if !entry.IsDir() {
			continue
		}
		folder := filepath.Join("testdata", entry.Name())
		t.Run(entry.Name(), func(t *testing.T) {
			found, err := scaffold.Survey(folder)
			if err != nil {
				t.Fatal(err)
			}
			whole := found.Configuration(scaffold.Project{
				Name: "acme", Timezone: "Europe/London", Today: time.Date(2024, 5, 20, 0, 0, 0, 0, time.UTC),
			})
			got := interesting(whole)
			golden := folder + ".golden.yaml"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// interesting leaves out what is the same in every configuration.
func interesting(whole string) string {
	_, top, _ := strings.Cut(whole, "\n\n")
	top, _, _ = strings.Cut(top, "\n\n")
	_, sources, _ := strings.Cut(whole, "sources describe files\n")
	return top + "\n\n" + sources
}

func TestSurvey_TellsWhatItFound(t *testing.T) {
	found, err := scaffold.Survey("testdata/separate")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range found.Recognised {
		got = append(got, file.Path+": "+file.Dataset)
	}
	want := []string{"clients.csv: customers", "order_items.tsv: order_lines", "orders.csv: orders", "products.csv.gz: products"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if found.Last.Format(time.DateOnly) != "2024-05-02" {
		t.Errorf("last order = %v", found.Last)
	}
}

func TestSurvey_UnreadableFilesDoNotStopIt(t *testing.T) {
	found, err := scaffold.Survey("testdata/unknown")
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Unrecognised) != 1 || len(found.Unreadable) != 2 || len(found.Recognised) != 0 {
		t.Errorf("got %+v", found)
	}
}

func TestSurvey_MissingFolderIsEmpty(t *testing.T) {
	found, err := scaffold.Survey(filepath.Join(t.TempDir(), "new"))
	if err != nil || len(found.Recognised)+len(found.Unrecognised) != 0 {
		t.Errorf("got %+v, %v", found, err)
	}
}
