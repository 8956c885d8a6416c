package ask

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"winback/dashboards/board"
)

// Value is what a variable stands at.
type Value struct {
	// Values are those chosen, all of them when All is set.
	Values, Texts []string
	// Multi tells that it may hold several, and so is a list even with one.
	Multi bool
	All   bool
	// AllText is what stands for all of them as it is, where the variable says so.
	AllText *string
}

// Label is the value for people.
func (v Value) Label() string {
	if v.All {
		return "All"
	}
	return strings.Join(v.Texts, ", ")
}

// everything is the value by which a variable of one choice means all of them, as the
// rows of marts do that sum the others up.
const everything = "(all)"

// IsAll tells whether nothing is left out.
func (v Value) IsAll() bool {
	return v.All || len(v.Values) == 0 || len(v.Values) == 1 && v.Values[0] == everything
}

// State is what queries of a dashboard depend on.
type State struct {
	Range    Range
	Interval time.Duration
	Values   map[string]Value
	Zone     string
}

var reference = regexp.MustCompile(`\$(\w+)|\$\{(\w+)(?:\.\w+)?(?::([\w:]+))?\}|\[\[(\w+)(?::(\w+))?\]\]`)

// Interpolate replaces variables and Grafana's globals in a text as the browser
// does before a query is sent. Unknown names stay.
func (s State) Interpolate(text string) string { return s.interpolate(text, true) }

// Say replaces variables in a text for people: titles, markdown.
func (s State) Say(text string) string { return s.interpolate(text, false) }

func (s State) interpolate(text string, sql bool) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		part := reference.FindStringSubmatch(found)
		name, format := part[1]+part[2]+part[4], part[3]+part[5]
		if text, known := s.global(name, found); known {
			return text
		}
		v, known := s.Values[name]
		if !known {
			return found
		}
		if format == "" && !sql {
			format = "text"
		}
		return v.format(name, format)
	})
}

func (s State) global(name, found string) (string, bool) {
	switch name {
	case "__from", "__to":
		at := s.Range.From
		if name == "__to" {
			at = s.Range.To
		}
		switch {
		case strings.Contains(found, ":date:seconds"):
			return fmt.Sprint(at.Unix()), true
		case strings.Contains(found, ":date"):
			return at.UTC().Format("2006-01-02T15:04:05.000Z"), true
		}
		return fmt.Sprint(at.UnixMilli()), true
	case "__interval":
		return intervalText(s.Interval), true
	case "__interval_ms":
		return fmt.Sprint(s.Interval.Milliseconds()), true
	case "__timezone":
		return s.Zone, true
	}
	return "", false
}

// format writes the value in one of Grafana's formats; none is the plugin's own
// rule: a list in quotes, a single value as it is.
func (v Value) format(name, format string) string {
	if v.All && v.AllText != nil && format != "text" {
		return *v.AllText
	}
	if !v.Multi && format != "queryparam" && format != "text" {
		return v.formatOne(format)
	}
	switch format {
	case "":
		if len(v.Values) == 0 {
			return "''"
		}
		return wrapped(v.Values, "'", "'")
	case "raw", "csv":
		return strings.Join(v.Values, ",")
	case "sqlstring":
		return quoted(v.Values, "'", "''", "'")
	case "singlequote":
		return quoted(v.Values, "'", `\'`, "'")
	case "doublequote":
		return quoted(v.Values, `"`, `\"`, `"`)
	case "pipe":
		return strings.Join(v.Values, "|")
	case "json":
		return jsonList(v.Values)
	case "regex":
		return v.regex()
	case "text":
		if v.All {
			return "All"
		}
		return strings.Join(v.Texts, " + ")
	case "queryparam":
		return v.queryParam(name)
	case "percentencode":
		return url.QueryEscape("{" + strings.Join(v.Values, ",") + "}")
	}
	if len(v.Values) == 1 {
		return v.Values[0]
	}
	return "{" + strings.Join(v.Values, ",") + "}" // glob, and every unknown name
}

func (v Value) formatOne(format string) string {
	one := strings.Join(v.Values, ",")
	switch format {
	case "sqlstring":
		return quoted([]string{one}, "'", "''", "'")
	case "singlequote":
		return quoted([]string{one}, "'", `\'`, "'")
	case "doublequote":
		return quoted([]string{one}, `"`, `\"`, `"`)
	case "regex":
		return strings.ReplaceAll(regexp.QuoteMeta(one), "/", `\/`)
	case "percentencode":
		return strings.ReplaceAll(url.QueryEscape(one), "+", "%20")
	}
	return one
}

func (v Value) regex() string {
	if len(v.Values) == 1 {
		return regexp.QuoteMeta(v.Values[0])
	}
	escaped := make([]string, len(v.Values))
	for i, one := range v.Values {
		escaped[i] = regexp.QuoteMeta(one)
	}
	return "(" + strings.Join(escaped, "|") + ")"
}

func (v Value) queryParam(name string) string {
	values := v.Values
	if v.All {
		values = []string{board.AllValue}
	}
	pairs := make([]string, len(values))
	for i, one := range values {
		pairs[i] = "var-" + name + "=" + strings.ReplaceAll(url.QueryEscape(one), "+", "%20")
	}
	return strings.Join(pairs, "&")
}

func wrapped(values []string, before, after string) string {
	return before + strings.Join(values, after+","+before) + after
}

// quoted puts values in quotes, those inside them escaped.
func quoted(values []string, quote, escaped, sep string) string {
	out := make([]string, len(values))
	for i, value := range values {
		out[i] = quote + strings.ReplaceAll(value, sep, escaped) + quote
	}
	return strings.Join(out, ",")
}

func jsonList(values []string) string {
	parts := make([]string, len(values))
	for i, value := range values {
		parts[i] = fmt.Sprintf("%q", value)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// conditionalAll replaces the plugin's $__conditionalAll(condition, $variable) by
// the condition, or by 1=1 when all values are chosen.
func (s State) conditionalAll(sql string) string {
	const name = "$__conditionalAll"
	for {
		at := strings.LastIndex(sql, name)
		if at < 0 {
			return sql
		}
		args, length, ok := arguments(sql[at+len(name):])
		if !ok || len(args) != 2 {
			return sql
		}
		condition := args[0]
		if v, known := s.Values[strings.Trim(strings.TrimSpace(args[1]), "${}")]; known && (v.All || strings.Join(v.Values, "") == "") {
			condition = "1=1"
		}
		sql = sql[:at] + condition + sql[at+len(name)+length:]
	}
}

// arguments splits "(a, f(b, c))…" at the commas of its own level and returns its
// length.
func arguments(text string) (args []string, length int, ok bool) {
	if !strings.HasPrefix(text, "(") {
		return nil, 0, false
	}
	depth, start, quote := 0, 1, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '(':
			depth++
		case c == ',' && depth == 1:
			args, start = append(args, strings.TrimSpace(text[start:i])), i+1
		case c == ')':
			if depth--; depth == 0 {
				if last := strings.TrimSpace(text[start:i]); last != "" || len(args) > 0 {
					args = append(args, last)
				}
				return args, i + 1, true
			}
		}
	}
	return nil, 0, false
}
