package pipelines

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"winback/pipelines/config"
	"winback/pipelines/model"
)

// What is read without the unit tests is all the same: columns, checks and their
// lines, what reads what.
func TestLoadModels_WithoutExamples(t *testing.T) {
	whole, err := LoadModels()
	if err != nil {
		t.Fatal(err)
	}
	short, err := loadModels(&config.Models{}, withoutExamples)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, m := range whole.Models() {
		examples += len(m.UnitTests)
	}
	if examples == 0 {
		t.Error("no model has a unit test, which shows nothing")
	}
	diff := cmp.Diff(whole.Models(), short.Models(), cmpopts.IgnoreUnexported(model.Model{}, model.Column{}, model.Reported{}), cmpopts.IgnoreFields(model.Model{}, "UnitTests"))
	if diff != "" {
		t.Errorf("without the examples (-whole +short):\n%s", diff)
	}
}
