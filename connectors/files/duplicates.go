package files

import (
	"math"
	"slices"

	"winback/connectors"
	"winback/connectors/entity"
)

// duplicates compiles the rules for records with the same key.
func (k *compiler) duplicates() {
	rule := k.dataset.Duplicates
	if k.dataset.GroupBy != nil {
		k.duplicateDocuments(rule)
		return
	}
	for _, e := range k.out.entities {
		own := rule
		if m, found := k.dataset.Entities.Get(e.schema.FullName()); found && m.Duplicates.Keep != "" {
			own = m.Duplicates
		}
		if own.Keep != connectors.KeepNewest || k.ordered(e, own) != nil {
			k.rule(e, connectors.Duplicates{Keep: own.Keep, Field: own.Newest})
		}
	}
}

func (k *compiler) rule(e *entityPlan, d connectors.Duplicates) {
	if d.Keep == "" || d.Keep == connectors.ReportDuplicates {
		return
	}
	if k.out.duplicates == nil {
		k.out.duplicates = map[string]connectors.Duplicates{}
	}
	k.out.duplicates[e.schema.FullName()] = d
}

// duplicateDocuments compiles the rule for documents. Which of two counts is
// decided here, for all of their rows at once; where the later one may win, it is
// written too, and its rows win over those written before.
func (k *compiler) duplicateDocuments(rule Duplicates) {
	for _, e := range k.dataset.Entities.Entries {
		if e.Value.Duplicates.Keep != "" {
			k.errs.Addf(e.Value.Duplicates.Node, "with group_by a document counts whole: say duplicates for the dataset")
		}
	}
	keep := rule.Keep
	switch keep {
	case connectors.KeepNone:
		k.errs.Addf(rule.Node, "a document's rows are written before another of its kind is met, so that not all can be put aside: say report, first, last or {newest: field}")
		return
	case connectors.KeepNewest:
		at := slices.IndexFunc(k.out.entities, func(e *entityPlan) bool { return e.perDocument && e.maps(rule.Newest) != nil })
		if at < 0 {
			k.errs.Addf(rule.Node, "%q is no field of an entity with a row per document", rule.Newest)
			return
		}
		f := k.ordered(k.out.entities[at], rule)
		if f == nil {
			return
		}
		k.out.newest = newestField{entity: at, at: f.Index}
		keep = connectors.KeepLast
	}
	for _, e := range k.out.entities {
		k.rule(e, connectors.Duplicates{Keep: keep})
	}
}

// maps returns the field of that name if it is mapped, or nil.
func (e *entityPlan) maps(name string) *entity.Field {
	if !slices.ContainsFunc(e.fields, func(f field) bool { return f.name == name }) {
		return nil
	}
	return e.schema.Field(name)
}

// ordered returns the field by which the newest is told, or nil after an error.
func (k *compiler) ordered(e *entityPlan, d Duplicates) *entity.Field {
	f := e.maps(d.Newest)
	switch {
	case f == nil:
		k.errs.Addf(d.Node, "newest wants a mapped field of %s, not %q", e.schema.FullName(), d.Newest)
		return nil
	case f.Kind != entity.Timestamp && f.Kind != entity.Day && f.Kind != entity.Int && f.Kind != entity.Dec:
		k.errs.Addf(d.Node, "newest wants a time, a day or a number; %s is %s", f.Name, f.Kind)
		return nil
	}
	return f
}

// age is what tells which of two documents is newer. A document without the value
// is older than any.
func (x *extraction) age(u *unit, d *document) int64 {
	rows, b := d.rows[x.plan.newest.entity], u.batches[x.plan.newest.entity]
	if rows.from == rows.to {
		return math.MinInt64
	}
	b.Align()
	c := &b.Columns[x.plan.newest.at]
	if c.IsNull(rows.from) {
		return math.MinInt64
	}
	return c.Ints[rows.from]
}
