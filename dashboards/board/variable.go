package board

import (
	"encoding/json"
	"strings"
)

// AllValue is how Grafana writes that every value of a variable is chosen.
const AllValue = "$__all"

// Variable is something a reader can choose.
type Variable struct {
	// Type is query, custom, datasource, constant, textbox or interval.
	Type       string  `json:"type"`
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	Hide       int     `json:"hide"`
	Multi      bool    `json:"multi"`
	IncludeAll bool    `json:"includeAll"`
	AllValue   *string `json:"allValue"`
	Refresh    int     `json:"refresh"`
	Source     Source  `json:"datasource"`
	Query      Query   `json:"query"`
	Current    struct {
		Value Values `json:"value"`
	} `json:"current"`
}

// Query is a variable's query: a text, or a target with SQL.
type Query struct{ Text string }

// UnmarshalJSON reads both ways of writing it.
func (q *Query) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &q.Text) == nil {
		return nil
	}
	var target Target
	err := json.Unmarshal(text, &target)
	q.Text = target.SQL
	return err
}

// Values are the chosen values.
type Values []string

// UnmarshalJSON reads one value or a list.
func (v *Values) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		if *v = nil; one != "" {
			*v = Values{one}
		}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(v))
}

// Title is what the variable is called for people.
func (v *Variable) Title() string {
	if v.Label != "" {
		return v.Label
	}
	return v.Name
}

// Choices returns the values and texts of a variable whose query lists them:
// "a, b, Label : value".
func (v *Variable) Choices() (values, texts []string) {
	for _, part := range strings.Split(strings.ReplaceAll(v.Query.Text, `\,`, "\x00"), ",") {
		part = strings.TrimSpace(strings.ReplaceAll(part, "\x00", ","))
		if part == "" {
			continue
		}
		text, value, labelled := strings.Cut(part, " : ")
		if !labelled {
			value = text
		}
		values, texts = append(values, strings.TrimSpace(value)), append(texts, strings.TrimSpace(text))
	}
	return values, texts
}
