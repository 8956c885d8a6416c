package verify_test

import (
	"os"
	"path/filepath"
	"testing"

	"winback/pipelines"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/verify"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// run verifies the product's models.
func run(t *testing.T, data string) verify.Report {
	t.Helper()
	models, err := pipelines.LoadModels()
	if err != nil {
		t.Fatal(err)
	}
	report, err := verify.Run(t.Context(), enginetest.Start(t).Conn(t), verify.Options{Data: data, Models: models})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Every published number comes out of the code and the models, as far as its data
// are here.
func TestRun(t *testing.T) {
	data := os.Getenv("WINBACK_TESTDATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	report := run(t, data)
	for _, line := range report.Lines {
		name := line.Subject + ", " + line.What + ", through " + line.Through
		switch line.State {
		case verify.Differs:
			t.Errorf("%s: published %.*f, computed %v", name, line.Decimals, line.Published, line.Computed)
		case verify.Broken:
			t.Errorf("%s: %s", name, line.Message)
		case verify.Skipped:
			if os.Getenv("CI") != "" {
				t.Errorf("%s: %s", name, line.Message)
			} else {
				t.Logf("SKIPPED, NOT VERIFIED: %s: %s", name, line.Message)
			}
		}
	}
	t.Logf("%d lines ok in %v", report.Count(verify.OK), report.Duration)
}
