package config

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"winback/connectors/spec"
)

var envLine = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$`)

// readEnvFile reads NAME=value lines; a missing file has none. Values are taken as they stand, without expansion, so
// that a password may hold a $. Single or double quotes around a value are removed; outside them " #" begins a
// comment. No message shows a value.
func readEnvFile(path string, errs *spec.Errors) map[string]string {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		errs.Add(&spec.Error{Pos: spec.Pos{File: path}, Message: "cannot be read: " + err.Error()})
		return nil
	}
	values := map[string]string{}
	text := strings.TrimPrefix(string(data), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		found := envLine.FindStringSubmatch(line)
		if found == nil {
			errs.Add(&spec.Error{Pos: spec.Pos{File: path, Line: i + 1, Column: 1}, Message: "wants NAME=value"})
			continue
		}
		value, ok := unquote(found[2])
		if !ok {
			errs.Add(&spec.Error{Pos: spec.Pos{File: path, Line: i + 1, Column: 1}, Message: "the quotes around " + found[1] + " are not closed, or followed by something"})
			continue
		}
		values[found[1]] = value
	}
	return values
}

func unquote(value string) (string, bool) {
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		inside, rest, closed := strings.Cut(value[1:], value[:1])
		rest = strings.TrimSpace(rest)
		return inside, closed && (rest == "" || strings.HasPrefix(rest, "#"))
	}
	if comment := strings.Index(value, " #"); comment >= 0 {
		value = value[:comment]
	}
	if strings.HasPrefix(value, "#") {
		return "", true
	}
	return strings.TrimSpace(value), true
}
