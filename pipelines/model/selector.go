package model

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// UnknownSelectorError says that a selector fits no model.
type UnknownSelectorError struct {
	// Selector is what was asked for.
	Selector string
	// Suggestion is the nearest thing there is, or "".
	Suggestion string
}

// Error names the selector and, when there is one, the nearest thing there is.
func (e *UnknownSelectorError) Error() string {
	text := fmt.Sprintf("no model %q", e.Selector)
	if kind, value, ok := strings.Cut(e.Selector, ":"); ok {
		text = fmt.Sprintf("no model with %s %q", kind, value)
	}
	if e.Suggestion != "" {
		text += fmt.Sprintf(" (did you mean %q?)", e.Suggestion)
	}
	return text
}

// Select returns the models that any of the selectors fits, parents before
// children; no selector at all means every model. A selector is
//
//	customers      a model; * and ? stand for any characters
//	mart.customers a model by the full name of its table; mart.* all of a database
//	marts          a folder of the sql folder
//	tag:churn      models with the tag
//	source:a.b     models that read the entity
//
// with + before it for all it is built from, and what the checks of these look into,
// and + behind it for all built from it. One string may hold several selectors, separated by commas or spaces.
func (p *Project) Select(selectors []string) ([]*Model, error) {
	var wanted []string
	for _, list := range selectors {
		wanted = append(wanted, strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })...)
	}
	if len(wanted) == 0 {
		return p.Models(), nil
	}
	selected := map[string]bool{}
	for _, selector := range wanted {
		names, err := p.expand(selector)
		if err != nil {
			return nil, err
		}
		for name := range names {
			selected[name] = true
		}
	}
	return slices.DeleteFunc(p.Models(), func(m *Model) bool { return !selected[m.Name] }), nil
}

// SelectChecks returns the models that selectors name, as Select does, and the checks of
// their own that they name, or that read one of the models: all of both without selectors.
func (p *Project) SelectChecks(selectors []string) (models []*Model, checks []*SingularCheck, err error) {
	if len(selectors) == 0 {
		return p.Models(), p.SingularChecks(), nil
	}
	named := map[string]bool{}
	others := slices.DeleteFunc(slices.Clone(selectors), func(name string) bool {
		at := slices.IndexFunc(p.checks, func(c *SingularCheck) bool { return c.Name == name })
		if at >= 0 {
			named[name] = true
		}
		return at >= 0
	})
	if len(others) > 0 {
		models, err = p.Select(others)
		if unknown := (*UnknownSelectorError)(nil); errors.As(err, &unknown) && unknown.Suggestion == "" {
			var names []string
			for _, c := range p.checks {
				names = append(names, c.Name)
			}
			unknown.Suggestion = nearest(unknown.Selector, names)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	selected := map[string]bool{}
	for _, m := range models {
		selected[m.Name] = true
	}
	checks = slices.DeleteFunc(p.SingularChecks(), func(c *SingularCheck) bool {
		return !named[c.Name] && !c.reads(selected) && len(models) < len(p.models)
	})
	return models, checks, nil
}

// expand returns the names that one selector fits.
func (p *Project) expand(selector string) (map[string]bool, error) {
	core, upstream := strings.CutPrefix(selector, "+")
	core, downstream := strings.CutSuffix(core, "+")
	var starts []string
	for _, m := range p.models {
		if m.fits(core) {
			starts = append(starts, m.Name)
		}
	}
	if len(starts) == 0 {
		return nil, &UnknownSelectorError{Selector: core, Suggestion: p.nearestSelector(core)}
	}
	names := reachable(starts, func(string) []string { return nil })
	if upstream {
		for name := range reachable(starts, func(name string) []string { return p.byName[name].before() }) {
			names[name] = true
		}
	}
	if downstream {
		children := p.children()
		for name := range reachable(starts, func(name string) []string { return children[name] }) {
			names[name] = true
		}
	}
	return names, nil
}

// fits says whether a selector without plus signs means the model.
func (m *Model) fits(selector string) bool {
	kind, value, ok := strings.Cut(selector, ":")
	switch {
	case ok && kind == "tag":
		return slices.Contains(m.Tags, value)
	case ok && kind == "source":
		return slices.ContainsFunc(m.Sources, func(s Source) bool { return s.String() == value })
	case ok:
		return false
	}
	folder := strings.TrimSuffix(strings.TrimPrefix(selector, shownRoot+"/"), "/")
	return fitsName(selector, m.Name) || m.folder == folder || strings.HasPrefix(m.folder, folder+"/") ||
		fitsName(selector, m.FullName())
}

// fitsName says whether a name is the one selected; * and ? stand for characters.
func fitsName(selector, name string) bool {
	matched, err := path.Match(selector, name)
	return name == selector || err == nil && matched
}

func (p *Project) nearestSelector(selector string) string {
	var candidates []string
	for _, m := range p.models {
		candidates = append(candidates, m.Name, m.FullName(), m.folder)
		for _, tag := range m.Tags {
			candidates = append(candidates, "tag:"+tag)
		}
		for _, source := range m.Sources {
			candidates = append(candidates, "source:"+source.String())
		}
	}
	return nearest(selector, candidates)
}
