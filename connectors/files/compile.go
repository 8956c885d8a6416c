package files

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/cespare/xxhash/v2"

	"winback/connectors/entity"
	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// compile makes the datasets ready for use, and adds to errs all that is wrong.
func compile(c *Config, env surroundings, errs *spec.Errors) []*plan {
	var plans []*plan
	for i := range c.Datasets.Entries {
		e := &c.Datasets.Entries[i]
		k := &compiler{config: c, dataset: &e.Value, node: e.Node, env: env, errs: errs, slots: map[string]int{}}
		plans = append(plans, k.plan(e.Key))
	}
	return plans
}

// compiler is the state of compiling one dataset.
type compiler struct {
	config  *Config
	dataset *Dataset
	node    spec.Node
	env     surroundings
	errs    *spec.Errors
	out     *plan
	slots   map[string]int // by the names of a column and its scope
	scope   int            // of the entity being compiled
	samples *mapper        // converts constants
}

var datasetName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*$`)

func (k *compiler) plan(name string) *plan {
	d := k.dataset
	k.out = &plan{name: name, config: d}
	k.samples = newMapper(k.out)
	if !datasetName.MatchString(name) {
		k.errs.Addf(k.node.Key(), "a dataset's name is made of lower-case letters, digits, _ - and .; it names files")
	}
	k.checkFormat()
	k.out.where = k.conditions(d.Where, nil)
	if g := d.GroupBy; g != nil {
		key := entity.Field{Name: "group_by", Kind: entity.Text, Required: true, Index: -1}
		f := k.field(key, Field{Column: g.Column, Clean: g.Clean, Nulls: g.Nulls, Node: g.Node, unreadable: len(g.Column) == 0}, false)
		k.out.group = &f
	}
	k.out.entities = k.mappings(name)
	k.out.lines = slices.IndexFunc(k.out.scopes, func(p jsonPath) bool { return p.text == k.linesOf() }) + 1
	k.choosePrimary()
	k.payloads()
	k.duplicates()
	k.out.fingerprint = fingerprint(k.out.name, k.config, d, k.env)
	return k.out
}

// checkFormat reports what is wrong with how the files are said to be written.
func (k *compiler) checkFormat() {
	d := k.dataset
	for i, pattern := range d.Files {
		if !doublestar.ValidatePathPattern(string(pattern)) {
			k.errs.Addf(k.node.Get("files").Items()[i], "%q is no pattern of files: * stands for any name, ** for folders, [ab] and {a,b} for a choice", pattern)
		}
	}
	if d.Delimiter != "" && (len(d.Delimiter) != 1 || strings.ContainsAny(d.Delimiter, "\n\r\"")) && d.Delimiter != `\t` {
		k.errs.Addf(k.node.Get("delimiter"), "wants one character, or \\t for a tab")
	}
	if d.Quote != "" && d.Quote != "none" && (len(d.Quote) != 1 || d.Quote == d.Delimiter) {
		k.errs.Addf(k.node.Get("quote"), "wants one character other than the delimiter, or none")
	}
	if d.Window < 0 || d.SkipLines < 0 {
		k.errs.Addf(k.node, "window and skip_lines want a number from 0")
	}
	if len(d.Columns) > 0 && d.Format == "ndjson" {
		k.errs.Addf(k.node.Get("columns"), "NDJSON names its fields itself")
	}
	for _, name := range d.Columns {
		if slices.Index(d.Columns, name) != lastIndex(d.Columns, name) {
			k.errs.Addf(k.node.Get("columns"), "column %q is listed twice", name)
			break
		}
	}
}

func lastIndex(list []string, item string) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == item {
			return i
		}
	}
	return -1
}

// mappings compiles the entities of the dataset, in either of the two forms.
func (k *compiler) mappings(name string) []*entityPlan {
	d := k.dataset
	if d.Entities.Len() > 0 {
		if d.Fields.Len() > 0 || d.Entity != "" {
			k.errs.Addf(k.node.Get("entities"), "give either entities, or one entity with its fields")
		}
		var all []*entityPlan
		for _, e := range d.Entities.Entries {
			if m := k.mapping(e.Key, e.Node.Key(), e.Node, e.Value); m != nil {
				all = append(all, m)
			}
		}
		return all
	}
	at := k.node.Key()
	if d.Entity != "" {
		name, at = d.Entity, k.node.Get("entity")
	}
	if d.Fields.Len() == 0 {
		k.errs.Addf(k.node, "says no fields: give fields (of the entity %s), or entities", name)
		return nil
	}
	if m := k.mapping(name, at, k.node, EntityMapping{Fields: d.Fields, Node: d.Node}); m != nil {
		return []*entityPlan{m}
	}
	return nil
}

// mapping compiles one entity; nil if there is no such entity.
func (k *compiler) mapping(name string, at, node spec.Node, m EntityMapping) *entityPlan {
	schema := entity.Lookup(name)
	if schema == nil {
		k.errs.Addf(at, "there is no entity %q%s", name, spec.Hint(name, entityNames()))
		return nil
	}
	k.scope = k.scopeOf(m)
	defer func() { k.scope = 0 }()
	out := &entityPlan{schema: schema, perDocument: k.perDocument(m), scope: k.scope}
	out.where = k.conditions(m.Where, nil)
	mapped := map[string]bool{}
	for _, e := range m.Fields.Entries {
		f := schema.Field(e.Key)
		switch {
		case f == nil:
			k.errs.Addf(e.Node.Key(), "%s has no field %q%s", name, e.Key, spec.Hint(e.Key, schema.FieldNames()))
			continue
		case f.Meta && f.Name != "source_updated_at" && f.Name != "deleted":
			k.errs.Addf(e.Node.Key(), "%s is filled in by winback itself", f.Name)
			continue
		}
		mapped[e.Key] = true
		out.fields = append(out.fields, k.field(*f, e.Value, out.perDocument))
	}
	k.impliedFields(out, mapped)
	for i := range schema.Fields {
		if f := &schema.Fields[i]; f.Required && !f.Meta && !mapped[f.Name] && f.Kind != entity.TextList && f.Kind != entity.TextMap {
			k.errs.Addf(node.Get("fields"), "%s lacks its field %s (%s)", name, f.Name, lowerFirst(f.Doc))
		}
	}
	return out
}

// scopeOf returns the number of the array whose elements make an entity's rows, 0
// if records do.
func (k *compiler) scopeOf(m EntityMapping) int {
	if m.Each == "" {
		return 0
	}
	at := m.Node.Get("each")
	p := parsePath(m.Each)
	if n := len(p.steps); n > 0 && p.steps[n-1].all {
		p.steps = p.steps[:n-1] // elements are meant in any case
	}
	switch {
	case k.dataset.GroupBy != nil:
		k.errs.Addf(at, "is for records that hold arrays: group_by makes documents of records that do not")
	case p.root || p.up > 0 || len(p.steps) == 0:
		k.errs.Addf(at, "wants the path of an array in the record, as line_items or data.lines")
	}
	for i, known := range k.out.scopes {
		if known.text == p.text {
			return i + 1
		}
	}
	k.out.scopes = append(k.out.scopes, p)
	return len(k.out.scopes)
}

func lowerFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// perDocument decides whether an entity has a row per document or per record.
func (k *compiler) perDocument(m EntityMapping) bool {
	if k.dataset.GroupBy == nil {
		if m.Per == "document" {
			k.errs.Addf(m.Node.Get("per"), "there are documents only where group_by is given")
		}
		return false
	}
	if m.Per != "" {
		return m.Per == "document"
	}
	for _, e := range m.Fields.Entries {
		if e.Value.Auto == "line_number" {
			return false
		}
	}
	return true
}

// impliedFields adds what need not be configured: the project's currency, and the
// number of lines of a document.
func (k *compiler) impliedFields(out *entityPlan, mapped map[string]bool) {
	if f := out.schema.Field("currency"); f != nil && !f.Key && !mapped[f.Name] && k.env.currency != "" {
		out.fields = append(out.fields, field{
			at: f.Index, name: f.Name, kind: f.Kind, source: fromConst, direct: true,
			constant: value{set: true, text: []byte(k.env.currency)},
		})
	}
	if f := out.schema.Field("line_count"); f != nil && !mapped[f.Name] && (out.perDocument || out.scope == 0 && k.linesOf() != "") {
		out.fields = append(out.fields, field{at: f.Index, name: f.Name, kind: f.Kind, source: fromLineCount})
	}
}

// linesOf returns the array in a record whose elements are numbered as lines, or
// the only one whose elements are rows; "" if there is none.
func (k *compiler) linesOf() string {
	each := map[string]bool{}
	for _, e := range k.dataset.Entities.Entries {
		if e.Value.Each == "" {
			continue
		}
		each[e.Value.Each] = true
		for _, f := range e.Value.Fields.Entries {
			if f.Value.Auto == "line_number" {
				return e.Value.Each
			}
		}
	}
	if len(each) == 1 {
		for only := range each {
			return only
		}
	}
	return ""
}

func (k *compiler) choosePrimary() {
	for i, e := range k.out.entities {
		if !e.perDocument && e.scope == 0 {
			k.out.primary = i
			return
		}
	}
}

// payloads decides what goes into the payload of each entity: what its own
// mapping says, else the dataset's or the source's word for the primary one.
func (k *compiler) payloads() {
	inherited := k.config.Payload
	if k.dataset.Payload.Mode != "" {
		inherited = k.dataset.Payload
	}
	for i, e := range k.out.entities {
		choice := mapping.Payload{Mode: mapping.PayloadNone}
		if i == k.out.primary && inherited.Mode != "" {
			choice = inherited
		}
		if own, found := k.dataset.Entities.Get(e.schema.FullName()); found && own.Payload.Mode != "" {
			choice = own.Payload
		}
		e.payload = payloadPlan{mode: choice.Mode, scope: e.scope, field: e.schema.Field("payload").Index}
		k.scope = e.scope
		for _, name := range choice.Columns {
			e.payload.slots = append(e.payload.slots, k.slot([]string{name}, true))
		}
		k.scope = 0
	}
}

// slot returns the number under which a column is found in the binding to a file.
func (k *compiler) slot(names []string, optional bool) int {
	key := fmt.Sprint(k.scope, "\x00", strings.Join(names, "\x00"))
	at, known := k.slots[key]
	if !known {
		at = len(k.out.columns)
		k.slots[key] = at
		k.out.columns = append(k.out.columns, columnRef{names: names, optional: optional, scope: k.scope})
	}
	k.out.columns[at].optional = k.out.columns[at].optional && optional
	return at
}

// zone returns the number of the time zone for a field.
func (k *compiler) zone(f Field) int {
	location := k.env.location
	if location == nil {
		location = time.UTC
	}
	for _, choice := range []struct {
		name string
		node spec.Node
	}{{f.Timezone, f.Node}, {k.dataset.Timezone, k.node}, {k.config.Timezone, k.config.Node}} {
		if choice.name == "" {
			continue
		}
		loaded, err := time.LoadLocation(choice.name)
		if err != nil || choice.name == "Local" {
			k.errs.Addf(choice.node.Get("timezone"), "%q is no time zone; write it as Europe/London or UTC", choice.name)
			return 0
		}
		location = loaded
		break
	}
	for i, known := range k.out.zones {
		if known.String() == location.String() {
			return i
		}
	}
	k.out.zones = append(k.out.zones, location)
	k.samples.zones = append(k.samples.zones, mapping.NewZone(location))
	return len(k.out.zones) - 1
}

// conditions compiles conditions; those without a column look at fallback.
func (k *compiler) conditions(list []mapping.Condition, fallback []string) []condition {
	var all []condition
	for _, c := range list {
		all = append(all, k.condition(c, fallback))
	}
	return all
}

func (k *compiler) condition(c mapping.Condition, fallback []string) condition {
	names := c.Column
	if len(names) == 0 {
		names = fallback
	}
	if len(names) == 0 {
		k.errs.Addf(c.Node, "the condition names no column")
		return condition{}
	}
	out := condition{slot: k.slot(names, false), test: c.Compile(k.errs)}
	if out.test.Compares() {
		as := k.readerOf(names)
		out.test.ReadNumbers(mapping.NumberFormat{Point: pointOf(as.DecimalComma), Thousands: as.Thousands})
		out.texts = mapping.NewTexts(slices.Concat(k.dataset.Nulls, as.Nulls), nil, nil, "")
	}
	return out
}

// readerOf returns the field that reads numbers of one of the columns; one without anything
// where none does.
func (k *compiler) readerOf(names []string) Field {
	all := slices.Clone(k.dataset.Fields.Entries)
	for _, e := range k.dataset.Entities.Entries {
		all = append(all, e.Value.Fields.Entries...)
	}
	for _, e := range all {
		f := e.Value
		reads := slices.ContainsFunc(slices.Concat(f.Column, f.Product), func(name string) bool { return slices.Contains(names, name) })
		if reads && (f.DecimalComma || f.Thousands != "" || len(f.Nulls) > 0) {
			return f
		}
	}
	return Field{}
}

func pointOf(comma bool) byte {
	if comma {
		return ','
	}
	return 0
}

// fingerprint tells mappings apart. Which files are read is no part of it. What is
// not configured is left out, so that keys added by later versions of the program
// do not make every file new.
func fingerprint(name string, c *Config, d *Dataset, env surroundings) string {
	mapping := *d
	mapping.Files, mapping.Window = nil, 0
	for _, pattern := range d.Files {
		if _, members := splitMembers(string(pattern)); members != "" {
			mapping.Files = append(mapping.Files, spec.Path(members)) // a part of the archives is read
		}
	}
	location := ""
	if env.location != nil {
		location = env.location.String()
	}
	text, err := json.Marshal([]any{formatVersion, name, c.Timezone, c.Payload, mapping, location, env.currency})
	var tree any
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err == nil {
		text, err = json.Marshal(configured(tree))
	}
	if err != nil {
		panic(fmt.Sprintf("mapping of %s as JSON: %v", name, err)) // plain structs of texts
	}
	return fmt.Sprintf("%016x", xxhash.Sum64(text))
}

// configured drops what is empty from the objects of a JSON tree; nil is returned
// for what is empty itself.
func configured(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for key, value := range tree {
			if tree[key] = configured(value); tree[key] == nil {
				delete(tree, key)
			}
		}
		if len(tree) == 0 {
			return nil
		}
	case []any:
		for i := range tree {
			tree[i] = configured(tree[i])
		}
		if len(tree) == 0 {
			return nil
		}
	case string:
		if tree == "" {
			return nil
		}
	case bool:
		if !tree {
			return nil
		}
	case float64:
		if tree == 0 {
			return nil
		}
	}
	return tree
}

// formatVersion is raised when this package begins to make other rows from the
// same configuration.
const formatVersion = 1
