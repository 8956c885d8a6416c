package cluster

import (
	"fmt"
	"slices"
	"strings"
)

// head is what a statement begins with: what it does to which tables. Offsets are
// into the statement's text.
type head struct {
	verb   string // upper-cased
	object string // TABLE, TABLES, VIEW, DATABASE
	names  []span
	// orReplace and temporary are words between the verb and the object.
	orReplace, temporary bool
	rest                 []token // what follows the last name
}

// span is a piece of a text.
type span struct{ start, end int }

func (s span) of(text string) string { return text[s.start:s.end] }

// token is a word, a quoted text or a sign.
type token struct {
	span
	word string // upper-cased; a sign as it is; empty for quoted texts
}

// tokens cuts a statement. It is one that this program wrote: there is no comment in
// it but within quotes, or in the query of a view, where a quote in a comment would
// matter only if clauses of the statement came after it.
func tokens(text string) []token {
	var list []token
	for i := 0; i < len(text); {
		start := i
		switch c := text[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case strings.HasPrefix(text[i:], "--"):
			i += max(strings.IndexByte(text[i:]+"\n", '\n'), 1)
			continue
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return list
			}
			i += 2 + end + 2
			continue
		case c == '\'' || c == '`' || c == '"':
			i = endOfQuoted(text, i)
			list = append(list, token{span: span{start, i}})
			continue
		case isWord(c):
			for i < len(text) && isWord(text[i]) {
				i++
			}
		default:
			i++
		}
		list = append(list, token{span{start, i}, strings.ToUpper(text[start:i])})
	}
	return list
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// endOfQuoted returns where a text in quotes that begins at i ends.
func endOfQuoted(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

// reader reads a statement's head word by word.
type reader struct {
	list []token
	text string
}

func (r *reader) accept(words ...string) bool {
	if len(r.list) < len(words) {
		return false
	}
	for i, w := range words {
		if r.list[i].word != w {
			return false
		}
	}
	r.list = r.list[len(words):]
	return true
}

// name reads a table's or database's name.
func (r *reader) name() (span, error) {
	if len(r.list) == 0 {
		return span{}, fmt.Errorf("no name where one was expected: %s", r.text)
	}
	s := r.list[0].span
	r.list = r.list[1:]
	if len(r.list) > 1 && r.list[0].word == "." {
		s.end = r.list[1].end
		r.list = r.list[2:]
	}
	return s, nil
}

// reading are the statements that change no definition: they go to one server, and
// the tables there have the rest follow.
var reading = []string{"SELECT", "WITH", "INSERT", "EXISTS", "DESCRIBE", "DESC", "SHOW", "EXPLAIN", "SET", "KILL", "USE", "SYSTEM", "("}

// readHead reads what a statement does to which tables; names are none for one that
// only reads or inserts. A statement of an unknown kind is an error: half a cluster
// would not know of what it did.
func readHead(text string) (h head, err error) {
	r := &reader{tokens(text), text}
	if len(r.list) == 0 || slices.Contains(reading, r.list[0].word) {
		return h, nil
	}
	h.verb = r.list[0].word
	r.list = r.list[1:]
	h.orReplace, h.temporary = r.accept("OR", "REPLACE"), r.accept("TEMPORARY")
	if h.temporary {
		return head{}, nil
	}
	if h.verb == "DELETE" && r.accept("FROM") {
		h.object = "TABLE"
	} else if len(r.list) > 0 {
		h.object = r.list[0].word
		r.list = r.list[1:]
	}
	if known := objectsOf[h.verb]; !slices.Contains(known, h.object) {
		return h, fmt.Errorf("on a cluster nothing is known of statements like %.60q", text)
	}
	if !r.accept("IF", "NOT", "EXISTS") {
		r.accept("IF", "EXISTS")
	}
	for {
		name, err := r.name()
		if err != nil {
			return h, err
		}
		h.names = append(h.names, name)
		if several := h.verb == "RENAME" || h.verb == "EXCHANGE"; !several || !r.accept("TO") && !r.accept("AND") && !r.accept(",") {
			h.rest = r.list
			return h, nil
		}
	}
}

// objectsOf lists what each verb can be about.
var objectsOf = map[string][]string{
	"CREATE": {"TABLE", "VIEW", "DATABASE"}, "DROP": {"TABLE", "VIEW", "DATABASE"}, "TRUNCATE": {"TABLE"},
	"RENAME": {"TABLE"}, "EXCHANGE": {"TABLES"},
	"ALTER": {"TABLE"}, "OPTIMIZE": {"TABLE"}, "DELETE": {"TABLE"},
}

// clause finds a word of the statement's outermost level behind its names.
func (h head) clause(text, word string) (at int, ok bool) {
	depth := 0
	for i, t := range h.rest {
		switch {
		case t.word == "(":
			depth++
		case t.word == ")":
			depth--
		case depth == 0 && t.word == word:
			return i, true
		}
	}
	return 0, false
}

// after is where ON CLUSTER stands.
func (h head) after() int { return h.names[len(h.names)-1].end }

// splitName takes a name apart; database is empty for a bare one.
func splitName(name string) (database, table string) {
	list := tokens(name)
	if len(list) < 3 {
		return "", name
	}
	return list[0].of(name), list[2].of(name)
}

func unquote(name string) string {
	if len(name) < 2 || name[0] != '`' && name[0] != '"' {
		return name
	}
	return strings.NewReplacer("\\`", "`", `\\`, `\`).Replace(name[1 : len(name)-1])
}
