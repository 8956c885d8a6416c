package model

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// Compile returns the SQL of a model as it runs: refs and sources as table names,
// values in place. The model is named as in Find. A seed has no SQL; the error says so.
func (p *Project) Compile(name string, vars Vars) (string, error) {
	m, err := p.Find(name)
	if err != nil {
		return "", err
	}
	if m.sql == nil {
		return "", fmt.Errorf("%s is a seed: its rows are in %s, it has no SQL", m.Name, m.Path)
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
	text, err := m.sql.execute("", vars.forTemplate(), r)
	if err != nil {
		return "", fmt.Errorf("compile %s: %w", m.Path, err)
	}
	return text, nil
}

// undated identifies the model's SQL with every value but the day.
func (m *Model) undated(vars Vars, r resolver) (string, error) {
	if m.sql == nil {
		return "", nil
	}
	vars.AsOf = time.Time{}
	text, err := m.compile(vars, r)
	return digest(text), err
}

// compileTouched returns the query for the keys that are touched since a build
// that described the day seen.
func (m *Model) compileTouched(vars Vars, seen time.Time, r resolver) (string, error) {
	return m.compileBlock(touchedBlock, vars, seen, r)
}

// compileBlock returns the query of a block that asks what changed since a build
// of an earlier or later day.
func (m *Model) compileBlock(block string, vars Vars, seen time.Time, r resolver) (string, error) {
	values := vars.forTemplate()
	values.SeenUntil, values.SeenLast = quote.Date(vars.AsOf), quote.Date(vars.AsOf)
	if day := quote.Date(seen); day < values.SeenUntil {
		values.SeenUntil = day
	} else {
		values.SeenLast = day
	}
	text, err := m.sql.execute(block, values, r)
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
	text, err := c.sql.execute("", vars.forTemplate(), r)
	if err != nil {
		return "", fmt.Errorf("compile %s: %w", c.Path, err)
	}
	return text, nil
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
