package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"winback/connectors/entity"
)

// Record is one JSON object of a source. Its methods read fields: one that is
// absent, null or "" is no value. One that is something else than asked for is
// noted, and has the record put aside.
type Record struct {
	rows    *Rows
	raw     json.RawMessage
	fields  map[string]json.RawMessage
	read    map[string]bool
	inside  map[string]*Record // objects that were read field by field
	lists   map[string][]*Record
	dropped map[string]bool // fields that nobody may see
	kept    map[string]bool // fields that stay in payload though they were read
	path    string          // of the record in the one it is part of
	root    *Record
	misfits []misfit // root's only
	added   []addition
	ignored bool
	aside   bool // has no payload
}

// misfit is a value that is not what it should be.
type misfit struct {
	field, value, reason string
}

// parse reads an object. Anything else is an empty record with a misfit.
func parse(rows *Rows, raw json.RawMessage, path string, root *Record) *Record {
	r := &Record{rows: rows, raw: raw, read: map[string]bool{}, path: path, root: root}
	if root == nil {
		r.root = r
	}
	if empty(raw) || bytes.Equal(bytes.TrimSpace(raw), []byte("[]")) { // some servers write an empty object so
		return r
	}
	if err := json.Unmarshal(raw, &r.fields); err != nil {
		r.root.wrong(strings.TrimSuffix(path, "."), raw, "is not an object")
	}
	return r
}

func empty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", `""`:
		return true
	}
	return false
}

// Has says whether a field is there and has a value.
func (r *Record) Has(name string) bool { return !empty(r.fields[name]) }

// Raw is the JSON of a field, nil if it has no value.
func (r *Record) Raw(name string) json.RawMessage {
	r.read[name] = true
	if raw := r.fields[name]; !empty(raw) {
		return raw
	}
	return nil
}

// Peek is Raw for a field of which a part is wanted: all of it stays for payload.
func (r *Record) Peek(name string) json.RawMessage {
	if raw := r.fields[name]; !empty(raw) {
		return raw
	}
	return nil
}

// Names are the names of all fields, sorted.
func (r *Record) Names() []string { return slices.Sorted(maps.Keys(r.fields)) }

// Need notes which of the fields are missing altogether, null or not: a source
// that stops sending a field has changed its form.
func (r *Record) Need(names ...string) {
	for _, name := range names {
		if _, there := r.fields[name]; !there {
			r.root.wrong(r.path+name, nil, "is missing in the record: the source has changed its form")
		}
	}
}

// Drop marks fields that nobody may see, as links that let anybody in: they are
// in no payload, the whole record's included, nor with a record that is put aside.
func (r *Record) Drop(names ...string) {
	if r.dropped == nil {
		r.dropped = map[string]bool{}
	}
	for _, name := range names {
		r.read[name], r.dropped[name] = true, true
	}
}

// Keep has fields stay in payload that were read for another purpose than to fill
// a field of the contract whole.
func (r *Record) Keep(names ...string) {
	if r.kept == nil {
		r.kept = map[string]bool{}
	}
	for _, name := range names {
		r.kept[name] = true
	}
}

// Aside is the record again, for a row whose payload another row of the same record
// keeps.
func (r *Record) Aside() *Record {
	again := *r
	again.aside = true
	return &again
}

// whole is the record as it came, without dropped fields.
func (r *Record) whole() json.RawMessage {
	if !r.drops() {
		return r.raw
	}
	kept := maps.Clone(r.fields)
	for name := range r.dropped {
		delete(kept, name)
	}
	for name, inner := range r.inside {
		if inner.drops() {
			kept[name] = inner.whole()
		}
	}
	for name, list := range r.lists {
		if !slices.ContainsFunc(list, (*Record).drops) {
			continue
		}
		items := make([]json.RawMessage, len(list))
		for i, item := range list {
			items[i] = item.whole()
		}
		kept[name], _ = json.Marshal(items) // of valid JSON
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil
	}
	return text
}

// drops says whether the record or one within it has dropped fields.
func (r *Record) drops() bool {
	if len(r.dropped) > 0 {
		return true
	}
	for _, inner := range r.inside {
		if inner.drops() {
			return true
		}
	}
	for _, list := range r.lists {
		if slices.ContainsFunc(list, (*Record).drops) {
			return true
		}
	}
	return false
}

// Wrong notes that a field holds what cannot be used. The record is put aside.
func (r *Record) Wrong(name, reason string) { r.root.wrong(r.path+name, r.fields[name], reason) }

func (r *Record) wrong(field string, raw json.RawMessage, reason string) {
	text, ok := scalar(raw)
	if !ok {
		text = string(raw)
	}
	r.misfits = append(r.misfits, misfit{field: field, value: clip(text), reason: reason})
}

