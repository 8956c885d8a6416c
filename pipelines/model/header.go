package model

import (
	"regexp"
	"slices"
	"strings"
)

// header is what the comment lines at the top of a .sql file say.
type header struct {
	name, summary string
	keys          map[string]headerValue
	body          string // the SQL below, without a closing semicolon
	bodyLine      int    // the line of the file in which body starts
}

type headerValue struct {
	text string
	line int
}

// modelKeys and checkKeys are the keys a header may have.
var (
	modelKeys = []string{"grain", "materialized", "computed_by", "key", "changes", "order_by", "partition_by", "engine", "memory", "tags", "settings"}
	checkKeys = []string{"severity", "tags"}
)

var (
	headerKey = regexp.MustCompile(`^([a-z_]+):(?:\s+(.*))?$`)
	// headerNext finds a second key in a line, as in "materialized: table, order_by: id".
	headerNext = regexp.MustCompile(`,\s*(materialized|computed_by|key|changes|order_by|partition_by|engine|memory|tags|settings|severity):\s`)
)

// parseHeader reads the comment lines at the top of a file: "name: summary",
// then keys; a line that is neither a key nor the first goes on the one before,
// and an empty comment or the first line of SQL ends the header.
func parseHeader(file, content string, allowed []string, problems *Problems) header {
	lines := strings.Split(strings.TrimPrefix(content, "\ufeff"), "\n")
	h := header{keys: map[string]headerValue{}}
	last := "" // key that a continuation line belongs to; "" is the summary
	next := 0
	for ; next < len(lines); next++ {
		text, isComment := strings.CutPrefix(strings.TrimSpace(lines[next]), "--")
		if text = strings.TrimSpace(text); !isComment || text == "" {
			break
		}
		match := headerKey.FindStringSubmatch(text)
		switch {
		case next == 0:
			h.readFirst(file, text, match, problems)
		case match == nil:
			h.extend(last, text)
		case !slices.Contains(allowed, match[1]):
			problems.add(file, next+1, "header: unknown key %q%s", match[1], didYouMean(match[1], allowed))
		default:
			last = h.set(file, next+1, match[1], match[2], problems)
		}
	}
	if next == 0 {
		problems.add(file, 1, `the file has to start with a comment line "-- name: what it holds"`)
	}
	h.bodyLine = next + 1
	h.body = strings.TrimRight(strings.Join(lines[next:], "\n"), " \t\r\n;")
	if strings.TrimSpace(h.body) == "" {
		problems.add(file, h.bodyLine, "no SQL below the header")
	}
	return h
}

func (h *header) readFirst(file, text string, match []string, problems *Problems) {
	if match == nil {
		problems.add(file, 1, `the first line has to be "-- name: what it holds"`)
		h.summary = text
		return
	}
	h.name, h.summary = match[1], match[2]
}

// set stores a key's value, splitting off further keys in the same line, and
// returns the key that a continuation line would belong to.
func (h *header) set(file string, line int, key, value string, problems *Problems) string {
	for {
		rest, nextKey := "", ""
		if at := headerNext.FindStringSubmatchIndex(value); at != nil {
			nextKey, rest, value = value[at[2]:at[3]], value[at[1]:], value[:at[0]]
		}
		if _, twice := h.keys[key]; twice {
			problems.add(file, line, "header: %s is given twice", key)
		}
		h.keys[key] = headerValue{strings.TrimSpace(value), line}
		if nextKey == "" {
			return key
		}
		key, value = nextKey, rest
	}
}

func (h *header) extend(key, text string) {
	if key == "" {
		h.summary += " " + text
		return
	}
	value := h.keys[key]
	value.text += " " + text
	h.keys[key] = value
}

func (h *header) list(key string) []string {
	return strings.FieldsFunc(h.keys[key].text, func(r rune) bool { return r == ',' || r == ' ' })
}

// settings reads "a=1, b='x, y'": a value that holds a comma is quoted.
func (h *header) settings(file string, problems *Problems) map[string]string {
	value, ok := h.keys["settings"]
	if !ok {
		return nil
	}
	settings := map[string]string{}
	for _, part := range splitOutsideQuotes(value.text) {
		name, setting, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if !ok || !settingName.MatchString(name) {
			problems.add(file, value.line, "header: settings are written name=value, not %q", strings.TrimSpace(part))
			continue
		}
		text, ok := unquoteSetting(strings.TrimSpace(setting))
		if !ok {
			problems.add(file, value.line, "header: settings: %s begins with a quote that is not closed", strings.TrimSpace(setting))
		}
		settings[name] = text
	}
	return settings
}

// splitOutsideQuotes splits at commas that are not within '…', in which a doubled
// quote stands for one.
func splitOutsideQuotes(text string) []string {
	var parts []string
	quoted, start := false, 0
	for i, r := range text {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ',' && !quoted:
			parts, start = append(parts, text[start:i]), i+1
		}
	}
	return append(parts, text[start:])
}

// unquoteSetting returns the text of a value written plain or as '…'; ok is false
// when the quote is not closed.
func unquoteSetting(value string) (text string, ok bool) {
	inner, quoted := strings.CutPrefix(value, "'")
	if !quoted {
		return value, true
	}
	inner, ok = strings.CutSuffix(inner, "'")
	return strings.ReplaceAll(inner, "''", "'"), ok
}

var settingName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// applyTo puts the header's values into the model and reports what is missing
// or makes no sense together.
func (h *header) applyTo(m *Model, problems *Problems) {
	m.Summary, m.Grain = h.summary, h.keys["grain"].text
	m.Materialized = Materialization(h.keys["materialized"].text)
	if m.ComputedBy = h.keys["computed_by"].text; m.ComputedBy != "" && m.Materialized != Table {
		problems.add(m.Path, h.keys["computed_by"].line, "header: computed_by is for tables, not for materialized: %s", m.Materialized)
	}
	m.OrderBy, m.PartitionBy, m.Engine = h.keys["order_by"].text, h.keys["partition_by"].text, h.keys["engine"].text
	memory, given := h.keys["memory"]
	if m.Large = memory.text == "large"; given && !m.Large {
		problems.add(m.Path, memory.line, `header: memory is "large" or not given, not %q`, memory.text)
	}
	m.Tags, m.Settings = h.list("tags"), h.settings(m.Path, problems)
	m.Key = h.list("key")
	m.Changes = slices.Clone(m.Key)
	for _, name := range h.list("changes") {
		if !slices.Contains(m.Changes, name) {
			m.Changes = append(m.Changes, name)
		}
	}
	m.body, m.bodyLine = h.body, h.bodyLine
	if h.name != "" && h.name != m.Name {
		problems.add(m.Path, 1, "the header calls the model %q, the file %q", h.name, m.Name)
	}
	if m.Grain == "" {
		problems.add(m.Path, 1, `header: no grain; add a line such as "-- grain: one row per customer"`)
	}
	switch m.Materialized {
	case Table, Incremental:
		if m.OrderBy == "" {
			problems.add(m.Path, h.keys["materialized"].line, `header: a table needs a line such as "-- order_by: (customer_key, month)"`)
		}
	case View:
		for _, key := range []string{"order_by", "partition_by", "engine", "key", "changes"} {
			if value, ok := h.keys[key]; ok {
				problems.add(m.Path, value.line, "header: %s is for tables, this is a view", key)
			}
		}
	default:
		problems.add(m.Path, max(1, h.keys["materialized"].line), `header: materialized has to be "table", "incremental" or "view", not %q`, string(m.Materialized))
	}
}
