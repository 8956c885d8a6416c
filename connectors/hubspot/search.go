package hubspot

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"winback/connectors/restapi"
)

// filter is one condition of a search.
type filter struct {
	Property  string `json:"propertyName"`
	Operator  string `json:"operator"`
	Value     string `json:"value"`
	HighValue string `json:"highValue,omitempty"`
}

// question is a search of which the first page alone is wanted.
type question struct {
	filters []filter
	by      string // property to sort by
}

// ask sends one search.
func (s *source) ask(ctx context.Context, o *object, q question) (page, error) {
	body := map[string]any{
		"filterGroups": []map[string]any{{"filters": q.filters}},
		"sorts":        []map[string]string{{"propertyName": q.by, "direction": "ASCENDING"}},
		"properties":   o.properties, "limit": searchSize,
	}
	p, _, err := restapi.Get[page](ctx, s.search, restapi.Request{What: "a search of " + o.name, Path: "crm/v3/objects/" + o.name + "/search", JSON: body})
	return p, err
}

// found is what a search tells of a record.
type found struct {
	id string
	at int64 // milliseconds, 0 if it cannot be read
}

func foundOf(o *object, raw json.RawMessage) found {
	var r struct {
		ID         string            `json:"id"`
		Properties map[string]string `json:"properties"`
	}
	_ = json.Unmarshal(raw, &r) // null is ""; the mapping refuses what is something else
	at, err := time.Parse(time.RFC3339, r.Properties[o.modified])
	if err != nil {
		return found{id: r.ID}
	}
	return found{r.ID, at.UnixMilli()}
}

// changed reads what changed in a time, both ends included, in milliseconds, and
// hands each record over once. Every question begins at the time of the last record
// of the one before: so no search comes near the 10,000 results at which it ends,
// and a record that changes meanwhile pushes no other over the edge of a page.
// count is told how many records there are.
func (s *source) changed(ctx context.Context, o *object, from, until int64, count func(int64), give func([]json.RawMessage) error) error {
	seen := map[string]bool{} // at the millisecond that from is
	for first := true; from <= until; first = false {
		p, err := s.ask(ctx, o, question{[]filter{between(o, from, until)}, o.modified})
		if err != nil {
			return err
		}
		if first {
			count(p.Total)
		}
		fresh, last := sift(o, p.Results, seen)
		if err := give(fresh); err != nil {
			return err
		}
		if len(p.Results) < searchSize && p.after() == "" {
			return nil
		}
		if last <= from { // a page of one moment, as after a change of all records
			if err := s.moment(ctx, o, from, seen, give); err != nil {
				return err
			}
			last = from + 1
		}
		from = last
		clear(seen)
		for _, raw := range p.Results {
			if f := foundOf(o, raw); f.at == last {
				seen[f.id] = true
			}
		}
	}
	return nil
}

func between(o *object, from, until int64) filter {
	return filter{o.modified, "BETWEEN", strconv.FormatInt(from, 10), strconv.FormatInt(until, 10)}
}

// sift leaves out what was seen, and finds the time of the last record.
func sift(o *object, records []json.RawMessage, seen map[string]bool) (fresh []json.RawMessage, last int64) {
	for _, raw := range records {
		f := foundOf(o, raw)
		last = max(last, f.at)
		if !seen[f.id] {
			seen[f.id] = true
			fresh = append(fresh, raw)
		}
	}
	return fresh, last
}

// moment reads the records of one millisecond in the order of their ids.
func (s *source) moment(ctx context.Context, o *object, at int64, seen map[string]bool, give func([]json.RawMessage) error) error {
	after := "0"
	for {
		p, err := s.ask(ctx, o, question{[]filter{
			{Property: o.modified, Operator: "EQ", Value: strconv.FormatInt(at, 10)},
			{Property: "hs_object_id", Operator: "GT", Value: after},
		}, "hs_object_id"})
		if err != nil || len(p.Results) == 0 {
			return err
		}
		after = foundOf(o, p.Results[len(p.Results)-1]).id
		fresh, _ := sift(o, p.Results, seen)
		if err := give(fresh); err != nil {
			return err
		}
	}
}
