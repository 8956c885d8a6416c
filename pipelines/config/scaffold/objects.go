package scaffold

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// readObjects reads lines of JSON objects into a table. Columns are paths, customer.email, in alphabetical order;
// lists of objects are tables of their own, other lists are left out. A line that is no object is passed over: the run
// will say what is wrong with it.
func (t *table) readObjects(text []byte) {
	records, lists := &flattened{}, map[string]*flattened{}
	for line := range bytes.Lines(text) {
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		var object map[string]any
		if decoder.Decode(&object) != nil {
			continue
		}
		records.add(object)
		eachList("", object, func(path string, element map[string]any) {
			if lists[path] == nil {
				lists[path] = &flattened{}
			}
			lists[path].add(element)
		})
	}
	t.columns, t.rows = records.table()
	t.lists = map[string]*table{}
	for path, elements := range lists {
		list := &table{path: t.path, format: t.format}
		list.columns, list.rows = elements.table()
		t.lists[path] = list
	}
	for _, path := range t.listNames() {
		for _, column := range t.lists[path].columns {
			t.columns = append(t.columns, path+eachElement+column)
		}
	}
}

// listNames are the paths of the lists of objects in the records.
func (t *table) listNames() []string { return slices.Sorted(maps.Keys(t.lists)) }

// flattened collects objects whose members may be objects again.
type flattened struct {
	objects []map[string]string
	seen    map[string]bool
}

func (f *flattened) add(object map[string]any) {
	flat := map[string]string{}
	flatten("", object, flat)
	f.objects = append(f.objects, flat)
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	for path := range flat {
		f.seen[path] = true
	}
}

func (f *flattened) table() (columns []string, rows [][]string) {
	columns = slices.Sorted(maps.Keys(f.seen))
	for _, object := range f.objects {
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
		path, plain := pathOf(prefix, key)
		if !plain {
			continue
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

// eachList calls use with each object in the lists of an object; lists within lists are left out.
func eachList(prefix string, object map[string]any, use func(path string, element map[string]any)) {
	for key, value := range object {
		path, plain := pathOf(prefix, key)
		if !plain {
			continue
		}
		switch value := value.(type) {
		case map[string]any:
			eachList(path, value, use)
		case []any:
			for _, element := range value {
				if element, is := element.(map[string]any); is {
					use(path, element)
				}
			}
		}
	}
}

// pathOf is the path of a member; false where a key cannot be told from a path.
func pathOf(prefix, key string) (path string, plain bool) {
	if prefix != "" {
		return prefix + "." + key, !strings.ContainsAny(key, ".[]")
	}
	return key, !strings.ContainsAny(key, ".[]")
}
