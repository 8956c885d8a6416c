package engine

import (
	"context"
	"strings"
)

// guardedSettings are settings by which a statement reads or writes files of the
// machine, or is read in another language than the one that is looked at here.
var guardedSettings = map[string]bool{
	"FORMAT_SCHEMA": true, "FORMAT_TEMPLATE_ROW": true, "FORMAT_TEMPLATE_RESULTSET": true, "OUTPUT_FORMAT_SCHEMA": true,
	"INPUT_FORMAT_RECORD_ERRORS_FILE_PATH": true, "RENAME_FILES_AFTER_PROCESSING": true,
	"ALLOW_EXPERIMENTAL_EVAL_TABLE_FUNCTION": true, "DIALECT": true, "POLYGLOT_DIALECT": true, "URL_BASE": true,
	strings.ToUpper(tagSetting): true,
}

// guard refuses what a role alone does not keep from a session that has one:
// to take another role, the function file, which reads any file of the machine,
// and what leads to it.
//
// The engine's own parser writes the statement down first, so that there is one
// way left to write each word; only that is looked at.
func (s *Session) guard(ctx context.Context, sql string) error {
	if s.c.profile.role == "" {
		return nil
	}
	plain, err := s.e.rewrite(ctx, sql)
	if err != nil {
		return err
	}
	if what := forbidden(plain); what != "" {
		return denied(what)
	}
	return nil
}

// guardSettings is guard for settings that come beside a statement.
func guardSettings(settings map[string]string) error {
	for name := range settings {
		if guardedSettings[strings.ToUpper(name)] {
			return denied("the setting " + name)
		}
	}
	return nil
}

// guardInsert is guard for an insert whose rows come beside it. As Values a row is
// made of expressions, which nobody has looked at.
func (s *Session) guardInsert(ctx context.Context, q Query) error {
	if s.c.profile.role == "" {
		return nil
	}
	if strings.EqualFold(q.format(), "Values") {
		return denied("rows as VALUES; another format does the same, such as CSV or JSONEachRow")
	}
	return s.guard(ctx, q.SQL+"\nFORMAT "+quoteName(q.format()))
}

func denied(what string) error {
	return &Error{Code: CodeAccessDenied, Name: "ACCESS_DENIED", Text: "Not enough privileges: this user may not use " + what}
}

// rewrite gives a statement as the engine's parser writes it.
func (e *Engine) rewrite(ctx context.Context, sql string) (string, error) {
	s, err := e.Session(ctx)
	if err != nil {
		return "", err
	}
	defer s.Close()
	r, err := s.Query(ctx, Query{SQL: "SELECT formatQuerySingleLine({sql:String})", Format: "RawBLOB", Params: map[string]string{"sql": escapeText(sql)}})
	return string(r.Data), err
}

// forbidden names what a rewritten statement holds that a role may not use; empty
// if there is nothing.
func forbidden(sql string) string {
	list := tokens(sql)
	at := func(i int) token {
		if i < len(list) {
			return list[i]
		}
		return token{}
	}
	applies := false
	for _, t := range list {
		applies = applies || t.word == "APPLY"
	}
	for i, t := range list {
		name := t.word
		if t.kind == tokenQuoted && sql[t.start] == '`' {
			name = strings.ToUpper(strings.Trim(sql[t.start:t.end], "`"))
		}
		called := at(i+1).isSign(sql, '(')
		switch {
		case guardedSettings[name]:
			return "the setting " + strings.ToLower(name)
		case (name == "FILE" || name == "EVAL") && (called || applies):
			return "the function " + strings.ToLower(name)
		case name == "FORMAT" && called && !harmlessFormat(sql, at(i+2), at(i+3)):
			return "the table function format with rows as Values, or with a format that is no literal"
		case name == "ROLE" && i > 0 && (at(0).word == "SET" || at(i-1).word == "SET"):
			return "SET ROLE"
		case name == "OUTFILE" && i > 0 && at(i-1).word == "INTO":
			return "INTO OUTFILE"
		}
	}
	return ""
}

// harmlessFormat tells the first arguments of format(…), which is a function on
// texts and a table function that reads rows. Values would compute what is in the
// rows, and so might a format that is guessed, or named by something else than a
// literal.
func harmlessFormat(sql string, first, second token) bool {
	return first.kind == tokenQuoted && sql[first.start] == '\'' &&
		!strings.EqualFold(sql[first.start:first.end], "'Values'") && second.isSign(sql, ',')
}
