package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/valyala/fastjson"

	"winback/connectors/mapping"
)

// valueKind says what the text of a value was made from.
type valueKind byte

const (
	kindText   valueKind = iota
	kindNumber           // of the format itself: it is never written with a comma
	kindError            // of a spreadsheet's cell
	kindObject           // a JSON object
	kindList             // a JSON array
)

// scope is an array in the records of a dataset whose elements make rows.
type scope struct {
	jsonPath
	slots []int
}

// jsonReader reads lines that are one JSON object each. Its records have a field
// per slot of the plan.
type jsonReader struct {
	bound  *binding
	data   []byte
	line   int64
	parser fastjson.Parser
	arena  mapping.Arena
	fields [][]byte
	kinds  []valueKind
}

func (j *jsonReader) begin(data []byte, line int64) { j.data, j.line = data, line }

func (j *jsonReader) next(r *record) (*misfit, bool) {
	var text []byte
	for len(bytes.TrimSpace(text)) == 0 {
		if len(j.data) == 0 {
			return nil, false
		}
		end := len(j.data)
		if n := bytes.IndexByte(j.data, '\n'); n >= 0 {
			end = n + 1
		}
		text, j.data = j.data[:end], j.data[end:]
		r.line = j.line
		j.line++
	}
	r.bound, r.raw, r.fields, r.kinds, r.json, r.place = j.bound, trimLineEnd(text), nil, nil, nil, ""
	if j.bound.problem != nil {
		return j.bound.problem, true
	}
	v, err := j.parser.ParseBytes(r.raw)
	if err != nil {
		return &misfit{reason: fmt.Sprintf("the %s is not JSON: %s", j.unit(), whyNotJSON(r.raw, err))}, true
	}
	if v.Type() != fastjson.TypeObject {
		return &misfit{reason: fmt.Sprintf("the %s is a JSON %s; %s", j.unit(), v.Type(), j.wants())}, true
	}
	j.arena.Reset()
	if j.bound.has != nil {
		j.bound.has.record(v)
	}
	j.fields, j.kinds = j.fields[:0], j.kinds[:0]
	stack := []*fastjson.Value{v}
	for slot := range j.bound.paths {
		j.fields, j.kinds = append(j.fields, nil), append(j.kinds, kindText)
		if j.bound.scopeOf[slot] == 0 {
			j.read(slot, stack)
		}
	}
	r.fields, r.kinds, r.json = j.fields, j.kinds, v
	if j.bound.lines > 0 {
		r.count = j.countLines(v)
	}
	return nil, true
}

// whyNotJSON says where a text stops being JSON. The standard library tells that more
// plainly than the fast one.
func whyNotJSON(text []byte, err error) string {
	var read json.RawMessage
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, &read))
	switch {
	case !ok:
		return firstLine(err.Error())
	case syntax.Offset >= int64(len(text)):
		return "it breaks off"
	}
	return fmt.Sprintf("%s, at byte %d", syntax.Error(), syntax.Offset)
}

func (j *jsonReader) unit() string {
	if j.bound.document {
		return "record"
	}
	return "line"
}

func (j *jsonReader) wants() string {
	if j.bound.document {
		return "records are objects; records: says where they stand"
	}
	return "NDJSON has one object a line"
}

// read finds the value of a slot from where a stack of values stands.
func (j *jsonReader) read(slot int, stack []*fastjson.Value) {
	paths := j.bound.paths[slot]
	for i := range paths {
		if text, kind, found := j.find(&paths[i], stack); found {
			j.fields[slot], j.kinds[slot] = text, kind
			if j.bound.has != nil {
				j.bound.has.has(slot)
			}
			return
		}
	}
}

// find returns the text of what a path leads to; of several values as an array.
func (j *jsonReader) find(p *jsonPath, stack []*fastjson.Value) (text []byte, kind valueKind, found bool) {
	from := p.begin(stack)
	if from == nil {
		return nil, kindText, false
	}
	if v := from.Get(p.text); v != nil {
		text, kind = j.value(v)
		return text, kind, true
	}
	if !p.many {
		follow(from, p.steps, func(v *fastjson.Value) {
			text, kind = j.value(v)
			found = true
		})
		return text, kind, found
	}
	mark := j.arena.Mark()
	follow(from, p.steps, func(v *fastjson.Value) {
		if v.Type() == fastjson.TypeNull {
			return
		}
		j.arena.Data = append(j.arena.Data, ',')
		j.arena.Data = v.MarshalTo(j.arena.Data)
		found = true
	})
	if !found {
		return nil, kindText, false
	}
	j.arena.Data[mark] = '['
	j.arena.Data = append(j.arena.Data, ']')
	return j.arena.Since(mark), kindText, true
}

