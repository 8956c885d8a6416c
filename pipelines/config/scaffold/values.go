package scaffold

import (
	"regexp"
	"slices"
	"strings"
)

var (
	pointed     = regexp.MustCompile(`^[-+]?\d+(\.\d+)?$`)
	commaed     = regexp.MustCompile(`^[-+]?\d+,\d+$`)
	groups      = regexp.MustCompile(`^[-+]?\d{1,3}([ '\x{a0}\x{202f}.,])\d{3}`)
	commaGroups = regexp.MustCompile(`^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$`)
	trailing0   = regexp.MustCompile(`^\d+\.0$`)
	lettersNum  = regexp.MustCompile(`^C\d+$`)
)

// most tells whether at least nine in ten of the values satisfy a rule; none at all do.
func most(values []string, fits func(string) bool) bool {
	good := 0
	for _, value := range values {
		if fits(value) {
			good++
		}
	}
	return good*10 >= len(values)*9
}

// numbers tells how a column writes numbers.
type numbers struct {
	comma     bool   // a decimal comma
	thousands string // what groups digits, "" for nothing
}

// numbersOf finds out how numbers are written; false when the column holds something else.
func numbersOf(values []string) (numbers, bool) {
	var n numbers
	tried := map[string]bool{}
	for _, value := range values {
		p := groups.FindStringSubmatch(value)
		if p == nil || tried[p[1]] {
			continue
		}
		tried[p[1]] = true
		if isGrouping(p[1], values) {
			n.thousands = p[1]
			break
		}
	}
	plain := make([]string, len(values))
	for i, value := range values {
		plain[i] = value
		if n.thousands != "" {
			plain[i] = strings.ReplaceAll(value, n.thousands, "")
		}
	}
	if slices.ContainsFunc(plain, commaed.MatchString) {
		n.comma = true
	}
	return n, most(plain, func(value string) bool {
		return pointed.MatchString(value) || n.comma && commaed.MatchString(value)
	})
}

// isGrouping tells a grouping 1,234.56 from a decimal comma 1,234: a point or comma groups where some value also has the
// other one after it; commas also where each is followed by three digits, as money has no thousandths.
func isGrouping(mark string, values []string) bool {
	other := map[string]string{",": ".", ".": ","}[mark]
	if other == "" || mark == "," && most(values, func(value string) bool {
		return !strings.Contains(value, mark) || commaGroups.MatchString(value)
	}) {
		return true
	}
	return slices.ContainsFunc(values, func(value string) bool {
		return strings.Contains(value, mark) && strings.LastIndex(value, other) > strings.LastIndex(value, mark)
	})
}
