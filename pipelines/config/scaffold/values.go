package scaffold

import (
	"regexp"
	"slices"
	"strings"
)

var (
	pointed       = regexp.MustCompile(`^[-+]?\d+(\.\d+)?$`)
	commaed       = regexp.MustCompile(`^[-+]?\d+,\d+$`)
	severalGroups = regexp.MustCompile(`^[-+]?\d{1,3}(?:(?:\.\d{3}){2,}(?:,\d+)?|(?:,\d{3}){2,}(?:\.\d+)?)$`)
	threeBehind   = regexp.MustCompile(`^[-+]?[1-9]\d{0,2}([.,])\d{3}$`)
	groups        = regexp.MustCompile(`^[-+]?\d{1,3}([ '\x{a0}\x{202f}.,])\d{3}`)
	commaGroups   = regexp.MustCompile(`^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$`)
	trailing0     = regexp.MustCompile(`^\d+\.0$`)
	lettersNum    = regexp.MustCompile(`^C\d+$`)
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
	plain := slices.Clone(values)
	if n.thousands != "" {
		for i, value := range values {
			plain[i] = strings.ReplaceAll(value, n.thousands, "")
		}
	}
	n.comma = n.thousands == "." || slices.ContainsFunc(plain, commaed.MatchString)
	return n, most(values, n.read)
}

// isGrouping tells a grouping 1,234.56 from a decimal comma 1,234: a point or comma groups where some value also has the
// other one after it; commas also where each is followed by three digits, as money has no thousandths.
func isGrouping(mark string, values []string) bool {
	other := map[string]string{",": ".", ".": ","}[mark]
	if other != "" && slices.ContainsFunc(values, func(value string) bool { return severalGroups.MatchString(value) && strings.Count(value, mark) > 1 }) {
		return true // 1.234.567
	}
	if other == "" || mark == "," && most(values, func(value string) bool {
		return !strings.Contains(value, mark) || commaGroups.MatchString(value)
	}) {
		return true
	}
	return slices.ContainsFunc(values, func(value string) bool {
		return strings.Contains(value, mark) && strings.LastIndex(value, other) > strings.LastIndex(value, mark)
	})
}

// openMark is the point or comma of a column in which each has exactly three digits behind it, so that it may group
// digits or begin a fraction; "" where some value decides.
func openMark(values []string) string {
	mark := ""
	for _, value := range values {
		parts := threeBehind.FindStringSubmatch(value)
		switch {
		case parts == nil && strings.Trim(value, "+-0123456789") == "":
		case parts == nil, mark != "" && mark != parts[1]:
			return ""
		default:
			mark = parts[1]
		}
	}
	return mark
}

// decimalMark is what stands before the fractions of a table of texts, "" where its columns do not tell or differ.
func (t *table) decimalMark() string {
	if t.fractions != nil {
		return *t.fractions
	}
	seen := ""
	t.fractions = &seen
	for _, column := range t.columns {
		values := t.values(column)
		n, ok := numbersOf(values)
		mark := map[bool]string{true: ",", false: "."}[n.comma]
		if !ok || openMark(values) != "" || !slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, mark) }) {
			continue
		}
		if seen != "" && seen != mark {
			seen = ""
			break
		}
		seen = mark
	}
	return seen
}

// amounts is how the numbers of some columns are written.
type amounts struct {
	numbers
	point bool   // some have a decimal point
	open  string // the mark that nothing decides about, see openMark; "" where all is decided
}

// amounts tells how a column writes numbers, by its neighbours where its own values leave it open.
func (t *table) amounts(column string) amounts {
	values := t.values(column)
	n, _ := numbersOf(values)
	mark := openMark(values)
	if mark == "" || t.format != "csv" && t.format != "tsv" { // other formats tell numbers from texts
		hasPoint := slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, ".") })
		return amounts{numbers: n, point: !n.comma && hasPoint}
	}
	switch t.decimalMark() {
	case "":
		return amounts{numbers: n, open: mark}
	case mark:
		return amounts{numbers: numbers{comma: mark == ","}, point: mark == "."}
	default:
		return amounts{numbers: numbers{comma: mark == ".", thousands: mark}}
	}
}

// with joins two ways of writing numbers, of which one may be open; false where no way reads both.
func (a amounts) with(other amounts) (joined amounts, agree bool) {
	switch {
	case other.whole():
		return a, true
	case a.whole():
		return other, true
	case a.open != "" && other.open != "":
		return a, a.numbers == other.numbers
	case a.open != "":
		return other, other.reads(a.open)
	case other.open != "":
		return a, a.reads(other.open)
	}
	joined.numbers = numbers{comma: a.comma || other.comma, thousands: firstOf(a.thousands, other.thousands)}
	joined.point = a.point || other.point
	sameGroups := a.thousands == other.thousands || a.thousands == "" || other.thousands == ""
	return joined, sameGroups && !(joined.comma && (joined.point || joined.thousands == ","))
}

// whole tells of numbers that have no mark at all, or of none.
func (a amounts) whole() bool { return a == amounts{} }

// reads tells whether numbers with three digits behind a mark can be read at all.
func (a amounts) reads(mark string) bool {
	return mark == a.thousands || mark == "," && a.comma || mark == "." && a.point
}
