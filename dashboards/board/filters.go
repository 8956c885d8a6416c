package board

import (
	"regexp"
	"strings"
)

// Narrows tells whether a variable narrows down what is shown to a part of it, as one
// of segments does. One that chooses what to look at, such as a dimension, does not.
func (v *Variable) Narrows() bool { return v.Type == "query" && v.Hide < 2 }

// Uses tells whether a panel's queries depend on a variable.
func (p *Panel) Uses(name string) bool {
	reference := regexp.MustCompile(`\$\{?` + regexp.QuoteMeta(name) + `\b`)
	for _, target := range p.Targets {
		if reference.MatchString(target.SQL) {
			return true
		}
	}
	return false
}

// Ignores returns the variables of the dashboard that narrow down other panels and not
// this one.
func (d *Dashboard) Ignores(p *Panel) []*Variable {
	var ignored []*Variable
	for _, v := range d.Templating.List {
		if len(p.Targets) > 0 && v.Narrows() && !p.Uses(v.Name) {
			ignored = append(ignored, v)
		}
	}
	return ignored
}

// notFiltered begins the paragraph of a description that says what the panel ignores.
const notFiltered = "Not filtered by: "

// withIgnored puts the names of what a panel ignores into its description, behind what
// it says for people, in the place of what stood there before.
func withIgnored(description string, ignored []*Variable) string {
	var kept []string
	for _, paragraph := range strings.Split(description, "\n\n") {
		if !strings.HasPrefix(paragraph, notFiltered) {
			kept = append(kept, paragraph)
		}
	}
	if len(ignored) == 0 {
		return strings.Join(kept, "\n\n")
	}
	names := make([]string, len(ignored))
	for i, v := range ignored {
		names[i] = v.Title()
	}
	at := 0
	for at < len(kept) && !metricLine.MatchString(kept[at]) {
		at++
	}
	said := notFiltered + strings.Join(names, ", ") + "."
	return strings.Join(append(append(append([]string{}, kept[:at]...), said), kept[at:]...), "\n\n")
}