const valueShown = 200

func clip(text string) string {
	if runes := []rune(text); len(runes) > valueShown {
		return string(runes[:valueShown]) + "…"
	}
	return text
}

// scalar is the text of a string, a number or a truth value.
func scalar(raw json.RawMessage) (text string, ok bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "", true
	}
	switch raw[0] {
	case '"':
		err := json.Unmarshal(raw, &text)
		return text, err == nil
	case '{', '[':
		return "", false
	}
	if bytes.Equal(raw, []byte("null")) {
		return "", true
	}
	return string(raw), true
}

// text is the trimmed text of a field; an empty array or object is none, as
// servers in PHP send them.
func (r *Record) text(name string) (string, bool) {
	raw := r.Raw(name)
	if raw == nil {
		return "", false
	}
	switch string(bytes.TrimSpace(raw)) {
	case "[]", "{}":
		return "", false
	}
	text, ok := scalar(raw)
	if !ok {
		r.root.wrong(r.path+name, raw, "is not one value")
		return "", false
	}
	text = strings.TrimSpace(text)
	return text, text != ""
}

// Text is a string, or a number or truth value as it is written.
func (r *Record) Text(name string) string {
	text, _ := r.text(name)
	return text
}

// Address is a URL without what may let anybody in: a user, a query, a fragment.
func (r *Record) Address(name string) string {
	at, err := url.Parse(r.Text(name))
	if err != nil {
		return ""
	}
	at.User, at.RawQuery, at.Fragment = nil, "", ""
	return at.String()
}

// ID is a reference to another record: text or number, where "0" and 0 stand for
// none.
func (r *Record) ID(name string) string {
	if text, _ := r.text(name); text != "0" {
		return text
	}
	return ""
}

// Lower is Text in small letters, for enumerations.
func (r *Record) Lower(name string) string { return strings.ToLower(r.Text(name)) }

// Int is a whole number, as a number or a text.
func (r *Record) Int(name string) entity.Opt[int64] {
	text, ok := r.text(name)
	if !ok {
		return entity.Opt[int64]{}
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64)
	if err != nil {
		r.Wrong(name, "is not a whole number")
		return entity.Opt[int64]{}
	}
	return entity.Some(n)
}

// Decimal is an exact number, as a number or a text.
func (r *Record) Decimal(name string) entity.Opt[entity.Decimal] {
	text, ok := r.text(name)
	if !ok {
		return entity.Opt[entity.Decimal]{}
	}
	n, err := entity.ParseDecimal(text)
	if err != nil {
		r.Wrong(name, "is "+err.Error())
		return entity.Opt[entity.Decimal]{}
	}
	return entity.Some(n)
}

// Bool is true, "true", "Y", "yes" or 1, or the opposite.
func (r *Record) Bool(name string) entity.Opt[bool] {
	text, ok := r.text(name)
	if !ok {
		return entity.Opt[bool]{}
	}
	switch strings.ToLower(text) {
	case "true", "y", "yes", "1":
		return entity.Some(true)
	case "false", "n", "no", "0":
		return entity.Some(false)
	}
	r.Wrong(name, "is neither true nor false")
	return entity.Opt[bool]{}
}

// Time is an instant: ISO 8601 with a zone or, without one, in the zone of the
// rows. Further layouts are those of package time.
func (r *Record) Time(name string, layouts ...string) entity.Opt[entity.Time] {
	return r.TimeIn(name, r.rows.location, layouts...)
}

// TimeIn is Time for a field whose times without a zone are of another one.
func (r *Record) TimeIn(name string, zone *time.Location, layouts ...string) entity.Opt[entity.Time] {
	text, ok := r.text(name)
	if !ok {
		return entity.Opt[entity.Time]{}
	}
	at, ok := parseTime(text, zone, layouts)
	if !ok {
		r.Wrong(name, "is not a time")
		return entity.Opt[entity.Time]{}
	}
	return r.instant(name, at)
}

// Unix is an instant in seconds since 1970, or in milliseconds where they are too
// many for seconds; 0 is none.
func (r *Record) Unix(name string) entity.Opt[entity.Time] {
	n := r.Int(name)
	switch {
	case !n.OK || n.V == 0:
		return entity.Opt[entity.Time]{}
	case n.V > 1e11 || n.V < -1e11:
		return r.instant(name, time.UnixMilli(n.V))
	}
	return r.instant(name, time.Unix(n.V, 0))
}

