package erasure

import "strings"

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
// until visit returns false.
func eachIdentifier(text string, visit func(from, to int) bool) {
	for at := 0; at < len(text); {
		c := text[at]
		switch {
		case c == '@':
			from, to := at, at+1
			for from > 0 && isAddress(text[from-1]) {
				from--
			}
			for to < len(text) && isAddress(text[to]) {
				to++
			}
			for to > at && text[to-1] == '.' {
				to--
			}
			if !visit(from, to) {
				return
			}
			at = max(to, at+1)
		case c >= '0' && c <= '9':
			to, digits := at, 0
			for i := at; i < len(text) && isPhone(text[i]); i++ {
				if text[i] >= '0' && text[i] <= '9' {
					digits++
					to = i + 1
				}
			}
			if digits >= fewestDigits && !visit(at, to) {
				return
			}
			at = to
		default:
			at++
		}
	}
}

func isAddress(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 || strings.IndexByte("._%+-", c) >= 0
}

func isPhone(c byte) bool { return c >= '0' && c <= '9' || strings.IndexByte(" ()-./", c) >= 0 }
