package files

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"winback/connectors/entity"
)

// reading shows what is made of records: a value that is read otherwise than it is meant
// is seen here before it is in any table.
type reading struct {
	mapper *mapper
	fields []*field
}

// newReading is of the entity that records as such are counted for; nil where elements of
// lists make it.
func newReading(p *plan, b *binding, text []byte) *reading {
	e := p.entities[p.primary]
	if e.scope > 0 {
		return nil
	}
	r := &reading{mapper: newMapper(p)}
	r.mapper.lookAt(text, b)
	for i := range e.fields {
		if f := &e.fields[i]; f.source == fromColumn || f.source == fromProduct || f.source == fromJoin || f.source == fromColumns || len(f.rules) > 0 {
			r.fields = append(r.fields, f)
		}
	}
	return r
}

func (r *reading) names() []string {
	var names []string
	for _, f := range r.fields {
		names = append(names, f.name)
	}
	return names
}

// of returns the values that a record makes, and in brackets why it makes none.
func (r *reading) of(rec *record) []string {
	r.mapper.arena.Reset()
	values := make([]string, len(r.fields))
	for i, f := range r.fields {
		var v value
		if wrong := r.mapper.eval(f, rec, &v); wrong != nil {
			values[i] = "(" + wrong.reason + ")"
			continue
		}
		values[i] = f.shown(&v, r.mapper.plan)
	}
	return values
}

// shown writes a value for people, times by the clock of their zone.
func (f *field) shown(v *value, p *plan) string {
	if !v.set {
		return ""
	}
	switch f.kind {
	case entity.Dec:
		return entity.FormatScaled(v.n, f.scale)
	case entity.Timestamp:
		return time.UnixMicro(v.n).In(p.zones[f.zone]).Format("2006-01-02 15:04:05 -07:00")
	case entity.Day:
		return time.Unix(v.n*24*3600, 0).UTC().Format(time.DateOnly)
	case entity.Bool:
		return fmt.Sprint(v.n != 0)
	case entity.Int:
		return fmt.Sprint(v.n)
	case entity.TextList:
		return strings.Join(v.list, ", ")
	case entity.TextMap:
		var pairs []string
		for pair := range slices.Chunk(v.list, 2) {
			pairs = append(pairs, strings.Join(pair, ": "))
		}
		return strings.Join(pairs, ", ")
	}
	return string(v.text)
}
