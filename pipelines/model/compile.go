package model

import (
	"fmt"
	"regexp"
	"strconv"

	"winback/pipelines/check"
)

// Compile returns the SQL of a model as it runs: refs and sources as table names,
// values in place. A seed has no SQL; the error says so.
func (p *Project) Compile(name string, vars Vars) (string, error) {
	m, ok := p.byName[name]
	if !ok {
		return "", &UnknownSelectorError{Selector: name, Suggestion: nearest(name, p.names())}
	}
	if m.sql == nil {
		return "", fmt.Errorf("%s is a seed: its rows are in %s, it has no SQL", name, m.Path)
	}
	return m.compile(vars, p.relations())
}

// relations resolves refs and sources to the tables of the warehouse.
func (p *Project) relations() resolver {
	return resolver{
		ref:    func(name string) string { return p.byName[name].Relation() },
		source: Source.Relation,
	}
}

func (m *Model) compile(vars Vars, r resolver) (string, error) {
	text, err := m.sql.execute(vars, r)
	if err != nil {
		return "", fmt.Errorf("compile %s: %w", m.Path, err)
	}
	return text, nil
}

// reads returns the models and entities that the model is built from with these
// variables. Without branches in its SQL they are its Parents and Sources.
func (m *Model) reads(vars Vars) (parents []string, sources []Source, err error) {
	if m.sql == nil {
		return nil, nil, nil
	}
	return m.sql.reads(vars)
}

// compile returns the check's query as it runs.
func (c *SingularCheck) compile(vars Vars, r resolver) (string, error) {
	text, err := c.sql.execute(vars, r)
	if err != nil {
		return "", fmt.Errorf("compile %s: %w", c.Path, err)
	}
	return text, nil
}

// CheckTargets returns the tables of the models with their checks, for running
// them over a built warehouse, and one target for each check of its own that
// reads one of the models.
func (p *Project) CheckTargets(models []*Model, vars Vars) ([]check.Target, error) {
	var targets []check.Target
	selected := map[string]bool{}
	for _, m := range models {
		selected[m.Name] = true
		if len(m.Checks) > 0 {
			targets = append(targets, m.checkTarget())
		}
	}
	for _, c := range p.checks {
		if !c.reads(selected) && len(models) < len(p.models) {
			continue
		}
		target, err := p.singularTarget(c, vars)
		if err != nil {
			return nil, err
		}
		targets = append(targets, target)
	}
	return targets, nil
}

func (m *Model) checkTarget() check.Target {
	private := map[string]bool{}
	for _, column := range m.Columns {
		private[column.Name] = column.Private
	}
	return check.Target{
		Name: m.Name, Relation: m.Relation(), Columns: m.columnNames(), Private: private, Checks: m.Checks,
	}
}

func (p *Project) singularTarget(c *SingularCheck, vars Vars) (check.Target, error) {
	query, err := c.compile(vars, p.relations())
	if err != nil {
		return check.Target{}, err
	}
	return check.Target{
		Name:   c.Name,
		Checks: []check.Check{{Name: c.Name, Kind: check.Query, Severity: c.Severity, Query: query, Place: c.Path}},
	}, nil
}

// reads says whether the check reads one of the models.
func (c *SingularCheck) reads(models map[string]bool) bool {
	for _, name := range c.Parents {
		if models[name] {
			return true
		}
	}
	return false
}

// moment is the time that freshness checks judge by.
func (v Vars) moment() check.Moment { return check.Moment{AsOf: v.AsOf, Timezone: v.Timezone} }

var errorPlace = regexp.MustCompile(`\(line (\d+), col (\d+)\)`)

// filePlace turns the place that an engine's syntax error names into one of the
// model's file. linesBefore is the number of lines before the body in the query.
func (m *Model) filePlace(message string, linesBefore int) string {
	match := errorPlace.FindStringSubmatch(message)
	if match == nil {
		return m.Path
	}
	line, err := strconv.Atoi(match[1])
	if err != nil || line <= linesBefore { // the bracket around the query, which is where an open one is noticed
		return m.Path
	}
	return fmt.Sprintf("%s:%d", m.Path, m.bodyLine+line-1-linesBefore)
}