// value returns a JSON value as the text that a column would hold.
func (j *jsonReader) value(v *fastjson.Value) ([]byte, valueKind) {
	switch v.Type() {
	case fastjson.TypeNumber:
		mark := j.arena.Mark()
		text := j.arena.Value(v)
		if bytes.ContainsAny(text, "eE") {
			j.arena.Data = plainNumber(j.arena.Data, text)
			text = j.arena.Since(mark + len(text))
		}
		return text, kindNumber
	case fastjson.TypeObject:
		if j.bound.sheet != "" { // cells are objects only to say that they are errors
			return j.arena.Keep(v.GetStringBytes(cellError)), kindError
		}
		return mapping.JSONText(&j.arena, v), kindObject
	case fastjson.TypeArray:
		return mapping.JSONText(&j.arena, v), kindList
	}
	return mapping.JSONText(&j.arena, v), kindText
}

// longestExponent bounds the digits that an exponent stands for.
const longestExponent = 40

// plainNumber appends a number without its exponent. What would become very long
// is left as it is.
func plainNumber(into, text []byte) []byte {
	mantissa, power, _ := bytes.Cut(bytes.ToLower(text), []byte("e"))
	exponent, err := strconv.Atoi(string(power))
	if err != nil || exponent > longestExponent || exponent < -longestExponent {
		return append(into, text...)
	}
	if bytes.HasPrefix(mantissa, []byte("-")) {
		into, mantissa = append(into, '-'), mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := string(whole) + string(fraction)
	point := len(whole) + exponent
	for ; point <= 0; point++ {
		digits = "0" + digits
	}
	for len(digits) < point {
		digits += "0"
	}
	into = append(into, digits[:point]...)
	if point < len(digits) {
		into = append(append(into, '.'), digits[point:]...)
	}
	return into
}

// elements calls use with a record for each element of an array of the record
// last read.
func (j *jsonReader) elements(of int, r *record, use func(*record)) {
	s := &j.bound.scopes[of-1]
	element := *r
	element.number = 0
	walk([]*fastjson.Value{r.json}, s.steps, "", func(stack []*fastjson.Value, place string) {
		element.number++
		element.json, element.place = stack[len(stack)-1], place
		for _, slot := range s.slots {
			j.fields[slot], j.kinds[slot] = nil, kindText
			j.read(slot, stack)
		}
		use(&element)
	})
}

// countLines counts the rows that the lines of a record make.
func (j *jsonReader) countLines(v *fastjson.Value) (n int64) {
	walk([]*fastjson.Value{v}, j.bound.scopes[j.bound.lines-1].steps, "", func([]*fastjson.Value, string) { n++ })
	return n
}

// walk calls use for each element that steps lead to, with what it stands in: the
// record, and the elements of arrays on the way. place says where that is.
func walk(stack []*fastjson.Value, steps []step, place string, use func(stack []*fastjson.Value, place string)) {
	v := stack[len(stack)-1]
	for i, s := range steps {
		switch {
		case v == nil:
			return
		case s.all:
			for n, element := range elementsOf(v) {
				walk(append(stack, element), steps[i+1:], place+"["+strconv.Itoa(n)+"]", use)
			}
			return
		case s.element:
			v, place = elementAt(elementsOf(v), s.index), place+"["+strconv.Itoa(s.index)+"]"
		default:
			v = v.Get(s.key)
			if place != "" {
				place += "."
			}
			place += s.key
		}
	}
	if v == nil {
		return
	}
	for n, element := range elementsOf(v) {
		use(append(stack, element), place+"["+strconv.Itoa(n)+"]")
	}
}

func firstLine(text string) string {
	line, _, _ := bytes.Cut([]byte(text), newline)
	if len(line) > 200 {
		return string(line[:200]) + "…"
	}
	return string(line)
}

// cellError is the member that says of a cell which error it holds.
const cellError = "error"
