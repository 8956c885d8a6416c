package files

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Encodings of text.
const (
	utf8Text    = "utf-8"
	utf16Text   = "utf-16"
	utf16LE     = "utf-16le"
	utf16BE     = "utf-16be"
	windows1251 = "windows-1251"
	windows1252 = "windows-1252"
	latin1      = "latin-1"
)

// encodings are those that are not read as they are.
var encodings = map[string]encoding.Encoding{
	utf16LE:     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	utf16BE:     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	windows1251: charmap.Windows1251,
	windows1252: charmap.Windows1252,
	latin1:      charmap.ISO8859_1,

	// These are read where they are declared, and not guessed.
	"windows-1250": charmap.Windows1250,
	"windows-1254": charmap.Windows1254,
	"koi8-r":       charmap.KOI8R,
	"ibm866":       charmap.CodePage866,
}

var byteOrderMarks = []struct{ mark, name string }{
	{"\xEF\xBB\xBF", utf8Text}, {"\xFF\xFE", utf16LE}, {"\xFE\xFF", utf16BE},
}

// GuessEncoding tells from the begin of a text how it is encoded, as the connector does where the configuration does not
// say: utf-8, utf-16le, utf-16be, windows-1251 or windows-1252.
func GuessEncoding(text []byte) string {
	head := text[:min(len(text), headSize)]
	if name, _ := markOf(head); name != "" {
		return name
	}
	return guessEncoding(head, "")
}

// markOf tells the encoding that a byte-order mark names, "" without one, and how long the mark is.
func markOf(head []byte) (name string, size int) {
	for _, b := range byteOrderMarks {
		if bytes.HasPrefix(head, []byte(b.mark)) {
			return b.name, len(b.mark)
		}
	}
	return "", 0
}

// decode returns the text in UTF-8 and how it was encoded. A byte-order mark is
// dropped and believed, whatever the configuration says; where neither tells, the
// encoding is guessed from how the text begins.
func decode(text *bufio.Reader, declared string) (*bufio.Reader, string, error) {
	head, err := text.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) && damage(err) == "" {
		return nil, "", err
	}
	if name, size := markOf(head); name != "" {
		_, err := text.Discard(size)
		return decoded(text, name), name, err
	}
	name := declared
	if name == "" || name == utf16Text {
		name = guessEncoding(head, declared)
	}
	return decoded(text, name), name, nil
}

func decoded(text *bufio.Reader, name string) *bufio.Reader {
	if chosen, found := encodings[name]; found {
		return bufio.NewReaderSize(chosen.NewDecoder().Reader(text), headSize)
	}
	return text
}

// guessEncoding tells from the begin of a text how it is encoded. Where it is
// UTF-8 with some damage, it is UTF-8: the damaged records are put aside.
func guessEncoding(head []byte, declared string) string {
	if little, big := zeroBytes(head); little != big || declared == utf16Text {
		if big {
			return utf16BE
		}
		return utf16LE
	}
	whole, broken := countUTF8(head)
	if broken < leastBroken || whole > broken || bytes.IndexByte(head, 0) >= 0 {
		return utf8Text
	}
	return guessSingleByte(head)
}

// zeroBytes says whether a text looks like UTF-16: nearly every other byte of one
// with blanks, digits and line ends of ASCII is zero in its own half only.
func zeroBytes(head []byte) (little, big bool) {
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i&1]++
		}
	}
	const rare = 20 // one character in ten is ASCII, at the least
	little = len(head) >= 4 && zeros[1]*rare > len(head) && zeros[0] == 0
	big = len(head) >= 4 && zeros[0]*rare > len(head) && zeros[1] == 0
	return little, big
}

// leastBroken is how many bytes that are no UTF-8 tell of another encoding, rather
// than of damage.
const leastBroken = 3

// countUTF8 counts the characters beyond ASCII that are whole and those that are
// not. A character cut off by the end of the head is neither.
func countUTF8(head []byte) (whole, broken int) {
	for len(head) > 0 {
		if head[0] < utf8.RuneSelf {
			head = head[1:]
			continue
		}
		r, size := utf8.DecodeRune(head)
		switch {
		case r != utf8.RuneError || size > 1:
			whole++
		case !utf8.FullRune(head):
			return whole, broken
		default:
			broken++
		}
		head = head[size:]
	}
	return whole, broken
}

// guessSingleByte tells Cyrillic from Western text by its words: those of the former have
// letters beyond ASCII only, nearly all of the latter letters of ASCII too.
func guessSingleByte(head []byte) string {
	cyrillic, western := 0, 0 // letters beyond ASCII, in words of either kind
	for len(head) > 0 {
		size, high, low := wordOf(head)
		switch {
		case high > 0 && low > 0:
			western += high
		case high > 1:
			cyrillic += high
		}
		head = head[max(size, 1):]
	}
	if cyrillic > western {
		return windows1251
	}
	return windows1252
}

// wordOf returns the length of the word that a text begins with, and how many of its
// letters are beyond ASCII and how many of it.
func wordOf(text []byte) (size, high, low int) {
	for _, c := range text {
		switch {
		case c >= 0xC0:
			high++
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			low++
		default:
			return high + low, high, low
		}
	}
	return high + low, high, low
}