// instant refuses what the warehouse cannot hold.
func (r *Record) instant(name string, at time.Time) entity.Opt[entity.Time] {
	if at.Year() < 1900 || at.Year() > 2299 {
		r.Wrong(name, "is outside 1900-01-01 to 2299-12-31, which is what the warehouse holds")
		return entity.Opt[entity.Time]{}
	}
	return entity.Some(entity.TimeOf(at))
}

// Day is a date without a time. Of a text with a time and a zone it is the date as
// written.
func (r *Record) Day(name string) entity.Opt[entity.Date] {
	text, ok := r.text(name)
	if !ok {
		return entity.Opt[entity.Date]{}
	}
	at, err := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))])
	if err != nil || at.Year() < 1900 || at.Year() > 2299 {
		r.Wrong(name, "is not a date")
		return entity.Opt[entity.Date]{}
	}
	return entity.Some(entity.DateOf(at))
}

// DayTime is a date without a time, for a field of the contract that is an
// instant: midnight of the day as written, in the zone of the rows.
func (r *Record) DayTime(name string) entity.Opt[entity.Time] {
	day := r.Day(name)
	if !day.OK {
		return entity.Opt[entity.Time]{}
	}
	year, month, date := day.V.Go().Date()
	return entity.Some(entity.TimeOf(time.Date(year, month, date, 0, 0, 0, 0, r.rows.location)))
}

// Object is a record within this one; without a value it is an empty one. What of
// it is not read goes to payload.
func (r *Record) Object(name string) *Record {
	if r.inside == nil {
		r.inside = map[string]*Record{}
	}
	if known, ok := r.inside[name]; ok {
		return known
	}
	inner := parse(r.rows, r.Raw(name), r.path+name+".", r.root)
	r.inside[name] = inner
	return inner
}

// List are the records of an array within this one, as the lines of an order. What
// of them is not read does not go to payload.
func (r *Record) List(name string) []*Record {
	raw := r.Raw(name)
	if raw == nil || string(bytes.TrimSpace(raw)) == "{}" {
		return nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		r.root.wrong(r.path+name, raw, "is not a list")
		return nil
	}
	list := make([]*Record, len(items))
	for i, item := range items {
		list[i] = parse(r.rows, item, fmt.Sprintf("%s%s[%d].", r.path, name, i), r.root)
	}
	if r.lists == nil {
		r.lists = map[string][]*Record{}
	}
	r.lists[name] = list
	return list
}

// Part is a record that belongs to this one and came by itself, as a leg of a call
// that is listed beside it; without JSON it is an empty one. Rows that are added
// from it are made, or put aside, together with those of this record.
func (r *Record) Part(name string, raw json.RawMessage) *Record {
	return parse(r.rows, raw, r.path+name+".", r.root)
}

// Texts are the values of an array of texts or numbers; one value alone counts as
// an array of it.
func (r *Record) Texts(name string) []string {
	raw := r.Raw(name)
	if raw == nil {
		return nil
	}
	if text, ok := scalar(raw); ok {
		return []string{strings.TrimSpace(text)}
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		if string(bytes.TrimSpace(raw)) != "{}" {
			r.root.wrong(r.path+name, raw, "is not a list")
		}
		return nil
	}
	var list []string
	for _, item := range items {
		text, ok := scalar(item)
		if !ok {
			r.root.wrong(r.path+name, item, "is not one value")
			continue
		}
		if text = strings.TrimSpace(text); text != "" {
			list = append(list, text)
		}
	}
	return list
}

// Rest is what nobody read of the record, as JSON, "" if nothing is left. Empty
// values are left out.
func (r *Record) rest() string {
	left := r.left()
	if len(left) == 0 {
		return ""
	}
	text, err := json.Marshal(left)
	if err != nil {
		return ""
	}
	return string(text)
}

func (r *Record) left() map[string]json.RawMessage {
	left := map[string]json.RawMessage{}
	for name, raw := range r.fields {
		if inner, ok := r.inside[name]; ok && !r.kept[name] {
			if text := inner.rest(); text != "" {
				left[name] = json.RawMessage(text)
			}
			continue
		}
		if (r.kept[name] || !r.read[name]) && !empty(raw) && !isEmptyCollection(raw) {
			left[name] = raw
		}
	}
	return left
}

func isEmptyCollection(raw json.RawMessage) bool {
	text := string(bytes.TrimSpace(raw))
	return text == "[]" || text == "{}"
}

// parseTime reads ISO 8601 in its usual forms, and the layouts.
func parseTime(text string, zone *time.Location, layouts []string) (time.Time, bool) {
	for _, layout := range slices.Concat(layouts, isoLayouts) {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

var isoLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05.999999999", time.DateOnly,
}
