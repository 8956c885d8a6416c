package grafana

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Difference is one place where Grafana has something else than the file. Was and
// Is are JSON; empty where there is nothing.
type Difference struct {
	Path string `json:"path"`
	Was  string `json:"was,omitempty"`
	Is   string `json:"is,omitempty"`
}

// differences compares two contents. Panels, variables and queries are told apart
// by what they are called, so that one that moved is no difference of all.
func differences(file, grafana any) []Difference {
	var found []Difference
	var walk func(path string, was, is any)
	walk = func(path string, was, is any) {
		wasMap, ok := was.(map[string]any)
		isMap, also := is.(map[string]any)
		if ok && also {
			for _, key := range allKeys(wasMap, isMap) {
				if !ownAffair(path, key) {
					walk(join(path, key), wasMap[key], isMap[key])
				}
			}
			return
		}
		wasList, ok := was.([]any)
		isList, also := is.([]any)
		if ok && also && (len(wasList) > 0 || len(isList) > 0) {
			wasItems, isItems := named(wasList), named(isList)
			for _, key := range allKeys(wasItems, isItems) {
				walk(path+"["+key+"]", wasItems[key], isItems[key])
			}
			return
		}
		if w, i := brief(was), brief(is); w != i {
			found = append(found, Difference{path, w, i})
		}
	}
	walk("", file, grafana)
	return found
}

// ownAffair are keys that Grafana writes as it likes.
func ownAffair(path, key string) bool {
	return key == "pluginVersion" || path == "" && slices.Contains([]string{"id", "version", "iteration"}, key)
}

// named gives each item of a list its name: that of a panel, variable or query, or
// its place.
func named(list []any) map[string]any {
	items := map[string]any{}
	for i, item := range list {
		name := fmt.Sprintf("%03d", i)
		if object, ok := item.(map[string]any); ok {
			id, title := object["id"], object["title"]
			switch {
			case id != nil && title != nil:
				name = fmt.Sprintf("%v %v", id, title)
			case object["refId"] != nil:
				name = fmt.Sprint(object["refId"])
			case object["name"] != nil:
				name = fmt.Sprint(object["name"])
			case id != nil:
				name = fmt.Sprint(id)
			}
			// A panel stays the same one when its title is another.
			if _, panel := object["gridPos"]; panel && id != nil {
				name = fmt.Sprint("panel ", id)
			}
		}
		if _, taken := items[name]; taken {
			name += fmt.Sprintf(" %03d", i)
		}
		items[name] = item
	}
	return items
}

func allKeys(a, b map[string]any) []string {
	keys := sortedKeys(a)
	for key := range b {
		if _, has := a[key]; !has {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// brief is a value as JSON; nothing and no value are the same.
func brief(value any) string {
	if value == nil {
		return ""
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSuffix(text.String(), "\n")
}
