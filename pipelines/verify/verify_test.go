package verify_test

import (
	"os"
	"path/filepath"
	"strings"
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

// Without the data sets the rest is verified, and where they are to be had is said.
func TestRun_WithoutData(t *testing.T) {
	report := run(t, t.TempDir())
	if !report.OK() || report.Count(verify.OK) < 40 || report.Count(verify.Skipped) == 0 {
		t.Errorf("%d ok, %d skipped, %d differ", report.Count(verify.OK), report.Count(verify.Skipped), report.Count(verify.Differs))
	}
	for _, line := range report.Lines {
		if line.State == verify.Skipped && !strings.Contains(line.Message, "data set not here, get it at http") {
			t.Errorf("%s: %s", line.Subject, line.Message)
		}
	}
}
