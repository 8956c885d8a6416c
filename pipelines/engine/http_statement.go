package engine

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"winback/pipelines/quote"
)

// peekBytes is how much of a body is read at first to see what it holds.
const peekBytes = 64 << 10

// readStatement finds the statement in the parameter query and in the body, and
// where an insert's rows begin. As with a server the two are one text, the body
// on a new line.
func (req *request) readStatement(q url.Values, body io.Reader, limit int64) error {
	body, err := req.readForm(q, body)
	if err != nil {
		return err
	}
	text := q.Get("query")
	if text != "" {
		text += "\n"
	}
	inURL := len(text)
	complete := false
	size := peekBytes
	if n := req.http.ContentLength; n >= 0 && n < peekBytes {
		size = int(n) + 1 // the byte after the last tells the end
	}
	for ; ; size = max(2*size, peekBytes) {
		head := findInsert(text, complete)
		switch {
		case head.kind == insertRows:
			return req.readInsert(text[:head.end], head.format, text[head.data:], body)
		case head.kind == insertBare && inURL > 0 && head.end >= inURL:
			return req.readInsert(text[:inURL], "", text[inURL:], body)
		case complete:
			req.sql = text
			return req.checkWhole()
		case int64(len(text)) > limit:
			return &Error{Code: CodeTooLarge, Name: "QUERY_IS_TOO_LARGE", Text: fmt.Sprintf("the statement is longer than %d bytes", limit)}
		}
		more := make([]byte, size)
		n, err := fill(body, more)
		if err != nil && err != io.EOF {
			return badBody(err)
		}
		text += string(more[:n])
		complete = err == io.EOF
	}
}

// readInsert notes an insert whose rows are the rest of the text and the body.
func (req *request) readInsert(sql, format, rest string, body io.Reader) error {
	req.insert, req.sql = true, sql
	switch {
	case format != "":
		req.format = format
	case req.format == "":
		return &Error{Code: CodeSyntaxError, Name: "SYNTAX_ERROR", Text: "the INSERT says neither VALUES, nor SELECT, nor a FORMAT for its rows"}
	}
	req.data = io.MultiReader(strings.NewReader(rest), body)
	return nil
}

// checkWhole refuses texts that the library would run but a server would not.
func (req *request) checkWhole() error {
	o := outlineOf(req.sql)
	switch {
	case o.empty:
		return &Error{Code: CodeSyntaxError, Name: "SYNTAX_ERROR", Text: "Syntax error: Empty query"}
	case o.several:
		return &Error{Code: CodeSyntaxError, Name: "SYNTAX_ERROR", Text: "Syntax error (Multi-statements are not allowed)"}
	case o.files:
		return &Error{Code: CodeNotImplemented, Name: "NOT_IMPLEMENTED", Text: "INTO OUTFILE and FROM INFILE are for local clients, not for HTTP"}
	}
	return nil
}

// insertHead is what the beginning of a text says about an INSERT.
type insertHead struct {
	kind   insertKind
	end    int    // of the statement, without its FORMAT clause
	format string // of the rows: Values for VALUES
	data   int    // where the rows begin
}

type insertKind byte

const (
	insertNone   insertKind = iota // no INSERT, or one with a query instead of rows
	insertUnsure                   // the text is too short to tell
	insertRows                     // rows follow
	insertBare                     // nothing says what follows
)

// findInsert reads the beginning of a text as
//
//	INSERT INTO [TABLE] [FUNCTION] name [(columns)] [PARTITION BY …] [SETTINGS …] VALUES rows | FORMAT name rows
//
// The text may be a part of what is to come, unless it is complete.
func findInsert(text string, complete bool) insertHead {
	s := &scanner{text: text}
	// Whatever touches the end of a part may go on in the next.
	unsure := func() bool { return !complete && (s.cut || s.pos >= len(text)) }
	t := s.next()
	if unsure() {
		return insertHead{kind: insertUnsure}
	}
	if t.word != "INSERT" {
		return insertHead{}
	}
	t = s.skipTarget(s.next())
	depth, end := 0, t.start
	for ; ; t = s.next() {
		if unsure() {
			return insertHead{kind: insertUnsure}
		}
		switch {
		case t.kind == tokenEnd, t.isSign(text, ';'):
			return insertHead{kind: insertBare, end: end}
		case depth == 0 && t.word == "VALUES":
			return insertHead{kind: insertRows, end: t.start, format: "Values", data: t.end}
		case depth == 0 && t.word == "FORMAT":
			return s.readFormat(t.start, complete)
		case t.word == "SELECT" || t.word == "WITH" || depth == 0 && (t.word == "FROM" || t.word == "WATCH" || t.word == "EXPLAIN"):
			return insertHead{}
		case t.isSign(text, '('):
			depth++
		case t.isSign(text, ')'):
			depth--
		}
		end = t.end
	}
}

// skipTarget passes INTO, TABLE or FUNCTION, and the target's name, so that a
// table called values or format is not taken for a clause. It returns the token
// behind the name.
func (s *scanner) skipTarget(t token) token {
	for t.word == "INTO" || t.word == "TABLE" || t.word == "FUNCTION" {
		t = s.next()
	}
	for {
		if t.isSign(s.text, '{') { // {name:Identifier}
			for t.kind != tokenEnd && !t.isSign(s.text, '}') {
				t = s.next()
			}
		}
		t = s.next()
		if !t.isSign(s.text, '.') {
			return t
		}
		t = s.next()
	}
}

