package mapping

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/currency"
)

// currencyWords are what currencies are called beside their signs and ISO codes.
var currencyWords = []string{"руб", "руб.", "р", "р.", "грн", "грн.", "тг", "тенге", "kr", "kr.", "zł", "kč", "lei", "ft"}

// minusSign is the minus of typesetters.
const minusSign = "\u2212"

// money takes a currency away, before or behind an amount, and reads what accountants
// write for a minus: brackets, or a minus behind. Signs that contradict each other stay,
// and make the text no number.
func money(a *Arena, text []byte) []byte {
	rest, minuses := text, 0
	if inner, found := bytes.CutPrefix(rest, []byte("(")); found {
		if inner, found = bytes.CutSuffix(inner, []byte(")")); found {
			rest, minuses = inner, 1
		}
	}
	for {
		before := len(rest)
		rest = Trim(rest)
		for _, sign := range []string{"-", minusSign} {
			for _, cut := range []func(s, affix []byte) ([]byte, bool){bytes.CutPrefix, bytes.CutSuffix} {
				if shorter, found := cut(rest, []byte(sign)); found {
					rest = shorter
					minuses++
				}
			}
		}
		rest = withoutCurrency(rest)
		if len(rest) == before {
			break
		}
	}
	switch minuses {
	case 0:
		return a.Keep(rest)
	case 1:
		mark := a.Mark()
		a.Data = append(append(a.Data, '-'), rest...)
		return a.Since(mark)
	}
	return text
}

// withoutCurrency takes a currency's sign, code or name off either end.
func withoutCurrency(text []byte) []byte {
	if r, size := utf8.DecodeRune(text); unicode.Is(unicode.Sc, r) {
		return text[size:]
	}
	if r, size := utf8.DecodeLastRune(text); unicode.Is(unicode.Sc, r) {
		return text[:len(text)-size]
	}
	inWord := func(r rune) bool { return unicode.IsLetter(r) }
	if word := text[:len(text)-len(bytes.TrimLeftFunc(text, inWord))]; isCurrency(string(word)) {
		return text[len(word):]
	}
	word := text[len(bytes.TrimRightFunc(bytes.TrimSuffix(text, []byte(".")), inWord)):]
	if isCurrency(string(word)) {
		return text[:len(text)-len(word)]
	}
	return text
}

func isCurrency(word string) bool {
	if slices.Contains(currencyWords, strings.ToLower(word)) {
		return true
	}
	_, err := currency.ParseISO(word)
	return err == nil && len(word) == 3
}
