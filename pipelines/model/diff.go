package model

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// floatTolerance is the relative difference up to which floats are equal.
	floatTolerance = 1e-6
	// shownDifferences is the number of rows of a diff that are printed.
	shownDifferences = 20
)

// diffRows compares rows as multisets and returns the difference as a small
// table, or "" when there is none. A missing and an unexpected row that are alike
// stand together.
func diffRows(columns []Column, want, got [][]*string) string {
	missing, unexpected := subtract(columns, want, got)
	if len(missing)+len(unexpected) == 0 {
		return ""
	}
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.Name
	}
	lines := [][]string{append([]string{" "}, names...)}
	shown := 0
	for _, pair := range pairs(missing, unexpected) {
		if shown++; shown > shownDifferences {
			break
		}
		if pair.want != nil {
			lines = append(lines, append([]string{"-"}, cells(pair.want)...))
		}
		if pair.got != nil {
			lines = append(lines, append([]string{"+"}, cells(pair.got)...))
		}
	}
	text := table(lines)
	if left := len(missing) + len(unexpected) - (len(lines) - 1); left > 0 {
		text += fmt.Sprintf("  … and %d more\n", left)
	}
	return text
}

// subtract takes equal rows away from both sides: exactly equal ones first, then
// those that differ within the tolerance of floats.
func subtract(columns []Column, want, got [][]*string) (missing, unexpected [][]*string) {
	left := map[string][]int{}
	for i, row := range got {
		left[rowKey(row)] = append(left[rowKey(row)], i)
	}
	taken := make([]bool, len(got))
	for _, row := range want {
		if same := left[rowKey(row)]; len(same) > 0 {
			taken[same[0]] = true
			left[rowKey(row)] = same[1:]
		} else {
			missing = append(missing, row)
		}
	}
	for i, row := range got {
		if !taken[i] {
			unexpected = append(unexpected, row)
		}
	}
	return subtractAlike(columns, missing, unexpected)
}

func subtractAlike(columns []Column, want, got [][]*string) (missing, unexpected [][]*string) {
	taken := make([]bool, len(got))
next:
	for _, row := range want {
		for i, other := range got {
			if !taken[i] && alike(columns, row, other) {
				taken[i] = true
				continue next
			}
		}
		missing = append(missing, row)
	}
	for i, row := range got {
		if !taken[i] {
			unexpected = append(unexpected, row)
		}
	}
	return missing, unexpected
}

func rowKey(row []*string) string {
	var key strings.Builder
	for _, cell := range row {
		if cell == nil {
			key.WriteString("n;")
			continue
		}
		fmt.Fprintf(&key, "%d:%s;", len(*cell), *cell)
	}
	return key.String()
}

// alike says whether two rows are equal with a tolerance for floats.
func alike(columns []Column, a, b []*string) bool {
	for i := range a {
		switch {
		case (a[i] == nil) != (b[i] == nil):
			return false
		case a[i] == nil || *a[i] == *b[i]:
		case !strings.Contains(columns[i].Type, "Float") || !alikeNumbers(*a[i], *b[i]):
			return false
		}
	}
	return true
}

var number = regexp.MustCompile(`[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?`)

// alikeNumbers compares texts number by number, so that arrays of floats are
// compared like floats.
func alikeNumbers(a, b string) bool {
	numbersA, numbersB := number.FindAllString(a, -1), number.FindAllString(b, -1)
	if len(numbersA) != len(numbersB) || number.ReplaceAllString(a, "0") != number.ReplaceAllString(b, "0") {
		return false
	}
	for i := range numbersA {
		x, errX := strconv.ParseFloat(numbersA[i], 64)
		y, errY := strconv.ParseFloat(numbersB[i], 64)
		if errX != nil || errY != nil || math.Abs(x-y) > floatTolerance*max(math.Abs(x), math.Abs(y)) {
			return false
		}
	}
	return true
}

// rowPair is a missing row and an unexpected one that may have been meant.
type rowPair struct{ want, got []*string }

// pairs puts each missing row beside the unexpected row that shares most values
// with it, and the rest after them.
func pairs(missing, unexpected [][]*string) []rowPair {
	var result []rowPair
	taken := make([]bool, len(unexpected))
	for n, row := range missing {
		best, bestShared := -1, 0
		for i, other := range unexpected {
			if taken[i] || n >= shownDifferences { // rows that are not printed need no partner
				continue
			}
			if shared := sharedCells(row, other); shared > bestShared {
				best, bestShared = i, shared
			}
		}
		pair := rowPair{want: row}
		if best >= 0 {
			taken[best] = true
			pair.got = unexpected[best]
		}
		result = append(result, pair)
	}
	for i, row := range unexpected {
		if !taken[i] {
			result = append(result, rowPair{got: row})
		}
	}
	return result
}

func sharedCells(a, b []*string) int {
	shared := 0
	for i := range a {
		if a[i] != nil && b[i] != nil && *a[i] == *b[i] {
			shared++
		}
	}
	return shared
}

func cells(row []*string) []string {
	texts := make([]string, len(row))
	for i, cell := range row {
		switch {
		case cell == nil:
			texts[i] = "null"
		case *cell == "" || *cell == "null" || strings.ContainsAny(*cell, " \t\n"):
			texts[i] = strconv.Quote(*cell)
		default:
			texts[i] = *cell
		}
	}
	return texts
}

// table aligns lines of cells.
func table(lines [][]string) string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var out strings.Builder
	for _, line := range lines {
		var padded strings.Builder
		for i, text := range line {
			padded.WriteString("  " + text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)))
		}
		out.WriteString(strings.TrimRight(padded.String(), " ") + "\n")
	}
	return out.String()
}
