package sqldb

import (
	"context"
	"slices"
	"strings"

	"winback/connectors/entity"
	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// binding connects a plan with what its server has: which expressions are
// selected, of which types they are, and how rows are told apart.
type binding struct {
	plan     *plan
	server   server
	relation *relation
	source   string // what stands behind FROM

	selected []string // expressions, by slot
	named    []bool   // by slot: a column's name, not an expression
	columns  []column // by slot
	fields   []boundField
	payload  []int // slots
	record   []int // slots shown of a row that does not fit

	key  []orderColumn
	mark int // slot of the change mark, -1 without one

	deleted, deletedAt   int // slot of the deletion mark and position of the field, -1 without
	marksDeleted         func(raw []byte) bool
	updatedAt, payloadAt int // positions of fields; updatedAt -1 if it is mapped or there is no time
}

// boundField is a field with the slots of its columns.
type boundField struct {
	*field
	slot  int   // -1 without a column
	slots []int // of columns
	keys  []string
	rules []boundRule
}

type boundRule struct {
	*rule
	slot int
}

// orderColumn is a column in whose order rows are read.
type orderColumn struct {
	column
	slot  int
	sql   string
	exact bool // texts that differ are never equal to the server
}

// bind looks at the server's side of a plan. Errors of the mapping come with their
// place in the configuration.
func bind(ctx context.Context, p *plan, s server, on session) (*binding, error) {
	r, err := on.look(ctx, p)
	if err != nil {
		return nil, err
	}
	n := &binding{plan: p, server: s, relation: r, mark: -1, deleted: -1, updatedAt: -1}
	n.source = s.table(p.config.Table)
	if p.config.Query != "" {
		n.source = "(" + p.config.Query + ") " + s.name("q")
	}
	var errs spec.Errors
	n.choose(&errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	n.columns, err = on.describe(ctx, n.list()+" from "+n.source)
	if err != nil {
		return nil, p.node.Errorf("%w", err)
	}
	n.types(&errs)
	return n, errs.Err()
}

// list is the beginning of the select.
func (n *binding) list() string {
	return "select " + strings.Join(n.selected, ", ")
}

// choose finds the columns that the plan names, and selects what is needed.
func (n *binding) choose(errs *spec.Errors) {
	mapped := map[string]bool{}
	n.chooseKey(errs)
	n.chooseFields(mapped, errs)
	p := n.plan
	if name := p.config.ChangedAt; name != "" {
		n.mark = n.columnOrSQL(name)
		mapped[name] = true
	}
	if p.config.AppendOnly && len(n.key) > 0 {
		n.mark = n.key[0].slot
	}
	if name := p.config.Deleted; name != "" {
		n.deleted, n.deletedAt = n.columnOrSQL(name), p.schema.Field(deletedField).Index
		mapped[name] = true
	}
	n.record = make([]int, 0, len(n.selected))
	for slot := range n.selected {
		n.record = append(n.record, slot)
	}
	n.payloadAt = p.schema.Field("payload").Index
	for i, name := range n.payloadNames(p.payload, mapped) {
		at := p.payload.Node
		if p.payload.Mode == mapping.PayloadColumns && i < len(at.Items()) {
			at = at.Items()[i]
		}
		if slot := n.column(name, at, errs); slot >= 0 {
			n.payload = append(n.payload, slot)
		}
	}
}

func (n *binding) chooseFields(mapped map[string]bool, errs *spec.Errors) {
	for i := range n.plan.fields {
		f := &n.plan.fields[i]
		bound := boundField{field: f, slot: -1}
		switch f.origin {
		case fromColumn:
			bound.slot = n.column(f.name, f.node, errs)
			mapped[f.name] = true
		case fromSQL:
			bound.slot = n.slot("("+f.name+")", false)
		case fromColumns:
			bound.slots = []int{}
			for _, e := range f.config.Columns.Entries {
				if slot := n.column(e.Value, e.Node, errs); slot >= 0 {
					bound.keys, bound.slots = append(bound.keys, e.Key), append(bound.slots, slot)
				}
				mapped[e.Value] = true
			}
		}
		for j := range f.rules {
			r := &f.rules[j]
			if slot := n.column(r.column, r.node, errs); slot >= 0 {
				bound.rules = append(bound.rules, boundRule{r, slot})
			}
			mapped[r.column] = true
		}
		n.fields = append(n.fields, bound)
	}
}

// chooseKey finds the columns that tell rows apart.
func (n *binding) chooseKey(errs *spec.Errors) {
	names, at := n.plan.config.Key, n.plan.node.Get("key")
	if len(names) == 0 {
		names, at = n.relation.primary, n.plan.node
	}
	if len(names) == 0 {
		errs.Addf(at, "%s has no primary key: name columns that tell its rows apart, key: [id]", n.plan.from)
		return
	}
	exact := n.unique(names)
	for i, name := range names {
		place := at
		if items := at.Items(); i < len(items) {
			place = items[i]
		}
		if slot := n.column(name, place, errs); slot >= 0 {
			n.key = append(n.key, orderColumn{slot: slot, sql: n.selected[slot], exact: exact})
		}
	}
}

// unique says that the server itself sees to it that no two rows have the same
// values in these columns.
func (n *binding) unique(names []string) bool {
	within := func(index []string) bool {
		return len(index) > 0 && !slices.ContainsFunc(index, func(c string) bool { return !slices.Contains(names, c) })
	}
	return within(n.relation.primary) || slices.ContainsFunc(n.relation.unique, within)
}

// column selects a column that the configuration names.
func (n *binding) column(name string, at spec.Node, errs *spec.Errors) int {
	if n.relation.find(name) == nil {
		errs.Addf(at, "%s has no column %q%s", n.plan.from, name, spec.Hint(name, n.relation.names()))
		return -1
	}
	return n.slot(n.server.name(name), true)
}

// columnOrSQL selects a column if there is one of that name, else an expression.
func (n *binding) columnOrSQL(text string) int {
	if n.relation.find(text) != nil {
		return n.slot(n.server.name(text), true)
	}
	return n.slot("("+text+")", false)
}

// slot returns the number of an expression of the select.
func (n *binding) slot(expression string, named bool) int {
	if at := slices.Index(n.selected, expression); at >= 0 {
		return at
	}
	n.selected, n.named = append(n.selected, expression), append(n.named, named)
	return len(n.selected) - 1
}

// types checks that the columns are of types that fit.
func (n *binding) types(errs *spec.Errors) {
	for slot := range n.columns {
		if n.named[slot] {
			known := n.relation.find(n.columns[slot].name)
			n.columns[slot].nullable = known == nil || known.nullable
			continue
		}
		n.columns[slot].name, n.columns[slot].nullable = strings.Trim(n.selected[slot], "()"), true
	}
	for i := range n.fields {
		f := &n.fields[i]
		if f.slot < 0 || f.textual() {
			continue
		}
		if wrong := fits(f.field, &n.columns[f.slot]); wrong != "" {
			errs.Addf(f.node, "column %s %s", n.columns[f.slot].name, wrong)
		}
	}
	n.keyTypes(errs)
	n.markTypes(errs)
	if n.deleted >= 0 {
		c := &n.columns[n.deleted]
		n.marksDeleted = func([]byte) bool { return true } // a time, or whatever is there
		if c.kind == truth || c.kind == whole {
			n.marksDeleted = func(raw []byte) bool { is, reason := c.number(raw); return reason == "" && is != 0 }
		} else if c.kind == instant || c.kind == naive || c.kind == calendarDay {
			n.marksDeleted = func(raw []byte) bool { _, reason := c.number(raw); return reason == "" }
		}
	}
}

// keyTypes refuses keys that cannot be compared.
func (n *binding) keyTypes(errs *spec.Errors) {
	for i := range n.key {
		k := &n.key[i]
		k.column = n.columns[k.slot]
		if k.kind == unfit || k.kind == document || k.kind == list || k.kind == float {
			errs.Addf(n.plan.node.Get("key"), "column %s is %s (%s), by which rows cannot be told apart exactly: name other columns", k.name, k.kind, k.typ)
		}
		if k.kind != text || !k.caseless {
			k.exact = true
		}
	}
}

// markTypes checks the column that tells changes.
func (n *binding) markTypes(errs *spec.Errors) {
	if n.mark < 0 {
		return
	}
	c := &n.columns[n.mark]
	at := n.plan.node.Get("changed_at")
	if n.plan.config.AppendOnly {
		at = n.plan.node.Get("append_only")
	}
	isTime := c.kind == instant || c.kind == naive || c.kind == calendarDay
	switch {
	case !isTime && c.kind != whole:
		errs.Addf(at, "%s is %s (%s): the order of changes is told by a time or a whole number", c.name, c.kind, c.typ)
	case n.plan.overlap.Node.IsSet() && isTime && n.plan.overlap.Number > 0:
		errs.Addf(n.plan.overlap.Node, "%s is a time: wants a duration such as 10m", c.name)
	case n.plan.overlap.Node.IsSet() && !isTime && n.plan.overlap.Time > 0:
		errs.Addf(n.plan.overlap.Node, "%s is a number: wants a number such as 1000", c.name)
	}
	if f := n.plan.schema.Field(sourceUpdatedAt); isTime && !n.plan.config.AppendOnly && !n.maps(f) {
		n.updatedAt = f.Index
	}
}

// maps says whether the configuration maps a field.
func (n *binding) maps(f *entity.Field) bool {
	return slices.ContainsFunc(n.fields, func(b boundField) bool { return b.to == f })
}

// order are the columns in whose order rows are read: the mark, if there is one,
// and the key.
func (n *binding) order() []orderColumn {
	if n.mark < 0 || n.plan.config.AppendOnly {
		return n.key
	}
	mark := orderColumn{column: n.columns[n.mark], slot: n.mark, sql: n.selected[n.mark], exact: true}
	order := []orderColumn{mark}
	for _, k := range n.key {
		if k.slot != n.mark {
			order = append(order, k)
		}
	}
	return order
}

// keyless says in a sentence how many rows have no value in a key column.
func (n *binding) keyless(name string) error {
	return n.plan.node.Get("key").Errorf("%s has rows without a value in %s, which is part of the key: rows are told apart by it, so name other columns, or leave those rows out with where: %s is not null", n.plan.from, name, name)
}