// readFormat reads the name after FORMAT. As in the engine's parser the rows
// begin behind the spaces that follow it, or behind the first line feed if that
// comes before anything else.
func (s *scanner) readFormat(start int, complete bool) insertHead {
	name := s.next()
	if !complete && (s.cut || s.pos >= len(s.text)) {
		return insertHead{kind: insertUnsure}
	}
	if name.kind != tokenWord {
		return insertHead{}
	}
	pos := name.end
	for pos < len(s.text) && strings.IndexByte(" \t\f", s.text[pos]) >= 0 {
		pos++
	}
	if pos < len(s.text) && s.text[pos] == ';' && strings.TrimSpace(s.text[pos+1:]) == "" {
		pos = len(s.text) // a statement that was ended, its rows come apart
	}
	if pos < len(s.text) && s.text[pos] == '\r' {
		pos++
	}
	if pos < len(s.text) && s.text[pos] == '\n' {
		pos++
	} else if pos == len(s.text) && !complete {
		return insertHead{kind: insertUnsure}
	}
	return insertHead{kind: insertRows, end: start, format: s.text[name.start:name.end], data: pos}
}

// externalTable is a temporary table that comes with a statement, as a part of a
// multipart form.
type externalTable struct {
	name, format, structure string
	open                    func() (io.ReadCloser, error)
}

// formMemory is how much of a form is held in memory, in bytes; the rest goes to
// files.
const formMemory = 64 << 20

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}

// isTableParam tells parameters that describe an external table.
func isTableParam(r *http.Request, name string) bool {
	return isForm(r) && (strings.HasSuffix(name, "_format") || strings.HasSuffix(name, "_structure") || strings.HasSuffix(name, "_types"))
}

// readForm takes a multipart form apart, if the body is one: files are external
// tables, fields are parameters. What it returns is the rest of the statement.
func (req *request) readForm(q url.Values, body io.Reader) (io.Reader, error) {
	r := req.http
	if !isForm(r) {
		return body, nil
	}
	r.Body = io.NopCloser(body)
	if err := r.ParseMultipartForm(formMemory); err != nil {
		return nil, badBody(err)
	}
	_, _ = io.Copy(io.Discard, body) // what follows the form; only behind it a caller's end is noticed
	form := r.MultipartForm
	context.AfterFunc(r.Context(), func() { _ = form.RemoveAll() })
	for name, values := range form.Value {
		value := values[len(values)-1]
		if param, ok := strings.CutPrefix(name, "param_"); ok {
			req.params[param] = value
		} else if q.Has(name+"_structure") || q.Has(name+"_types") { // a file without a file name
			err := req.addTable(q, name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(value)), nil })
			if err != nil {
				return nil, err
			}
		}
	}
	for name, files := range form.File {
		if err := req.addTable(q, name, func() (io.ReadCloser, error) { return files[0].Open() }); err != nil {
			return nil, err
		}
	}
	return strings.NewReader(strings.Join(form.Value["query"], "\n")), nil
}

func (req *request) addTable(q url.Values, name string, open func() (io.ReadCloser, error)) error {
	t := externalTable{name: name, format: q.Get(name + "_format"), structure: q.Get(name + "_structure"), open: open}
	if t.format == "" {
		t.format = "TabSeparated"
	}
	if t.structure == "" {
		t.structure = structureOf(q.Get(name + "_types"))
	}
	if t.structure == "" {
		return &Error{Code: CodeBadArguments, Name: "BAD_ARGUMENTS", Text: "the external table " + name + " has neither " + name + "_structure nor " + name + "_types"}
	}
	req.tables = append(req.tables, t)
	return nil
}

// structureOf names the columns of a list of types _1, _2 and so on.
func structureOf(types string) string {
	if types == "" {
		return ""
	}
	var columns []string
	depth, start := 0, 0
	for i := 0; i <= len(types); i++ {
		switch {
		case i == len(types) || types[i] == ',' && depth == 0:
			columns = append(columns, fmt.Sprintf("_%d %s", len(columns)+1, types[start:i]))
			start = i + 1
		case types[i] == '(':
			depth++
		case types[i] == ')':
			depth--
		}
	}
	return strings.Join(columns, ", ")
}

// loadTables makes the external tables in the statement's session.
func (req *request) loadTables(ctx context.Context, s *Session) error {
	for _, t := range req.tables {
		sql := "CREATE OR REPLACE TEMPORARY TABLE " + quote.Always(t.name) + " (" + t.structure + ") ENGINE = Memory"
		if _, err := s.Query(ctx, Query{SQL: sql, Format: "Null"}); err != nil {
			return err
		}
		file, err := t.open()
		if err != nil {
			return badBody(err)
		}
		_, err = s.Insert(ctx, Query{SQL: "INSERT INTO " + quote.Always(t.name), Format: t.format}, file)
		_ = file.Close()
		if err != nil {
			return fmt.Errorf("external table %s: %w", t.name, err)
		}
	}
	return nil
}
