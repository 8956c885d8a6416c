package grafana

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"winback/dashboards/board"
)

// Board is a dashboard as it stands in its file.
type Board struct {
	UID, Title string
	Text       []byte
}

// ParseBoard reads a dashboard's file.
func ParseBoard(text []byte) (Board, error) {
	d, err := board.Parse(text)
	if err != nil {
		return Board{}, err
	}
	if d.UID == "" || len(d.UID) > 40 || d.Title == "" {
		return Board{}, fmt.Errorf("a dashboard wants a uid of up to 40 characters and a title, got %q and %q", d.UID, d.Title)
	}
	return Board{UID: d.UID, Title: d.Title, Text: text}, nil
}

// publish makes of a file what Grafana is given: money in the project's currency,
// and the data source chosen, where Grafana may have several for ClickHouse.
func (s Settings) publish(text []byte) (map[string]any, error) {
	var d map[string]any
	if err := decode(board.Money(text, s.Currency), &d); err != nil {
		return nil, fmt.Errorf("read a dashboard: %w", err)
	}
	for _, variable := range sourceVariables(d) {
		if current, ok := variable["current"].(map[string]any); !ok || len(current) == 0 {
			variable["current"] = map[string]any{"text": s.DataSource.Name, "value": uid}
		}
	}
	return d, nil
}

// restore makes of what Grafana has the text of a file: the other way of publish,
// in the one form that files are kept in.
func (s Settings) restore(content any) ([]byte, error) {
	text, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("write a dashboard: %w", err)
	}
	var d map[string]any
	if err := decode(text, &d); err != nil {
		return nil, fmt.Errorf("read a dashboard of Grafana: %w", err)
	}
	for _, variable := range sourceVariables(d) {
		if current, ok := variable["current"].(map[string]any); ok && current["value"] == uid {
			variable["current"] = map[string]any{}
		}
	}
	d["id"], d["version"] = nil, json.Number("0")
	delete(d, "iteration")
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("write a dashboard: %w", err)
	}
	unit := []byte(`"` + board.MoneyUnit(s.Currency) + `"`)
	return bytes.ReplaceAll(out.Bytes(), unit, []byte(`"`+board.AnyCurrency+`"`)), nil
}

// sourceVariables are the variables that choose a data source for ClickHouse.
func sourceVariables(d map[string]any) (found []map[string]any) {
	templating, _ := d["templating"].(map[string]any)
	list, _ := templating["list"].([]any)
	for _, item := range list {
		if v, ok := item.(map[string]any); ok && v["type"] == "datasource" && v["query"] == pluginID {
			found = append(found, v)
		}
	}
	return found
}

// fingerprint is a short name of a content. Grafana's own counting is not in it.
func fingerprint(content map[string]any) (string, error) {
	content = maps.Clone(content)
	delete(content, "id")
	delete(content, "version")
	delete(content, "iteration")
	plain, err := plain(content)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6]), nil
}

// plain is a value as it is after a way through JSON: numbers are float64, structs
// are maps.
func plain(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	var again any
	if err := json.Unmarshal(text, &again); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	return again, nil
}

// note is what winback writes into a dashboard's history: by it winback knows its
// own work again, even where Grafana brought the content into a form of its own.
func (s Settings) note(print string) string { return fmt.Sprintf("winback %s (%s)", s.Program, print) }

var notePattern = regexp.MustCompile(`^winback .*\(([0-9a-f]{12})\)$`)

// printOf is the fingerprint in a note; empty if the message is not winback's.
func printOf(message string) string {
	if found := notePattern.FindStringSubmatch(message); found != nil {
		return found[1]
	}
	return ""
}

func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // 1e-9 stays 1e-9
	return decoder.Decode(into)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
