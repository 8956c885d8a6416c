package scaffold

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// readObjects reads lines of JSON objects. Columns are paths, customer.email, in alphabetical order; lists are left
// out. A line that is no object is passed over: the run will say what is wrong with it.
func readObjects(text []byte) (columns []string, rows [][]string) {
	var objects []map[string]string
	seen := map[string]bool{}
	for line := range bytes.Lines(text) {
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		var object map[string]any
		if decoder.Decode(&object) != nil {
			continue
		}
		flat := map[string]string{}
		flatten("", object, flat)
		objects = append(objects, flat)
		for path := range flat {
			if !seen[path] {
				seen[path] = true
				columns = append(columns, path)
			}
		}
	}
	slices.Sort(columns)
	for _, object := range objects {
		row := make([]string, len(columns))
		for i, path := range columns {
			row[i] = object[path]
		}
		rows = append(rows, row)
	}
	return columns, rows
}

func flatten(prefix string, object map[string]any, into map[string]string) {
	for key, value := range object {
		path := key
		if prefix != "" {
			path = prefix + "." + key
		}
		if strings.Contains(key, ".") {
			continue // cannot be told from a path
		}
		switch value := value.(type) {
		case map[string]any:
			flatten(path, value, into)
		case string:
			into[path] = value
		case json.Number:
			into[path] = value.String()
		case bool:
			into[path] = map[bool]string{true: "true", false: "false"}[value]
		case nil:
			into[path] = ""
		}
	}
}
