package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/yuin/goldmark"

	"winback/dashboards/value"
)

//go:embed page.html.tmpl
var pageText string

//go:embed style.css
var styleText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// WriteHTML writes the page.
func (r *Report) WriteHTML(w io.Writer) error {
	style := ":root{" + value.Variables(false) + "}\n@media screen and (prefers-color-scheme:dark){:root{" + value.Variables(true) + "}}\n" + styleText
	err := pageTemplate.Execute(w, struct {
		*Report
		Style template.CSS
	}{r, template.CSS(style)})
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// words makes HTML of a description, which may be markdown.
func words(text string) template.HTML {
	var out bytes.Buffer
	if err := goldmark.Convert([]byte(text), &out); err != nil {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return template.HTML(out.String())
}
