package sqldb

import (
	"regexp"
	"strconv"

	"winback/connectors/mapping"
)

// private are columns that a payload leaves out unless they are listed.
var private = regexp.MustCompile(`(?i)passw|passphrase|pwd|secret|token|api_?key|private_?key|salt|(^|_)hash($|_)|session_?id|cvv|cvc|otp`)

// payloadNames lists the columns that go into the payload.
func (n *binding) payloadNames(choice mapping.Payload, mapped map[string]bool) []string {
	var names []string
	switch choice.Mode {
	case mapping.PayloadColumns:
		return choice.Columns
	case mapping.PayloadUnmapped, mapping.PayloadFull:
		for i, c := range n.relation.columns {
			hidden := n.relation.readable != nil && !n.relation.readable[i]
			if !hidden && !private.MatchString(c.name) && (choice.Mode == mapping.PayloadFull || !mapped[c.name]) {
				names = append(names, c.name)
			}
		}
	}
	return names
}

// payload writes the columns of the payload as a JSON object, nil if none has a
// value.
func (m *maker) payload(values [][]byte) []byte {
	if len(m.bound.payload) == 0 {
		return nil
	}
	return m.object(m.bound.payload, values)
}

// object writes columns as a JSON object. Those without a value are left out.
func (m *maker) object(slots []int, values [][]byte) []byte {
	mark := m.arena.Mark()
	for _, slot := range slots {
		if values[slot] == nil {
			continue
		}
		lead := byte(',')
		if m.arena.Mark() == mark {
			lead = '{'
		}
		c := &m.bound.columns[slot]
		m.arena.Data = append(m.arena.Data, lead)
		m.arena.Data = mapping.AppendJSONString(m.arena.Data, []byte(c.name))
		m.arena.Data = append(m.arena.Data, ':')
		m.member(c, values[slot])
	}
	if m.arena.Mark() == mark {
		return nil
	}
	m.arena.Data = append(m.arena.Data, '}')
	return m.arena.Since(mark)
}

// member appends a value as JSON.
func (m *maker) member(c *column, raw []byte) { m.arena.Data = appendJSON(m.arena.Data, c, raw) }

// appendJSON writes a value as JSON. Exact numbers keep their digits.
func appendJSON(into []byte, c *column, raw []byte) []byte {
	mark := len(into)
	into = c.text(into, raw)
	switch c.kind {
	case document:
		return into
	case list:
		if !c.plain {
			return into
		}
	case truth:
		n, _ := c.number(raw)
		return strconv.AppendBool(into[:mark], n != 0)
	case whole, decimal, float:
		if isJSONNumber(into[mark:]) {
			return into
		}
	}
	written := append([]byte(nil), into[mark:]...)
	return mapping.AppendJSONString(into[:mark], written)
}

// isJSONNumber says that a number's text is one of JSON: not NaN, not Infinity.
func isJSONNumber(text []byte) bool {
	return len(text) > 0 && (text[len(text)-1] >= '0' && text[len(text)-1] <= '9')
}
