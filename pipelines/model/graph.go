package model

import (
	"slices"
	"strings"
)

// sortModels puts the models in an order in which parents, and models that checks
// look into, come first; names decide between equals. A cycle is a problem.
func (p *Project) sortModels(problems *Problems) {
	slices.SortFunc(p.models, func(a, b *Model) int { return strings.Compare(a.Name, b.Name) })
	v := visitor{project: p, state: map[string]visitState{}, problems: problems}
	for _, m := range p.models {
		if v.state[m.Name] == unseen {
			v.visit(m)
		}
	}
	p.models = v.order
}

type visitState int

const (
	unseen visitState = iota
	onPath
	done
)

// visitor walks the graph depth first.
type visitor struct {
	project  *Project
	state    map[string]visitState
	path     []string
	order    []*Model
	problems *Problems
}

func (v *visitor) visit(m *Model) {
	v.state[m.Name] = onPath
	v.path = append(v.path, m.Name)
	for _, name := range m.before() {
		parent, ok := v.project.byName[name]
		if !ok { // reported where it is named
			continue
		}
		switch v.state[name] {
		case unseen:
			v.visit(parent)
		case onPath:
			v.reportCycle(m, name)
		}
	}
	v.path = v.path[:len(v.path)-1]
	v.state[m.Name] = done
	v.order = append(v.order, m)
}

// before returns the models that have to be built before this one: those it reads
// and those its checks look into.
func (m *Model) before() []string {
	return append(slices.Clone(m.Parents), m.checkParents()...)
}

// reportCycle prints the path from the model named last back to itself, in the
// order of reading: a -> b means that b reads a. Where a check closes the circle
// the check is to blame, as it need not be there.
func (v *visitor) reportCycle(m *Model, name string) {
	circle := append(slices.Clone(v.path[slices.Index(v.path, name):]), name)
	file, line, why := m.Path, 0, ""
	if m.sql != nil {
		line = m.sql.refLines[name]
	}
	for i, reader := range circle[:len(circle)-1] {
		reader, read := v.project.byName[reader], circle[i+1]
		if slices.Contains(reader.Parents, read) {
			continue
		}
		at := slices.IndexFunc(reader.checkRefs, func(ref checkRef) bool { return ref.model == read })
		file, line = reader.PropertiesPath, reader.checkRefs[at].line
		why = "; a relationships check can only look into models built before, so write this one as a query under sql/checks"
	}
	slices.Reverse(circle)
	v.problems.add(file, line, "models go round in a circle: %s%s", strings.Join(circle, " -> "), why)
}

// children returns, for each model, the models that read it, in order.
func (p *Project) children() map[string][]string {
	children := map[string][]string{}
	for _, m := range p.models {
		for _, parent := range m.Parents {
			children[parent] = append(children[parent], m.Name)
		}
	}
	return children
}

// reachable returns the names reached from the starts by following next, the
// starts among them.
func reachable(starts []string, next func(string) []string) map[string]bool {
	seen := map[string]bool{}
	for queue := slices.Clone(starts); len(queue) > 0; queue = queue[1:] {
		if name := queue[0]; !seen[name] {
			seen[name] = true
			queue = append(queue, next(name)...)
		}
	}
	return seen
}
