package demo

import "winback/connectors/entity"

// pageSize is how many records Bitrix24 gives at a time.
const pageSize = 50

// pages writes records as the answers of Bitrix24's REST interface, one after
// another: pages of fifty with the number of the next record.
type pages struct {
	t      *table
	before string // what stands before the records of a page
	after  string
	count  int
}

// createPages begins a file of answers. within is the object that the records are
// in, "" if the result is their list.
func (s *fileSet) createPages(name, within string) (*pages, error) {
	t, err := s.create(name, tableFormat{delimiter: ','})
	if err != nil {
		return nil, err
	}
	p := &pages{t: t, before: `{"result":[`, after: `]`}
	if within != "" {
		p.before, p.after = `{"result":{"`+within+`":[`, `]}`
	}
	return p, nil
}

// begin begins a record.
func (p *pages) begin() {
	t := p.t
	switch {
	case p.count%pageSize == 0 && p.count > 0:
		p.closePage(p.count)
		fallthrough
	case p.count == 0:
		t.row = append(t.row, p.before...)
	default:
		t.row = append(t.row, ',')
	}
	t.row = append(t.row, "\n{"...)
}

// end closes a record.
func (p *pages) end() {
	p.t.row = append(p.t.row, '}')
	p.count++
	p.t.endRow()
}

func (p *pages) closePage(next int) {
	t := p.t
	t.row = append(t.row, p.after...)
	if next > 0 {
		t.row = appendInt(append(t.row, `,"next":`...), next)
	}
	t.row = append(t.row, "}\n"...)
}

// finish closes the last page and the file.
func (p *pages) finish(files *fileSet) error {
	if p.count == 0 {
		p.t.row = append(p.t.row, p.before...)
	}
	p.closePage(0)
	p.t.begin = len(p.t.row)
	return files.finish(p.t)
}

// key begins a member of the object being made.
func (t *table) key(name string) {
	if last := t.row[len(t.row)-1]; last != '{' {
		t.row = append(t.row, ',')
	}
	t.row = append(append(append(t.row, '"'), name...), `":`...)
}

// str writes a member with text.
func (t *table) str(name, value string) {
	t.key(name)
	t.row = appendJSONText(t.row, value)
}

// num writes a member with a whole number as text, as Bitrix24 does.
func (t *table) num(name string, n int) {
	t.key(name)
	t.row = append(appendInt(append(t.row, '"'), n), '"')
}

// cash writes a member with an amount as text.
func (t *table) cash(name string, amount entity.Decimal) {
	t.key(name)
	t.row = append(appendCents(append(t.row, '"'), amount, '.'), '"')
}

// none writes a member without a value.
func (t *table) none(name string) {
	t.key(name)
	t.row = append(t.row, "null"...)
}

// appendJSONText writes text as JSON does.
func appendJSONText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// moment writes a member with a second of the history as the CRM's clock shows it,
// with its distance from UTC.
func (t *table) moment(w *world, name string, second int) {
	t.key(name)
	t.row = append(t.row, '"')
	t.row = w.appendMoment(t.row, second)
	t.row = append(t.row, '"')
}

// appendMoment writes 2006-01-02T15:04:05+02:00.
func (w *world) appendMoment(b []byte, second int) []byte {
	day := floorDiv(second, 86_400)
	b = append(append(b, w.dayText(day)...), 'T')
	b = appendClock(b, second-day*86_400)
	if w.isSummer(day) {
		return append(b, "+03:00"...)
	}
	return append(b, "+02:00"...)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// isSummer says whether clocks show summer time: from the last Sunday of March to
// the last of October.
func (w *world) isSummer(day int) bool {
	at := w.start.AddDate(0, 0, day)
	month := int(at.Month())
	lastSunday := at.Day()+7-int(at.Weekday()) > 31 // both months have 31 days
	switch {
	case month == 3:
		return lastSunday && (at.Weekday() == 0 || at.Day()-int(at.Weekday()) > 24)
	case month == 10:
		return !(lastSunday && (at.Weekday() == 0 || at.Day()-int(at.Weekday()) > 24))
	}
	return month > 3 && month < 10
}
