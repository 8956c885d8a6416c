package record

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"winback/connectors/entity"
	"winback/connectors/spec"
)

// Mapping are the keys that sources of JSON records share; connectors embed it in
// their own configuration.
type Mapping struct {
	Fields  Fields `yaml:"fields" doc:"fields of the contract to fill from fields of the source that the connector does not read, as custom fields, by entity; they count more than what the connector reads" example:"{crm.deals: {competitor: UF_CRM_1700000001}}"`
	Payload string `yaml:"payload" default:"unmapped" enum:"unmapped|full|none" doc:"what of a record is kept beside the fields of the contract: what no field took, the whole record, or nothing"`
	OnDrift string `yaml:"on_drift" default:"quarantine" enum:"quarantine|stop" doc:"what a record does whose form has changed, by a field that is missing or of another type: it is put aside, or stops its dataset"`
}

// What drift does.
const (
	DriftQuarantine = "quarantine"
	DriftStop       = "stop"
)

// Fields are configured fields by entity and field of the contract.
type Fields struct {
	Entities spec.Ordered[spec.Ordered[Field]]
}

// Field says where the value of a field of the contract comes from. As a text it
// is a field of the source.
type Field struct {
	Name string            `yaml:"field" required:"true" doc:"field of the source" example:"UF_CRM_1700000001"`
	Map  map[string]string `yaml:"map" doc:"words of the source: words of the contract; others are kept" example:"{\"45\": price}"`
	Node spec.Node         `yaml:",node"`
}

// SpecType names the type in references.
func (Field) SpecType() string { return "field of the source, or map" }

// UnmarshalSpec reads a name or a map.
func (f *Field) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	if n.Kind() == spec.Mapping {
		type plain Field
		n.Decode((*plain)(f), errs)
		return
	}
	f.Node = n
	n.Decode(&f.Name, errs)
}

// SpecType names the type in references.
func (Fields) SpecType() string { return "map of entities, each a map of fields" }

// UnmarshalSpec reads the fields and refuses entities and fields that the contract
// does not have.
func (f *Fields) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	n.Decode(&f.Entities, errs)
	var names []string
	for _, s := range entity.All() {
		names = append(names, s.FullName())
	}
	for _, e := range f.Entities.Entries {
		s := entity.Lookup(e.Key)
		if s == nil {
			errs.Addf(e.Node.Key(), "unknown entity %q%s", e.Key, spec.Hint(e.Key, names))
			continue
		}
		for _, field := range e.Value.Entries {
			known := s.Field(field.Key)
			switch {
			case known == nil || known.Meta:
				errs.Addf(field.Node.Key(), "%s has no field %q%s", e.Key, field.Key, spec.Hint(field.Key, s.FieldNames()))
			case known.Key:
				errs.Addf(field.Node.Key(), "%s is the key of %s, which the connector itself fills", field.Key, e.Key)
			case known.Kind == entity.TextMap:
				errs.Addf(field.Node.Key(), "%s holds values by name, which one field of the source cannot fill", field.Key)
			}
		}
	}
}

// Of lists the fields configured for an entity.
func (f Fields) Of(s *entity.Schema) []spec.Entry[Field] {
	fields, _ := f.Entities.Get(s.FullName())
	return fields.Entries
}

// Names lists the fields of the source that are configured for an entity, for
// requests that name what they want.
func (f Fields) Names(s *entity.Schema) []string {
	var names []string
	for _, e := range f.Of(s) {
		if !slices.Contains(names, e.Value.Name) {
			names = append(names, e.Value.Name)
		}
	}
	return names
}

// setting puts one configured value into the row being written.
type setting func(b *entity.Batch)

// configured reads the configured fields of a row. Values that do not fit are
// noted with the record.
func (rows *Rows) configured(a addition) []setting {
	var list []setting
	for _, e := range rows.o.Fields.Of(a.schema) {
		raw := rows.custom(a.from, e.Value.Name)
		if raw == nil {
			continue
		}
		value := parse(rows, json.RawMessage(`{"":`+string(raw)+`}`), e.Value.Name, a.from.root)
		value.path = e.Value.Name
		if set := value.as(a.schema.Field(e.Key), e.Value.Map); set != nil {
			list = append(list, set)
		}
	}
	return list
}

func (rows *Rows) custom(r *Record, name string) json.RawMessage {
	if rows.o.Custom != nil {
		return rows.o.Custom(r, name)
	}
	return r.Raw(name)
}

// as reads the only value of a record as what a field of the contract holds.
func (r *Record) as(f *entity.Field, words map[string]string) setting {
	translate := func(text string) string {
		if word, ok := words[text]; ok {
			return word
		}
		return text
	}
	switch f.Kind {
	case entity.TextList:
		list := r.Texts("")
		for i := range list {
			list[i] = translate(list[i])
		}
		return func(b *entity.Batch) { b.SetList(f.Index, list) }
	case entity.JSON:
		raw := r.Raw("")
		return func(b *entity.Batch) { b.SetText(f.Index, raw) }
	case entity.Text, entity.Enum:
		texts := r.Texts("")
		for i := range texts {
			texts[i] = translate(texts[i])
		}
		text := strings.Join(texts, ", ")
		if f.Kind == entity.Enum {
			text = strings.ToLower(text)
		}
		return func(b *entity.Batch) { b.SetString(f.Index, text) }
	}
	if words != nil {
		text, _ := r.text("")
		r.fields[""], _ = json.Marshal(translate(text))
	}
	n, ok := r.number(f)
	if !ok {
		return nil
	}
	return func(b *entity.Batch) { b.SetInt(f.Index, n) }
}

// number reads the only value of a record as a kind that a batch holds as a
// number.
func (r *Record) number(f *entity.Field) (int64, bool) {
	switch f.Kind {
	case entity.Int:
		n := r.Int("")
		return n.V, n.OK
	case entity.Bool:
		b := r.Bool("")
		n, _ := strconv.ParseInt(map[bool]string{true: "1", false: "0"}[b.V], 10, 64)
		return n, b.OK
	case entity.Day:
		d := r.Day("")
		return int64(d.V), d.OK
	case entity.Timestamp:
		return r.anyTime()
	case entity.Dec:
		text, ok := r.text("")
		if !ok {
			return 0, false
		}
		n, err := entity.ParseScaled(text, f.Scale)
		if err != nil {
			r.Wrong("", "is "+err.Error())
		}
		return n, err == nil
	}
	return 0, false
}

// anyTime reads a time as a text, or in seconds since 1970.
func (r *Record) anyTime() (int64, bool) {
	text, _ := r.text("")
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		at := r.Unix("")
		return int64(at.V), at.OK
	}
	at := r.Time("")
	return int64(at.V), at.OK
}
