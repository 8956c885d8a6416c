package engine

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"winback/pipelines/quote"
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
// to take another role, the function file, which reads any file of the machine and
// may also be passed on by its name, and all ways to have a text read as SQL, which
// could hold it.
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
	if what := forbidden(plain, s.e.functions); what != "" {
		return denied(what)
	}
	if what := evasion(plain, s.e.ceilings(s.c.profile.role)); what != "" {
		return denied(what)
	}
	return nil
}

// evasion names the way by which a rewritten statement would get around ceilings
// and held settings, which the engine checks only for settings that are given a
// value: it goes back to the default, or to another profile. Empty if there is
// none.
func evasion(sql string, ceilings map[string]uint64) string {
	list := tokens(sql)
	setting := false // a list of settings has begun
	for i, t := range list {
		setting = setting || t.word == "SETTINGS" || t.word == "SET" && i == 0
		if !setting || i+1 >= len(list) || !list[i+1].isSign(sql, '=') {
			continue
		}
		name := strings.ToLower(strings.Trim(sql[t.start:t.end], "`\""))
		if name == "profile" {
			return "another profile"
		}
		_, limited := ceilings[name]
		_, held := heldSettings[name]
		if (limited || held) && i+2 < len(list) && list[i+2].word == "DEFAULT" {
			return "the default of the setting " + name
		}
	}
	return ""
}

// guardSettings is guard for settings that come beside a statement.
func guardSettings(settings map[string]string) error {
	for name, value := range settings {
		if upper := strings.ToUpper(name); guardedSettings[upper] || upper == "PROFILE" || sqlSettings[upper] && suspicious(value) {
			return denied("the setting " + name + " like this")
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
	if !s.e.inserts(s.c.profile.role) && strings.EqualFold(q.format(), "Values") {
		return denied("rows as VALUES; another format does the same, such as CSV or JSONEachRow")
	}
	return s.guard(ctx, q.SQL+"\nFORMAT "+quote.Always(q.format()))
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

// openFunctions are the table functions that a role may use: they read what it may
// read anyway, or nothing but their arguments. VALUES is looked at closer. All
// others that the engine has are closed, those of later versions too: many read
// files or the network, or take SQL as a text.
var openFunctions = map[string]bool{
	"NUMBERS": true, "NUMBERS_MT": true, "ZEROS": true, "ZEROS_MT": true, "PRIMES": true, "GENERATESERIES": true,
	"GENERATE_SERIES": true, "MERGE": true, "DICTIONARY": true, "LOOP": true, "VIEW": true, "VIEWEXPLAIN": true,
	"VIEWIFPERMITTED": true, "VALUES": true,
}

// tableFunctions gives the names of the engine's table functions in capitals.
func (e *Engine) tableFunctions() (map[string]bool, error) {
	r, err := e.b.result(call(e.b.query, e.keeper.target, "SELECT upper(name) FROM system.table_functions", "TSV", nil))
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for name := range strings.FieldsSeq(string(r.Data)) {
		names[name] = true
	}
	return names, nil
}

// forbidden names what a rewritten statement holds that a role may not use; empty
// if there is nothing.
func forbidden(sql string, tableFunctions map[string]bool) string {
	list := tokens(sql)
	at := func(i int) token {
		if i >= 0 && i < len(list) {
			return list[i]
		}
		return token{}
	}
	texts := slices.ContainsFunc(list, func(t token) bool { return sqlSettings[t.word] })
	for i, t := range list {
		name := t.word
		if t.kind == tokenQuoted && sql[t.start] == '`' {
			name = strings.ToUpper(strings.Trim(sql[t.start:t.end], "`"))
		}
		called := at(i+1).isSign(sql, '(')
		switch {
		case guardedSettings[name]:
			return "the setting " + strings.ToLower(name)
		case name == "FILE" && (called || !at(i-1).isSign(sql, '.')):
			return "file, which is a function that reads files; a column of that name wants its table's before it, as t.file"
		case name == "FORMAT" && called:
			if !harmlessFormat(sql, at(i+2), at(i+3)) {
				return "the table function format"
			}
		case name == "VALUES" && called && !harmlessValues(sql, at(i+2)):
			return "the table function values, unless with a plain structure of names and types"
		case called && tableFunctions[name] && !openFunctions[name]:
			return "the table function " + strings.ToLower(name)
		case name == "ROLE" && (at(0).word == "SET" || at(i-1).word == "SET"):
			return "SET ROLE"
		case name == "OUTFILE" && at(i-1).word == "INTO":
			return "INTO OUTFILE"
		case texts && t.kind == tokenQuoted && sql[t.start] == '\'' && suspicious(sql[t.start:t.end]):
			return "file, subqueries and escapes in a filter, or beside one"
		}
	}
	return ""
}

// harmlessFormat tells the first arguments of format(…). It is a function on
// texts, whose first is a pattern with braces, and a table function that reads
// rows: as Values, or with a default in the rows' structure, that would compute
// whatever a text says.
func harmlessFormat(sql string, first, second token) bool {
	return first.kind == tokenQuoted && sql[first.start] == '\'' &&
		strings.Contains(sql[first.start:first.end], "{") && second.isSign(sql, ',')
}

// harmlessValues tells the first argument of values(…), the rows' structure, which
// may hold expressions that are computed.
func harmlessValues(sql string, structure token) bool {
	text := sql[structure.start:structure.end]
	if structure.kind == tokenWord {
		return '0' <= text[0] && text[0] <= '9'
	}
	return structure.kind == tokenQuoted && text[0] == '\'' && !computed.MatchString(text)
}

// computed is what makes a column of a structure an expression.
var computed = regexp.MustCompile(`(?i)alias|default|materialized|ephemeral|ttl|codec`)

// sqlSettings are settings whose value is SQL.
var sqlSettings = map[string]bool{
	"ADDITIONAL_TABLE_FILTERS": true, "ADDITIONAL_RESULT_FILTER": true, "PARALLEL_REPLICAS_CUSTOM_KEY": true,
}

// suspicious tells texts that may do more than filter by columns, if they are SQL.
func suspicious(text string) bool {
	plain := strings.ToLower(strings.ReplaceAll(text, `\`, ""))
	return strings.Contains(plain, "file") || strings.Contains(plain, "select") || escape.MatchString(text)
}

// escape is a character that is not written as itself.
var escape = regexp.MustCompile(`\\[xXuU0-7]`)
