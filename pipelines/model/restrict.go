package model

import "slices"

// Restrict returns a project of the selected models alone, with all that they are
// built from and that their checks look into; no selector at all means every
// model. Checks of their own stay where all that they read does.
func (p *Project) Restrict(selectors []string) (*Project, error) {
	selected, err := p.Select(selectors)
	if err != nil || len(selected) == len(p.models) {
		return p, err
	}
	starts := make([]string, len(selected))
	for i, m := range selected {
		starts[i] = m.Name
	}
	kept := reachable(starts, func(name string) []string { return p.byName[name].before() })
	restricted := &Project{byName: map[string]*Model{}}
	for _, m := range p.models {
		if kept[m.Name] {
			restricted.models = append(restricted.models, m)
			restricted.byName[m.Name] = m
		}
	}
	for _, c := range p.checks {
		if !slices.ContainsFunc(c.Parents, func(name string) bool { return !kept[name] }) {
			restricted.checks = append(restricted.checks, c)
		}
	}
	return restricted, nil
}
