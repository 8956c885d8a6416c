package draw

import (
	"net/url"
	"regexp"
	"strings"

	"winback/dashboards/frame"
	"winback/dashboards/value"
)

var dataReference = regexp.MustCompile(`\$\{__data\.fields(?:\.(\w+)|\["([^"]+)"\])(?::(\w+))?\}|\$\{__value\.(raw|text|numeric|time)(?::\w+)?\}|\$\{__(url_time_range|all_variables)\}`)

// href is where a link of a value leads in this page; "" when it leads nowhere.
func href(in Input, text string, f *frame.Frame, field *frame.Field, row int) string {
	if in.Link == nil {
		return ""
	}
	filled := dataReference.ReplaceAllStringFunc(text, func(found string) string {
		part := dataReference.FindStringSubmatch(found)
		switch {
		case part[4] != "":
			return url.QueryEscape(field.Text(row))
		case part[5] != "":
			return ""
		}
		other := f.Field(part[1] + part[2])
		if other == nil {
			return ""
		}
		if part[3] == "text" {
			return url.QueryEscape(value.Show(other.Values[row], other.Config, value.Limits{}).Text.String())
		}
		return url.QueryEscape(other.Text(row))
	})
	return strings.TrimRight(in.Link(in.State.Say(filled)), "?&")
}
