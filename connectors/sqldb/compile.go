package sqldb

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"winback/connectors/entity"
	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// compiler is the state of compiling one dataset.
type compiler struct {
	config  *Reading
	source  spec.Node
	dataset *Dataset
	node    spec.Node
	env     surroundings
	errs    *spec.Errors
	out     *plan
	samples *maker // converts constants
}

// compile makes the datasets ready for use, and adds to errs all that is wrong.
func compile(c *Reading, source spec.Node, env surroundings, errs *spec.Errors) []*plan {
	var plans []*plan
	for i := range c.Datasets.Entries {
		e := &c.Datasets.Entries[i]
		k := &compiler{config: c, source: source, dataset: &e.Value, node: e.Node, env: env, errs: errs, samples: newMaker(nil)}
		plans = append(plans, k.plan(e.Key))
	}
	return plans
}

var datasetName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*$`)

func (k *compiler) plan(name string) *plan {
	d := k.dataset
	k.out = &plan{name: name, config: d, node: k.node, overlap: d.Overlap, payload: k.config.Payload, sweep: k.config.Sweep}
	if !datasetName.MatchString(name) {
		k.errs.Addf(k.node.Key(), "a dataset's name is made of lower-case letters, digits, _ - and .; it names files")
	}
	k.from(name)
	k.reading()
	k.out.location = k.zone("", spec.Node{})
	if d.Payload.Mode != "" {
		k.out.payload = d.Payload
	}
	entityName, at := name, k.node.Key()
	if d.Entity != "" {
		entityName, at = d.Entity, k.node.Get("entity")
	}
	k.out.schema = entity.Lookup(entityName)
	if k.out.schema == nil {
		k.errs.Addf(at, "there is no entity %q%s", entityName, spec.Hint(entityName, entityNames()))
		return k.out
	}
	k.fields()
	k.out.fingerprint = fingerprint(k.out, k.env)
	return k.out
}

// from finds out what is read.
func (k *compiler) from(name string) {
	d := k.dataset
	switch {
	case d.Table != "" && d.Query != "":
		k.errs.Addf(k.node.Get("query"), "give either a table or a query")
	case d.Query != "":
		k.out.from = "the query of " + name
		d.Query = strings.TrimRight(strings.TrimSpace(d.Query), "; \n\t")
	case d.Table == "":
		d.Table = name
	}
	if d.Table != "" {
		k.out.from = d.Table
	}
}

// reading checks the keys that say how rows are found.
func (k *compiler) reading() {
	d := k.dataset
	if d.AppendOnly && d.ChangedAt != "" {
		k.errs.Addf(k.node.Get("append_only"), "rows that are only added have no changes: give either append_only or changed_at")
	}
	if d.Partitions < 1 || d.Partitions > mostPartitions {
		k.errs.Addf(k.node.Get("partitions"), "wants a number from 1 to %d", mostPartitions)
	}
	for i, name := range d.Key {
		if slices.Index(d.Key, name) != i {
			k.errs.Addf(k.node.Get("key"), "column %q is listed twice", name)
		}
	}
	switch {
	case d.Sweep != nil:
		k.out.sweep = *d.Sweep
	case d.AppendOnly:
		k.out.sweep = 0
	}
	if k.out.overlap.Node.IsSet() {
		return
	}
	k.out.overlap.Time, k.out.overlap.Number = defaultOverlap, defaultOverlapNumber
}

const (
	mostPartitions       = 16
	defaultOverlap       = 10 * time.Minute
	defaultOverlapNumber = 1000
)

// fields compiles the mapping of the entity.
func (k *compiler) fields() {
	schema, mapped := k.out.schema, map[string]bool{}
	for i := range k.dataset.Fields.Entries {
		e := &k.dataset.Fields.Entries[i]
		f := schema.Field(e.Key)
		switch {
		case f == nil:
			k.errs.Addf(e.Node.Key(), "%s has no field %q%s", schema.FullName(), e.Key, spec.Hint(e.Key, schema.FieldNames()))
			continue
		case f.Meta && f.Name != sourceUpdatedAt && f.Name != deletedField:
			k.errs.Addf(e.Node.Key(), "%s is filled in by winback itself", f.Name)
			continue
		case f.Name == deletedField && k.dataset.Deleted != "":
			k.errs.Addf(e.Node.Key(), "is told twice: the dataset has deleted: %s already", k.dataset.Deleted)
		}
		mapped[e.Key] = true
		k.out.fields = append(k.out.fields, k.field(f, &e.Value))
	}
	k.implied(mapped)
	for i := range schema.Fields {
		if f := &schema.Fields[i]; f.Required && !f.Meta && !mapped[f.Name] && f.Kind != entity.TextList && f.Kind != entity.TextMap {
			k.errs.Addf(k.node.Get("fields"), "%s lacks its field %s (%s)", schema.FullName(), f.Name, strings.ToLower(f.Doc[:1])+f.Doc[1:])
		}
	}
}

const (
	sourceUpdatedAt = "source_updated_at"
	deletedField    = "deleted"
)

// implied adds what need not be configured: the project's currency.
func (k *compiler) implied(mapped map[string]bool) {
	if f := k.out.schema.Field("currency"); f != nil && !f.Key && !mapped[f.Name] && k.env.currency != "" {
		k.out.fields = append(k.out.fields, field{
			to: f, config: &Field{}, origin: fromConst, implied: true, constant: value{set: true, text: []byte(k.env.currency)},
		})
	}
}

// field compiles one field.
func (k *compiler) field(to *entity.Field, f *Field) field {
	out := field{
		to: to, config: f, node: f.Node,
		required: f.Required || to.Required && !to.Meta && to.Kind != entity.TextList && to.Kind != entity.TextMap,
		texts:    mapping.NewTexts(f.Nulls, f.Clean, f.Map, f.Split), lenient: f.Mode == "lenient", location: k.zone(f.Timezone, f.Node),
	}
	if out.lenient && (to.Key || out.required) {
		k.errs.Addf(f.Node.Get("mode"), "lenient would leave %s empty, which cannot be without: rows with a bad value are put aside", to.Name)
	}
	if f.unreadable {
		return out // further errors would be guesses
	}
	k.origin(&out, f)
	mapping.FitsKind(to, f.Node.Get("split"), f.Split != "", k.errs, entity.TextList)
	out.numbers = mapping.CompileNumbers(to, f.Node, f.DecimalComma, f.Thousands, f.Factor, k.errs)
	mapping.FitsKind(to, f.Node.Get("layout"), len(f.Layout) > 0, k.errs, entity.Timestamp, entity.Day)
	mapping.FitsKind(to, f.Node.Get("timezone"), f.Timezone != "", k.errs, entity.Timestamp, entity.Day)
	out.layouts, out.written = mapping.CompileLayouts(f.Layout, f.Node.Get("layout"), k.errs)
	if f.Default != "" {
		out.fallback = k.constant(&out, f.Default, f.Node.Get("default"))
	}
	if f.Const != "" {
		out.constant = k.constant(&out, f.Const, f.Node.Get("const"))
	}
	for i := range f.When {
		k.rule(&out, f, &f.When[i])
	}
	return out
}

// origin finds out where the value comes from; one place only.
func (k *compiler) origin(out *field, f *Field) {
	var given []string
	note := func(key string, is bool, from origin, name string) {
		if is {
			given = append(given, key)
			out.origin, out.name = from, name
		}
	}
	note("column", f.Column != "", fromColumn, f.Column)
	note("sql", f.SQL != "", fromSQL, f.SQL)
	note("const", f.Const != "", fromConst, "")
	note("columns", f.Columns.Len() > 0, fromColumns, "")
	switch {
	case len(given) > 1:
		k.errs.Addf(f.Node, "has both %s and %s: a value comes from one place", given[0], given[1])
	case len(given) == 0 && len(f.When) == 0 && f.Default == "":
		k.errs.Addf(f.Node, "does not say where the value comes from: give column, sql, const or columns")
	case out.to.Kind == entity.TextMap && out.origin != fromColumns:
		k.errs.Addf(f.Node, "is a map: give columns, as in columns: {crm: crm_id}")
	}
	mapping.FitsKind(out.to, f.Node.Get("columns"), f.Columns.Len() > 0, k.errs, entity.TextMap)
}

func (k *compiler) rule(out *field, f *Field, r *mapping.Rule) {
	column := f.Column
	if len(r.Column) > 0 {
		column = r.Column[0]
	}
	if column == "" {
		k.errs.Addf(r.Node, "the condition names no column")
		return
	}
	if len(r.Column) > 1 {
		k.errs.Addf(r.Node.Get("column"), "wants one column")
	}
	out.rules = append(out.rules, rule{column: column, node: r.Node, test: r.Compile(k.errs), value: k.constant(out, r.Value, r.Node.Get("value"))})
}

// constant converts a text of the configuration as a value of the field.
func (k *compiler) constant(out *field, text string, at spec.Node) value {
	var v value
	plain := *out // a constant is as it is meant, whatever is done to the column's values
	plain.numbers = mapping.NumberFormat{}
	if reason := k.samples.convert(&plain, []byte(text), &v); reason != "" {
		k.errs.Addf(at, "%q does not fit %s: %s", text, out.to.Name, reason)
	}
	v.text = slices.Clone(v.text)
	return v
}

// zone finds the zone of times without one: the field's, the dataset's, the
// source's or the project's.
func (k *compiler) zone(name string, node spec.Node) *time.Location {
	for _, choice := range []struct {
		name string
		node spec.Node
	}{{name, node}, {k.dataset.Timezone, k.node}, {k.config.Timezone, k.source}} {
		if choice.name == "" {
			continue
		}
		location, err := time.LoadLocation(choice.name)
		if err != nil || choice.name == "Local" {
			k.errs.Addf(choice.node.Get("timezone"), "%q is no time zone; write it as Europe/London or UTC", choice.name)
			return time.UTC
		}
		return location
	}
	if k.env.location != nil {
		return k.env.location
	}
	return time.UTC
}

func entityNames() []string {
	var names []string
	for _, s := range entity.All() {
		names = append(names, s.FullName())
	}
	return names
}

// formatVersion is raised when this package begins to make other rows from the
// same configuration.
const formatVersion = 1

// fingerprint tells mappings apart whose rows would differ. How rows are found is
// no part of it, where they come from is.
func fingerprint(p *plan, env surroundings) string {
	d := *p.config
	d.Overlap, d.Partitions, d.Sweep, d.Payload = Overlap{}, 0, nil, mapping.Payload{}
	text, err := json.Marshal([]any{formatVersion, d, p.payload.Mode, p.payload.Columns, p.location.String(), env.currency})
	if err != nil {
		panic(fmt.Sprintf("mapping of %s as JSON: %v", p.name, err)) // plain structs of texts
	}
	return fmt.Sprintf("%016x", xxhash.Sum64(text))
}
