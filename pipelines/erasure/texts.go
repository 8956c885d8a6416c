package erasure

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// erased stands where an e-mail address or a phone number was.
const erased = "(erased)"

// Mentions says whether a text mentions somebody who was forgotten.
func (e *Eraser) Mentions(text string) bool { return e.mentions(text) }

// mentions says whether a text holds an e-mail address or a phone number that has a
// mark.
func (e *Eraser) mentions(text string) bool {
	found := false
	eachIdentifier(text, func(from, to int) bool {
		found = e.marked(text[from:to])
		return !found
	})
	return found
}

func (e *Eraser) marked(identifier string) bool {
	if strings.Contains(identifier, "@") {
		_, ok := e.hasEmail(identifier)
		return ok
	}
	_, ok := e.hasPhone(identifier)
	return ok
}

// Redact returns a text without the e-mail addresses and phone numbers that have a mark.
func (e *Eraser) Redact(text string) string {
	var out strings.Builder
	last := 0
	eachIdentifier(text, func(from, to int) bool {
		if from >= last && e.marked(text[from:to]) {
			out.WriteString(text[last:from] + erased)
			last = to
		}
		return true
	})
	if last == 0 {
		return text
	}
	return out.String() + text[last:]
}

// eachIdentifier goes through what may be an e-mail address or a phone number in a text,
// the longest first of what begins at one place, until visit returns false. What stands
// beside it without a blank, a quote, a dash, a date behind a number, is no reason to miss it.
func eachIdentifier(text string, visit func(from, to int) bool) {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		next := at + size
		switch {
		case r == '@':
			from, to := addressAround(text, at)
			if !eachAddress(text, from, at, to, visit) {
				return
			}
			next = max(to, next)
		case isDigit(r):
			groups, end := digitGroups(text, at)
			if !eachPhone(groups, visit) {
				return
			}
			next = end
		}
		at = next
	}
}

// addressAround returns the longest address around an @.
func addressAround(text string, at int) (from, to int) {
	from, to = at, at+1
	for from > 0 {
		r, size := utf8.DecodeLastRuneInString(text[:from])
		if !inAddress(r) {
			break
		}
		from -= size
	}
	for to < len(text) {
		r, size := utf8.DecodeRuneInString(text[to:])
		if !inAddress(r) || r == '\'' {
			break
		}
		to += size
	}
	for to > at && strings.IndexByte(".-_%+", text[to-1]) >= 0 {
		to--
	}
	return from, to
}

// eachAddress visits an address, and what is left of it without the quote, the dash or the
// escape of JSON that may stand before it.
func eachAddress(text string, from, at, to int, visit func(from, to int) bool) bool {
	if !visit(from, to) {
		return false
	}
	if from > 0 && text[from-1] == '\\' { // \n, \u003c
		escape := 1
		if text[from] == 'u' {
			escape = 5
		}
		if from+escape < at && !visit(from+escape, to) {
			return false
		}
	}
	for from < at && strings.IndexByte("'.-_%+", text[from]) >= 0 {
		if from++; !visit(from, to) {
			return false
		}
	}
	return true
}

func inAddress(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._%+-'", r)
}

// group is a run of digits in a text.
type group struct{ from, to int }

// digitGroups returns the digits from a place on, in groups between what may stand in a
// phone number, and where that ends.
func digitGroups(text string, at int) (groups []group, end int) {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case isDigit(r) && len(groups) > 0 && groups[len(groups)-1].to == at:
			groups[len(groups)-1].to = at + size
		case isDigit(r):
			groups = append(groups, group{at, at + size})
		case !unicode.Is(unicode.Zs, r) && !unicode.Is(unicode.Pd, r) && !strings.ContainsRune("()./:", r):
			return groups, at
		}
		at += size
	}
	return groups, at
}

// mostDigits is how many digits a phone number has at the most (E.164).
const mostDigits = 15

// eachPhone visits what neighbouring groups of digits make together, if it may be a number.
func eachPhone(groups []group, visit func(from, to int) bool) bool {
	for i := range groups {
		digits, last := 0, i-1
		for last+1 < len(groups) {
			more := groups[last+1].to - groups[last+1].from
			if digits+more > mostDigits && last >= i {
				break
			}
			digits += more
			last++
		}
		for ; last >= i && digits >= fewestDigits; last-- {
			if !visit(groups[i].from, groups[last].to) {
				return false
			}
			digits -= groups[last].to - groups[last].from
		}
	}
	return true
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
