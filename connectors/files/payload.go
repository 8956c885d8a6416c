package files

import (
	"strconv"

	"github.com/valyala/fastjson"

	"winback/connectors/mapping"
)

// payload makes the payload of a record as JSON, nil if nothing goes into it.
func (m *mapper) payload(p *payloadPlan, r *record) []byte {
	if p.mode == "" || p.mode == mapping.PayloadNone {
		return nil
	}
	mark := m.arena.Mark()
	switch {
	case p.mode == mapping.PayloadColumns:
		for _, slot := range p.slots {
			m.member(mark, r.bound.name(slot), r.column(slot))
		}
	case r.json != nil:
		m.jsonMembers(mark, p, r)
	default:
		for at, name := range r.bound.header {
			if at < len(r.fields) && (p.mode == mapping.PayloadFull || !r.bound.mapped[at]) {
				m.member(mark, name, r.fields[at])
			}
		}
	}
	if m.arena.Mark() == mark {
		return nil
	}
	m.arena.Data = append(m.arena.Data, '}')
	return m.arena.Since(mark)
}

// badRecord says of a record that goes into a payload why it cannot: its bytes are
// no text, and nothing else would tell of those in columns that no field is made
// from.
func (m *mapper) badRecord(e *entityPlan, r *record) *misfit {
	if !m.unsafeText || e.payload.mode == "" || e.payload.mode == mapping.PayloadNone {
		return nil
	}
	if reason := m.badText(r.raw); reason != "" {
		return &misfit{reason: "the record " + reason}
	}
	return nil
}

// member appends a name and a text to the object begun at mark. Names without a
// value are left out.
func (m *mapper) member(mark int, name string, text []byte) {
	if text = mapping.Trim(text); len(text) == 0 {
		return
	}
	m.memberName(mark, name)
	m.arena.Data = mapping.AppendJSONString(m.arena.Data, text)
}

func (m *mapper) memberName(mark int, name string) {
	lead := byte(',')
	if m.arena.Mark() == mark {
		lead = '{'
	}
	m.arena.Data = append(m.arena.Data, lead)
	m.arena.Data = mapping.AppendJSONString(m.arena.Data, []byte(name))
	m.arena.Data = append(m.arena.Data, ':')
}

// jsonMembers appends the members of a JSON record as they are.
func (m *mapper) jsonMembers(mark int, p *payloadPlan, r *record) {
	object, err := r.json.Object()
	if err != nil {
		return // an element that is a plain value
	}
	object.Visit(func(key []byte, v *fastjson.Value) {
		if v.Type() == fastjson.TypeNull || p.mode == mapping.PayloadUnmapped && r.bound.keys[p.scope][string(key)] {
			return
		}
		m.memberName(mark, string(key))
		m.arena.Data = v.MarshalTo(m.arena.Data)
	})
}

// withQuarantined adds to a document's payload how many of its records were put
// aside.
func withQuarantined(payload []byte, count int) []byte {
	mark := `"quarantined_lines":` + strconv.Itoa(count) + `}`
	if len(payload) == 0 {
		return []byte("{" + mark)
	}
	return append(append(payload[:len(payload)-1:len(payload)-1], ','), mark...)
}
