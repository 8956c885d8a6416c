package model

import "fmt"

// CompileOver returns the SQL of a model over queries in the place of the models
// that it reads: what it would make of other rows. A seed that is not given stands
// in itself, as the project's file has it. given must name every other model that it
// reads, with a query of all columns that are used.
func (p *Project) CompileOver(name string, vars Vars, given map[string]string) (string, error) {
	m, ok := p.byName[name]
	if !ok {
		return "", &UnknownSelectorError{Selector: name, Suggestion: nearest(name, p.names())}
	}
	places := &places{}
	places.ref = func(name string) string { return places.place(p.standInOver(name, given)) }
	places.source = func(source Source) string {
		return places.place(standIn{}, fmt.Errorf("%s reads %s, for which nothing is given", m.Name, source))
	}
	text, err := m.compile(vars, places.resolver)
	return places.put(text, err)
}

func (p *Project) standInOver(name string, given map[string]string) (standIn, error) {
	m := p.byName[name]
	s := standIn{name: name, columns: m.Columns, query: given[name]}
	if s.query != "" {
		return s, nil
	}
	if m.Materialized != Seed {
		return s, fmt.Errorf("nothing is given for %s", name)
	}
	rows, err := inline(m.Columns, m.seedRows)
	s.query = "select * from " + rows
	return s, err
}
