package hubspot

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// custom finds a configured property; values of a list come as people see them.
func (x *extraction) custom(r *record.Record, name string) json.RawMessage {
	raw := r.Object("properties").Raw(name)
	called := x.labels[x.current.name][name]
	if raw == nil || len(called) == 0 {
		return raw
	}
	names := x.called(x.current, name, text(raw))
	written, err := json.Marshal(names)
	if err != nil || len(names) == 0 {
		return nil
	}
	return written
}

// called are the names of a property's values, which stand with a semicolon
// between them.
func (x *extraction) called(o *object, property, values string) (names []string) {
	for value := range strings.SplitSeq(values, ";") {
		if value = strings.TrimSpace(value); value == "" {
			continue
		}
		if label := x.labels[o.name][property][value]; label != "" {
			value = label
		}
		names = append(names, value)
	}
	return names
}

// meta is what every row has.
func meta(r *record.Record, o *object) entity.Meta {
	return entity.Meta{SourceUpdatedAt: r.Object("properties").Time(o.modified), Deleted: r.Bool("archived").V}
}

// linkedTo are the ids of one type that a record is linked to.
func linkedTo(r *record.Record, to string) (ids []string) {
	for _, l := range r.Object("associations").Object(to).List("results") {
		if id := l.ID("id"); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// customerOf is the company that a record is linked to, else the contact.
func customerOf(r *record.Record) (customer, contact string) {
	if ids := linkedTo(r, contacts.name); len(ids) > 0 {
		contact = contacts.key(ids[0])
	}
	if ids := linkedTo(r, companies.name); len(ids) > 0 {
		return companies.key(ids[0]), contact
	}
	return contact, contact
}

// merged are the ids of the records that were merged into this one.
func merged(r *record.Record) (ids []string) {
	own := r.ID("id")
	for id := range strings.SplitSeq(r.Object("properties").Text("hs_merged_object_ids"), ";") {
		if id = strings.TrimSpace(id); id != "" && id != own {
			ids = append(ids, id)
		}
	}
	return ids
}

// version is one value of a property's history.
type version struct {
	Value     string    `json:"value"`
	Timestamp time.Time `json:"timestamp"`
}

// versions are the values that a property had, oldest first; the same one again is
// left out.
func versions(r *record.Record, property string) (list []version) {
	var histories map[string][]version
	raw := r.Peek("propertiesWithHistory")
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, &histories); err != nil {
		r.Wrong("propertiesWithHistory", "is not a history")
		return nil
	}
	for _, v := range slices.Backward(histories[property]) { // they come newest first
		if n := len(list); n > 0 && list[n-1].Value == v.Value {
			continue
		}
		list = append(list, v)
	}
	return list
}

// lateBy is how long after its creation a record may have its first value.
const lateBy = time.Minute

// incomplete counts histories that begin after the record.
func (x *extraction) incomplete(list []version, created entity.Opt[entity.Time]) {
	if len(list) > 0 && created.OK && list[0].Timestamp.Sub(created.V.Go()) > lateBy {
		x.cut++
	}
}

func instant(at time.Time) entity.Opt[entity.Time] {
	if at.IsZero() {
		return entity.Opt[entity.Time]{}
	}
	return entity.Some(entity.TimeOf(at))
}
