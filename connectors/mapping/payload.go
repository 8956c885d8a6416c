package mapping

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"winback/connectors/spec"
)

// Payload says what of a record is kept beside the mapped fields.
type Payload struct {
	Mode    string // one of the modes below; "" where nothing is said
	Columns []string
	Node    spec.Node
}

// Modes of a Payload.
const (
	PayloadNone     = "none"
	PayloadUnmapped = "unmapped"
	PayloadFull     = "full"
	PayloadColumns  = "columns"
)

// SpecType names the type in references.
func (Payload) SpecType() string { return "none, unmapped, full, or a list of columns" }

// UnmarshalSpec reads a mode or a list of columns.
func (p *Payload) UnmarshalSpec(n spec.Node, errs *spec.Errors) {
	p.Node = n
	if n.Kind() == spec.Sequence {
		p.Mode = PayloadColumns
		n.Decode(&p.Columns, errs)
		return
	}
	known := []string{PayloadNone, PayloadUnmapped, PayloadFull}
	switch n.Text() {
	case PayloadNone, PayloadUnmapped, PayloadFull:
		p.Mode = n.Text()
	default:
		errs.Addf(n, "wants none, unmapped, full or a list of columns%s", spec.Hint(n.Text(), known))
	}
}

// AppendJSONString quotes a text for JSON. Bytes that are no text are replaced.
func AppendJSONString(into, text []byte) []byte {
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
