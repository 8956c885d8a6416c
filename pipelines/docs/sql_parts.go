package docs

import (
	"html/template"
	"strings"
)

// sqlPart is a stretch of lines of a model's SQL: either the same as written and
// as it runs, or different.
type sqlPart struct {
	Same, Written, Runs template.HTML
}

// sqlParts shows SQL as it is written and as it runs in one text, in which only
// the lines that differ stand twice.
func sqlParts(written, runs string, address func(string) string) []sqlPart {
	a, b := lines(written), lines(runs)
	show := func(lines []string) template.HTML { return highlight(strings.Join(lines, ""), address) }
	plain := func(lines []string) template.HTML {
		return template.HTML(inText.Replace(strings.Join(lines, ""))) //nolint:gosec // escaped
	}
	var parts []sqlPart
	i, j := 0, 0
	for _, s := range append(common(a, b), stretch{len(a), len(b), 0}) {
		if s.a > i || s.b > j {
			parts = append(parts, sqlPart{Written: show(a[i:s.a]), Runs: plain(b[j:s.b])})
		}
		if s.length > 0 {
			parts = append(parts, sqlPart{Same: show(a[s.a : s.a+s.length])})
		}
		i, j = s.a+s.length, s.b+s.length
	}
	return parts
}

// lines cuts a text into lines, each with its end. They are indented by tabs, a
// quarter as long as the blanks of the files; the style sheet makes them as wide.
func lines(text string) []string {
	cut := strings.SplitAfter(strings.TrimSpace(text)+"\n", "\n")
	for i, line := range cut {
		rest, tabs := line, 0
		for ; strings.HasPrefix(rest, "    "); rest = rest[4:] {
			tabs++
		}
		cut[i] = strings.Repeat("\t", tabs) + rest
	}
	return cut
}

// stretch is a number of equal lines, by their first line in both texts.
type stretch struct{ a, b, length int }

// common returns the stretches of the longest common sequence of lines.
func common(a, b []string) []stretch {
	longest := make([][]int, len(a)+1) // of the lines from i and j on
	longest[len(a)] = make([]int, len(b)+1)
	for i := len(a) - 1; i >= 0; i-- {
		longest[i] = make([]int, len(b)+1)
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var found []stretch
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch last := len(found) - 1; {
		case a[i] != b[j] && longest[i+1][j] >= longest[i][j+1]:
			i++
		case a[i] != b[j]:
			j++
		case last >= 0 && found[last].a+found[last].length == i && found[last].b+found[last].length == j:
			found[last].length++
			i, j = i+1, j+1
		default:
			found = append(found, stretch{i, j, 1})
			i, j = i+1, j+1
		}
	}
	return found
}
