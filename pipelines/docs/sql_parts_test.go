package docs

import (
	"strings"
	"testing"
)

// What is the same as written and as it runs stands once, and both texts can be
// read in full.
func TestSQLPartsAreBothTexts(t *testing.T) {
	none := func(string) string { return "" }
	for name, c := range map[string]struct{ written, runs string }{
		"the same":      {"a\nb", "a\nb"},
		"a line":        {"a\n  {{ x }}\nc", "a\n  1\nc"},
		"the first":     {"{{ x }}\nb", "1\nb"},
		"the last":      {"a\n{{ x }}", "a\n1"},
		"left out":      {"a\n{{ if x }}\nb\n{{ end }}\nc", "a\nb\nc"},
		"repeated":      {"a\n{{ range x }}\nb\n{{ end }}", "a\nb\nb\nb"},
		"nothing alike": {"a\nb", "c"},
		"nothing":       {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var written, runs strings.Builder
			for _, part := range sqlParts(c.written, c.runs, none) {
				written.WriteString(string(part.Same + part.Written))
				runs.WriteString(string(part.Same + part.Runs))
			}
			plain := func(text string) string { return markup.ReplaceAllString(text, "") }
			if got := strings.TrimRight(plain(written.String()), "\n"); got != c.written {
				t.Errorf("written: %q, not %q", got, c.written)
			}
			if got := strings.TrimRight(runs.String(), "\n"); got != c.runs {
				t.Errorf("runs: %q, not %q", got, c.runs)
			}
		})
	}
}
