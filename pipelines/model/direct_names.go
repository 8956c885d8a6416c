package model

import (
	"regexp"
	"slices"
	"strings"
)

var (
	qualifiedName = regexp.MustCompile("(?i)(?:^|[^\\w.])(raw|staging|mart)[`\"]?\\s*\\.\\s*[`\"]?(\\w+)")
	plainTable    = regexp.MustCompile("(?i)\\b(?:from|join)\\s+[`\"]?(\\w+)[`\"]?\\s*([.(]?)")
)

// reportDirectNames finds tables that the SQL names without ref or source: such
// an edge would be missing in the graph, and the model built in the wrong order.
func (p *Project) reportDirectNames(file, body string, firstLine int, problems *Problems) {
	masked := maskSQL(body)
	line := func(at int) int { return firstLine + strings.Count(masked[:at], "\n") }
	for _, at := range qualifiedName.FindAllStringSubmatchIndex(masked, -1) {
		database, table := strings.ToLower(masked[at[2]:at[3]]), masked[at[4]:at[5]]
		m, isModel := p.byName[table]
		switch {
		case isModel && m.Database == database:
			problems.add(file, line(at[2]), `%s.%s is named directly; write {{ ref "%s" }}`, database, table, table)
		case !inTablePlace(masked[:at[2]]):
		case database == rawDatabase:
			domain, entity, _ := strings.Cut(table, "_")
			problems.add(file, line(at[2]), `raw.%s is named directly; write {{ source "%s" "%s" }}`, table, domain, entity)
		default:
			problems.add(file, line(at[2]), "%s.%s is named directly, and no model makes it%s", database, table, didYouMean(table, p.names()))
		}
	}
	for _, at := range plainTable.FindAllStringSubmatchIndex(masked, -1) {
		table := masked[at[2]:at[3]]
		if at[4] != at[5] || p.byName[table] == nil || definesCTE(masked, table) {
			continue
		}
		problems.add(file, line(at[2]), `%s is named directly; write {{ ref "%s" }}`, table, table)
	}
}

var endsInTablePlace = regexp.MustCompile("(?i)\\b(?:from|join)\\s+[`\"]?$")

// inTablePlace says whether a name right after the text stands for a table.
func inTablePlace(before string) bool { return endsInTablePlace.MatchString(before) }

// A mark before the bracket is {{ once }}.
var cteName = regexp.MustCompile("(?i)[`\"]?(\\w+)[`\"]?\\s+as\\s*(?:materialized\\s*|\x01+\\s*)?\\(")

func definesCTE(masked, name string) bool {
	return slices.ContainsFunc(cteName.FindAllStringSubmatch(masked, -1), func(match []string) bool { return match[1] == name })
}

// maskSQL blanks comments and string literals and puts a mark in place of
// template actions, so that what is left is names, keywords and operators.
// Offsets and lines stay as they are.
func maskSQL(body string) string {
	masked := []byte(body)
	for at := 0; at < len(body); {
		end, with := skipToken(body, at)
		if end == at {
			at++
			continue
		}
		for i := at; i < end; i++ {
			if masked[i] != '\n' {
				masked[i] = with
			}
		}
		at = end
	}
	return string(masked)
}

// templateMark stands where a template action was.
const templateMark = '\x01'

// skipToken returns the end of the comment, literal or template action that
// starts at the position, and what to put in its place; end is at when none does.
func skipToken(body string, at int) (end int, with byte) {
	until := func(start int, mark string) int {
		if i := strings.Index(body[start:], mark); i >= 0 {
			return start + i + len(mark)
		}
		return len(body)
	}
	rest := body[at:]
	switch {
	case strings.HasPrefix(rest, "{{"):
		return until(at, "}}"), templateMark
	case strings.HasPrefix(rest, "--"):
		return until(at, "\n"), ' '
	case strings.HasPrefix(rest, "/*"):
		return until(at, "*/"), ' '
	case rest[0] == '\'':
		return endOfLiteral(body, at), ' '
	default:
		return at, 0
	}
}

// endOfLiteral returns the position after a string literal, in which \ escapes
// the next character and a doubled quote stands for one.
func endOfLiteral(body string, at int) int {
	for i := at + 1; i < len(body); i++ {
		switch {
		case body[i] == '\\':
			i++
		case body[i] == '\'' && i+1 < len(body) && body[i+1] == '\'':
			i++
		case body[i] == '\'':
			return i + 1
		}
	}
	return len(body)
}
