package board

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// metricLine begins the paragraph of a description that explains a metric: its id
// in backticks.
var metricLine = regexp.MustCompile("^`([a-z0-9_]+)`")

// MetricIDs returns the metrics that a description explains.
func MetricIDs(description string) []string {
	var ids []string
	for _, paragraph := range strings.Split(description, "\n\n") {
		if found := metricLine.FindStringSubmatch(paragraph); found != nil {
			ids = append(ids, found[1])
		}
	}
	return ids
}

// Tidy writes a dashboard's text the one way it is kept: keys in order, two
// spaces, no id of a server, versions at zero. So what was changed in Grafana's
// editor is a small difference. explain gives the paragraph of a metric, which
// takes the place of the one that is there; and a panel says which of the dashboard's
// variables it ignores.
func Tidy(text []byte, explain func(id string) (string, error)) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // 1e-9 stays 1e-9
	var d map[string]any
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("read a dashboard: %w", err)
	}
	d["id"], d["version"] = nil, json.Number("0")
	delete(d, "iteration")
	parsed, err := Parse(text)
	if err != nil {
		return nil, err
	}
	panels := map[int]*Panel{}
	for _, p := range parsed.All() {
		panels[p.ID] = p
	}
	describe := func(id int, description string) (string, error) {
		if p := panels[id]; p != nil {
			description = withIgnored(description, parsed.Ignores(p))
		}
		return explained(description, explain)
	}
	if err := tidyPanels(d, describe); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("write a dashboard: %w", err)
	}
	return out.Bytes(), nil
}

func tidyPanels(parent map[string]any, describe func(id int, description string) (string, error)) error {
	panels, _ := parent["panels"].([]any)
	for _, item := range panels {
		p, ok := item.(map[string]any)
		if !ok {
			return fmt.Errorf("a panel is no object")
		}
		if err := tidyPanels(p, describe); err != nil {
			return err
		}
		description, ok := p["description"].(string)
		if !ok {
			continue
		}
		number, _ := p["id"].(json.Number)
		id, err := number.Int64()
		if err != nil {
			return fmt.Errorf("panel %q: its id is no number", p["title"])
		}
		if p["description"], err = describe(int(id), description); err != nil {
			return fmt.Errorf("panel %q: %w", p["title"], err)
		}
	}
	return nil
}

// explained writes the paragraphs of metrics anew.
func explained(description string, explain func(id string) (string, error)) (string, error) {
	paragraphs := strings.Split(description, "\n\n")
	for i, paragraph := range paragraphs {
		found := metricLine.FindStringSubmatch(paragraph)
		if found == nil {
			continue
		}
		text, err := explain(found[1])
		if err != nil {
			return "", err
		}
		paragraphs[i] = text
	}
	return strings.Join(paragraphs, "\n\n"), nil
}
