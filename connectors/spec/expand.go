package spec

import (
	"fmt"
	"regexp"
	"strings"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expansion is a text with its variables put in.
type expansion struct {
	text string
	vars []string
}

// expand replaces ${NAME} and ${NAME:-default}; $${ stands for a plain ${. As in a shell, the default also serves when
// the variable is set to nothing. The error names the variable and how to set it; it never holds a value.
func expand(text string, opts Options) (expansion, error) {
	var out strings.Builder
	var vars []string
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			out.WriteString(text)
			return expansion{text: out.String(), vars: vars}, nil
		}
		if start > 0 && text[start-1] == '$' {
			out.WriteString(text[:start-1] + "${")
			text = text[start+2:]
			continue
		}
		out.WriteString(text[:start])
		inside, rest, closed := strings.Cut(text[start+2:], "}")
		name, fallback, hasFallback := strings.Cut(inside, ":-")
		if !closed || !variableName.MatchString(name) {
			return expansion{}, fmt.Errorf("%q is no variable: write ${NAME} or ${NAME:-default}, or $${ for a plain ${",
				clip(text[start:]))
		}
		value, found := opts.lookup(name)
		switch {
		case hasFallback && value == "":
			value = fallback
		case !found && !hasFallback:
			return expansion{}, opts.missing(name)
		}
		vars = append(vars, name)
		out.WriteString(value)
		text = rest
	}
}

func clip(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if runes := []rune(line); len(runes) > 30 {
		return string(runes[:30]) + "…"
	}
	return line
}

// MissingVariable is the cause of the error about an environment variable that is not set.
type MissingVariable struct {
	Name string
	// EnvFile is where it could be set, "" when there is no such place.
	EnvFile string
}

// Error names the variable and the ways out.
func (e *MissingVariable) Error() string {
	where := "export it"
	if e.EnvFile != "" {
		where = fmt.Sprintf("add a line %s=… to %s, or export it", e.Name, e.EnvFile)
	}
	return fmt.Sprintf("environment variable %s is not set: %s, or give a default as ${%s:-…}", e.Name, where, e.Name)
}

func (o Options) lookup(name string) (string, bool) {
	if o.Lookup == nil {
		return "", false
	}
	return o.Lookup(name)
}

func (o Options) missing(name string) error {
	return &MissingVariable{Name: name, EnvFile: o.EnvFile}
}
