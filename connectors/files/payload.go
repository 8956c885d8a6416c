package files

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// payload makes the payload of a record as JSON, nil if nothing goes into it.
func (m *mapper) payload(p *payloadPlan, r *record) []byte {
	if p.mode == "" || p.mode == payloadNone {
		return nil
	}
	mark := m.arena.mark()
	switch {
	case p.mode == payloadColumns:
		for _, slot := range p.slots {
			m.member(mark, r.bound.name(slot), r.column(slot))
		}
	case r.json != nil:
		m.jsonMembers(mark, p, r)
	default:
		for at, name := range r.bound.header {
			if at < len(r.fields) && (p.mode == payloadFull || !r.bound.mapped[at]) {
				m.member(mark, name, r.fields[at])
			}
		}
	}
	if m.arena.mark() == mark {
		return nil
	}
	m.arena.data = append(m.arena.data, '}')
	return m.arena.since(mark)
}

// badRecord says of a record that goes into a payload why it cannot: its bytes are
// no text, and nothing else would tell of those in columns that no field is made
// from.
func (m *mapper) badRecord(e *entityPlan, r *record) *misfit {
	if !m.unsafeText || e.payload.mode == "" || e.payload.mode == payloadNone {
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
	if text = trim(text); len(text) == 0 {
		return
	}
	m.memberName(mark, name)
	m.arena.data = appendJSONString(m.arena.data, text)
}

func (m *mapper) memberName(mark int, name string) {
	lead := byte(',')
	if m.arena.mark() == mark {
		lead = '{'
	}
	m.arena.data = append(m.arena.data, lead)
	m.arena.data = appendJSONString(m.arena.data, []byte(name))
	m.arena.data = append(m.arena.data, ':')
}

// jsonMembers appends the members of a JSON record as they are.
func (m *mapper) jsonMembers(mark int, p *payloadPlan, r *record) {
	object, err := r.json.Object()
	if err != nil {
		return // an element that is a plain value
	}
	object.Visit(func(key []byte, v *fastjson.Value) {
		if v.Type() == fastjson.TypeNull || p.mode == payloadUnmapped && r.bound.keys[p.scope][string(key)] {
			return
		}
		m.memberName(mark, string(key))
		m.arena.data = v.MarshalTo(m.arena.data)
	})
}

// appendJSONString quotes a text for JSON. Bytes that are no text are replaced.
func appendJSONString(into, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendEscaped(into, text)
		}
	}
	into = append(into, '"')
	into = append(into, text...)
	return append(into, '"')
}

func appendEscaped(into, text []byte) []byte {
	quoted, err := json.Marshal(string(text))
	if err != nil {
		return strconv.AppendQuote(into, string(text)) // Marshal never fails for a string
	}
	return append(into, quoted...)
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
