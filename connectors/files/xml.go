package files

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlReader reads the XML that spreadsheets are made of, token by token, with a
// buffer for one of them. It knows no entities but the five of XML and the
// numbered ones, and drops the prefixes of names.
type xmlReader struct {
	in    *bufio.Reader
	kind  xmlKind
	name  []byte // of an element's begin or end
	attrs []xmlAttr
	text  []byte // between tags, entities resolved
	tag   []byte // as it is written
	inTag bool   // a "<" was read
	empty bool   // the element just begun ends at once
}

type xmlKind int

const (
	xmlText xmlKind = iota
	xmlBegin
	xmlEnd
)

type xmlAttr struct{ name, value []byte }

// longestXML bounds a tag, and a text between tags: a cell holds 32 KiB at most.
const longestXML = 4 << 20

// newXMLReader reads a part of a workbook.
func newXMLReader(in io.Reader) (*xmlReader, error) {
	text, _, err := decode(bufio.NewReaderSize(in, headSize), utf8Text)
	return &xmlReader{in: text}, err
}

// next reads the next token. At the end it returns io.EOF.
func (x *xmlReader) next() error {
	if x.empty {
		x.empty, x.kind = false, xmlEnd
		return nil
	}
	if !x.inTag {
		if err := x.readText(); err != nil {
			return err
		}
		x.inTag = true
		if len(x.text) > 0 {
			x.kind, x.text = xmlText, unescape(x.text)
			return nil
		}
	}
	x.inTag = false
	if err := x.readTag(); err != nil {
		return err
	}
	return x.parseTag()
}

// readText reads up to the next tag.
func (x *xmlReader) readText() error {
	x.text = x.text[:0]
	for {
		chunk, err := x.in.ReadSlice('<')
		x.text = append(x.text, chunk...)
		switch {
		case err == nil:
			x.text = x.text[:len(x.text)-1]
			return nil
		case errors.Is(err, bufio.ErrBufferFull) && len(x.text) < longestXML:
		case errors.Is(err, bufio.ErrBufferFull):
			return damagef(nil, "the workbook holds a text that is longer than a cell can be: what follows cannot be read")
		default:
			return err
		}
	}
}

// readTag reads up to the end of a tag, comment or section.
func (x *xmlReader) readTag() error {
	x.tag = x.tag[:0]
	for {
		chunk, err := x.in.ReadSlice('>')
		x.tag = append(x.tag, chunk...)
		switch {
		case err == nil && tagEnds(x.tag[:len(x.tag)-1]):
			x.tag = x.tag[:len(x.tag)-1]
			return nil
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
			if len(x.tag) > longestXML {
				return damagef(nil, "the workbook is damaged, a tag of it has no end: what follows cannot be read")
			}
		case errors.Is(err, io.EOF):
			return damagef(io.ErrUnexpectedEOF, "the workbook ends within a tag: it was cut off here, what followed is missing")
		default:
			return err
		}
	}
}

// tagEnds says that a ">" behind the text ends a tag, and is no part of it.
func tagEnds(tag []byte) bool {
	switch {
	case bytes.HasPrefix(tag, []byte("!--")):
		return len(tag) >= 5 && bytes.HasSuffix(tag, []byte("--"))
	case bytes.HasPrefix(tag, []byte("![CDATA[")):
		return bytes.HasSuffix(tag, []byte("]]"))
	case bytes.HasPrefix(tag, []byte("?")):
		return bytes.HasSuffix(tag, []byte("?"))
	}
	quote := byte(0)
	for _, c := range tag {
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	return quote == 0
}

// parseTag takes the tag last read apart.
func (x *xmlReader) parseTag() error {
	tag := x.tag
	switch {
	case bytes.HasPrefix(tag, []byte("![CDATA[")):
		x.kind, x.text = xmlText, append(x.text[:0], tag[8:len(tag)-2]...)
		return nil
	case bytes.HasPrefix(tag, []byte("!")), bytes.HasPrefix(tag, []byte("?")):
		return x.next()
	case bytes.HasPrefix(tag, []byte("/")):
		x.kind, x.name = xmlEnd, localName(bytes.TrimSpace(tag[1:]))
		return nil
	}
	tag, x.empty = bytes.CutSuffix(tag, []byte("/"))
	end := bytes.IndexAny(tag, " \t\r\n")
	if end < 0 {
		end = len(tag)
	}
	x.kind, x.name, x.attrs = xmlBegin, localName(tag[:end]), x.attrs[:0]
	for rest := tag[end:]; ; {
		name, after, found := bytes.Cut(rest, []byte("="))
		after = bytes.TrimLeft(after, " \t\r\n")
		if !found || len(after) == 0 || after[0] != '"' && after[0] != '\'' {
			return nil
		}
		value, behind, found := bytes.Cut(after[1:], after[:1])
		if !found {
			return nil
		}
		x.attrs = append(x.attrs, xmlAttr{localName(bytes.TrimSpace(name)), unescape(value)})
		rest = behind
	}
}

func localName(name []byte) []byte {
	return name[bytes.IndexByte(name, ':')+1:]
}

// attr returns an attribute of the element just begun, nil if it has none of that
// name.
func (x *xmlReader) attr(name string) []byte {
	for _, a := range x.attrs {
		if string(a.name) == name {
			return a.value
		}
	}
	return nil
}

// begins says that the token begins an element of that name.
func (x *xmlReader) begins(name string) bool { return x.kind == xmlBegin && string(x.name) == name }

// ends says that the token ends an element of that name.
func (x *xmlReader) ends(name string) bool { return x.kind == xmlEnd && string(x.name) == name }

// textOf appends all text of the element just begun, up to its end, but for that
// of elements called like without.
func (x *xmlReader) textOf(into []byte, without string) ([]byte, error) {
	skipped := 0
	for depth := 1; depth > 0; {
		if err := x.next(); err != nil {
			return into, cutOff(err)
		}
		switch {
		case x.kind == xmlText && skipped == 0:
			into = append(into, x.text...)
		case x.kind == xmlBegin:
			depth++
			if string(x.name) == without || skipped > 0 {
				skipped++
			}
		case x.kind == xmlEnd:
			depth--
			skipped = max(skipped-1, 0)
		}
		if len(into) > longestXML {
			return into, damagef(nil, "the workbook holds a text that is longer than a cell can be: what follows cannot be read")
		}
	}
	return into, nil
}

// cutOff turns the end of a part where there should be more into damage.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return damagef(io.ErrUnexpectedEOF, "the workbook ends too early: it was cut off here, what followed is missing")
	}
	return err
}

// unescape resolves entities, in place.
func unescape(text []byte) []byte {
	at := bytes.IndexByte(text, '&')
	if at < 0 {
		return text
	}
	out := text[:at]
	for rest := text[at:]; len(rest) > 0; {
		if rest[0] == '&' {
			if end := bytes.IndexByte(rest[:min(len(rest), 12)], ';'); end > 0 {
				if r, ok := entityRune(string(rest[1:end])); ok {
					out = utf8.AppendRune(out, r)
					rest = rest[end+1:]
					continue
				}
			}
		}
		out = append(out, rest[0])
		rest = rest[1:]
	}
	return out
}

func entityRune(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, numbered := strings.CutPrefix(name, "#")
	if !numbered {
		return 0, false
	}
	base := 10
	if hex, found := strings.CutPrefix(digits, "x"); found {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil && n > 0
}
