package connectors_test

import (
	"testing"

	"winback/connectors"
)

func TestTaskMark_IsFoundAgain(t *testing.T) {
	for _, customer := range []string{"crm:contact-7001", "shop:12 (old)", "почта:a@b.example", "a:b:c"} {
		mark := connectors.TaskMark{List: "2024-09-30", Customer: customer}
		got, found := connectors.MarkIn("Call them. (9:00-20:00)\n\n" + mark.String())
		if !found || got != mark {
			t.Errorf("%s: got %v, %v", mark, got, found)
		}
	}
	for _, text := range []string{"", "winback:2024-09-30:c1", "(winback:today:c1)", "(winback:2024-09-30:)"} {
		if got, found := connectors.MarkIn(text); found {
			t.Errorf("%q has no mark, got %v", text, got)
		}
	}
	if got, _ := connectors.MarkIn("(winback:2024-09-30:old) written again (winback:2024-10-07:new)"); got.Customer != "new" {
		t.Errorf("got %v of two", got)
	}
}
