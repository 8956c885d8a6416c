package engine

import (
	"strings"

	"winback/pipelines/quote"
)

// The engine parses SQL; this file reads only as much of it as the engine's
// interface leaves to its caller: where the data of an INSERT begins, and where
// an output file can be named. What is rewritten here is parsed again by the
// engine before it runs.

// Classes of statements, as chdb_classify_query_n has them.
const (
	classReads    = 0 // leaves no trace
	classChanges  = 1 // changes a database
	classGlobal   = 2 // changes something outside the databases
	classControls = 3 // changes the session, or acts on the engine or on files
	classUnknown  = 4 // does not parse
)

// token is a piece of SQL: text[start:end].
type token struct {
	start, end int
	kind       tokenKind
	word       string // upper-cased, for words only
}

type tokenKind byte

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a bare identifier or keyword, or a number
	tokenQuoted           // a quoted identifier, a string or a heredoc
	tokenSign             // one character of punctuation
)

// scanner cuts SQL into tokens, leaving out spaces and comments.
type scanner struct {
	text string
	pos  int
	// cut says that the text ended inside a token or comment.
	cut bool
}

func (s *scanner) next() token {
	s.skip()
	start := s.pos
	if start >= len(s.text) {
		return token{start: start, end: start}
	}
	t := token{start: start}
	switch c := s.text[start]; {
	case c == '\'' || c == '"' || c == '`':
		t.kind = tokenQuoted
		s.quoted(c)
	case c == '$' && s.heredoc():
		t.kind = tokenQuoted
	case isWord(c):
		t.kind = tokenWord
		for s.pos < len(s.text) && isWord(s.text[s.pos]) {
			s.pos++
		}
		s.cut = s.cut || s.pos == len(s.text)
		t.word = strings.ToUpper(s.text[start:s.pos])
	default:
		t.kind = tokenSign
		s.pos++
	}
	t.end = s.pos
	return t
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// skip passes spaces and the three kinds of comments.
func (s *scanner) skip() {
	for s.pos < len(s.text) {
		rest := s.text[s.pos:]
		switch {
		case strings.ContainsRune(" \t\r\n\f\v\x00", rune(rest[0])):
			s.pos++
		case strings.HasPrefix(rest, "\ufeff"): // byte order mark
			s.pos += len("\ufeff")
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "# "), strings.HasPrefix(rest, "#!"):
			s.until(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			s.until(rest[2:], "*/")
		default:
			return
		}
	}
}

// until moves behind the next end in rest, which is a tail of the text.
func (s *scanner) until(rest, end string) {
	i := strings.Index(rest, end)
	if i < 0 {
		s.pos, s.cut = len(s.text), true
		return
	}
	s.pos = len(s.text) - len(rest) + i + len(end)
}

// quoted passes a text in quotes: a backslash escapes, a doubled quote is one.
func (s *scanner) quoted(quote byte) {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			s.pos++
		case quote:
			s.pos++
			if s.pos < len(s.text) && s.text[s.pos] == quote {
				continue
			}
			s.cut = s.cut || s.pos == len(s.text)
			return
		}
	}
	s.pos, s.cut = len(s.text), true
}

// heredoc passes $tag$ … $tag$, when there is one.
func (s *scanner) heredoc() bool {
	rest := s.text[s.pos:]
	n := strings.IndexByte(rest[1:], '$')
	if n < 0 {
		return false
	}
	tag := rest[:n+2]
	for i := 1; i < len(tag)-1; i++ {
		if !isWord(tag[i]) {
			return false
		}
	}
	end := strings.Index(rest[len(tag):], tag)
	if end < 0 {
		return false
	}
	s.pos += end + 2*len(tag)
	return true
}

// tokens cuts the whole text.
func tokens(text string) []token {
	s := scanner{text: text}
	var list []token
	for {
		t := s.next()
		if t.kind == tokenEnd {
			return list
		}
		list = append(list, t)
	}
}

// isSign tells whether a token is the character c.
func (t token) isSign(text string, c byte) bool {
	return t.kind == tokenSign && text[t.start] == c
}

// asks are the first words of statements that only read, changes of those that
// have nothing to stream, whatever follows.
var (
	asks    = map[string]bool{"SELECT": true, "WITH": true, "DESCRIBE": true, "DESC": true, "SHOW": true, "EXISTS": true}
	changes = map[string]bool{"INSERT": true, "CREATE": true, "ALTER": true, "DROP": true, "RENAME": true, "EXCHANGE": true}
)

// outline is what the outermost level of a statement shows.
type outline struct {
	// verb is its first word, upper-cased.
	verb string
	// format is the format the statement asks for by a FORMAT clause.
	format string
	// outfile is where INTO OUTFILE would stand.
	outfile int
	// files says that the statement names a file to write or read.
	files bool
	// several says that another statement follows a semicolon.
	several bool
	// empty says that there is no statement at all.
	empty bool
}

// outlineOf looks at a statement's outermost level.
func outlineOf(text string) outline {
	list := tokens(text)
	o := outline{empty: true}
	depth, last := 0, 0
	for i, t := range list {
		if t.isSign(text, ';') {
			o.several = o.several || i+1 < len(list) && !list[i+1].isSign(text, ';')
			continue
		}
		o.empty = false
		last = t.end
		if o.verb == "" {
			o.verb = t.word
		}
		switch {
		case t.kind == tokenSign && strings.IndexByte("([{", text[t.start]) >= 0:
			depth++
		case t.kind == tokenSign && strings.IndexByte(")]}", text[t.start]) >= 0:
			depth--
		case t.kind != tokenWord || depth != 0 || i+1 == len(list):
		case t.word == "INTO" && list[i+1].word == "OUTFILE", t.word == "FROM" && list[i+1].word == "INFILE":
			o.files = o.files || i+2 < len(list) && list[i+2].kind == tokenQuoted
		case t.word == "FORMAT" && isFormatClause(text, list[i+1:]):
			o.format, o.outfile = text[list[i+1].start:list[i+1].end], t.start
		}
	}
	if o.format == "" {
		o.outfile = last
	}
	return o
}

// isFormatClause tells FORMAT as a clause from a column of that name: the format's
// name follows, and then nothing or SETTINGS.
func isFormatClause(text string, after []token) bool {
	if after[0].kind != tokenWord {
		return false
	}
	return len(after) == 1 || after[1].word == "SETTINGS" || after[1].isSign(text, ';')
}

// query gives the statement without its FORMAT clause and what follows it.
func (o outline) query(text string) string { return text[:o.outfile] }

// intoOutfile gives the statement with its output going to a file.
func (o outline) intoOutfile(text, path string) string {
	return text[:o.outfile] + " INTO OUTFILE " + quote.Literal(path) + " TRUNCATE " + text[o.outfile:]
}
