package erasure

import (
	"testing"
	"time"
)

// TestEraser_Texts: whatever stands beside an address or a number, both are found in a text, and nothing else goes.
func TestEraser_Texts(t *testing.T) {
	book, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	phone, ok := book.Phone("+49 170 1234567")
	if !ok {
		t.Fatal("no phone number")
	}
	book.Add("r1", "test", time.Now(), []Mark{book.Email("jane@example.com"), book.Email("o'brien@example.com"), phone})
	e := book.Eraser()
	for text, want := range map[string]string{
		"write to jane@example.com.":               "write to (erased).",
		"«jane@example.com» or “Jane@Example.com”": "«(erased)» or “(erased)”",
		"mail—jane@example.com—now":                "mail—(erased)—now",
		"'jane@example.com'":                       "'(erased)'",
		"o'brien@example.com":                      "(erased)",
		"jane@example.com-":                        "(erased)-",
		`{"note":"call\njane@example.com"}`:        `{"note":"call\n(erased)"}`,
		`{"note":"\u003cjane@example.com\u003e"}`:  `{"note":"\u003c(erased)\u003e"}`,
		"jane@example.community":                   "jane@example.community",
		"mary.jane@example.com":                    "mary.jane@example.com",
		"0170 1234567 05.03.2024":                  "(erased) 05.03.2024",
		"0170 1234567 10:30":                       "(erased) 10:30",
		"order 12345678 0170 1234567":              "order 12345678 (erased)",
		"(0170)1234567 (2)":                        "((erased) (2)",
		"+49\u00a0170\u00a01234567":                "+(erased)",
		"0170–123–4567 at 5":                       "(erased) at 5",
		"+491701234567":                            "+(erased)",
		"order 12345678 of 05.03.2024":             "order 12345678 of 05.03.2024",
		"1234567":                                  "1234567",
	} {
		if got := e.Redact(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if got := e.Mentions(text); got != (text != want) {
			t.Errorf("%s: mentions somebody: %v", text, got)
		}
	}
}
