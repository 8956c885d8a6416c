package amocrm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"winback/connectors/restapi"
)

// list is a collection of the account.
type list struct {
	path     string // leads/notes
	embedded string // name under _embedded
	query    url.Values
	// sorted says that the collection can be ordered by time of change.
	sorted bool
}

// page is an answer with records.
type page struct {
	Links struct {
		Next *struct {
			Href string `json:"href"`
		} `json:"next"`
	} `json:"_links"`
	Total    int64                      `json:"_total_items"`
	Embedded map[string]json.RawMessage `json:"_embedded"`
}

const (
	pageSize = 250 // the most
	leastAsk = 15  // records to ask for of a server that is overloaded
)

// get asks for one page. An answer without a body is an empty one.
func (s *source) get(ctx context.Context, l *list, query url.Values) (records []json.RawMessage, p page, err error) {
	all := url.Values{}
	for _, q := range []url.Values{l.query, query} {
		for name, values := range q {
			all[name] = values
		}
	}
	p, _, err = restapi.Get[page](ctx, s.client, restapi.Request{What: l.path, Path: l.path, Query: all})
	if err != nil {
		return nil, p, err
	}
	if raw := p.Embedded[l.embedded]; raw != nil {
		if err := json.Unmarshal(raw, &records); err != nil {
			return nil, p, fmt.Errorf("read the answer to %s: %w", l.path, err)
		}
	}
	return records, p, nil
}

// patient is get for what cannot be asked for in smaller pages: it asks again when
// the server gives up.
func (s *source) patient(ctx context.Context, l *list, query url.Values) (records []json.RawMessage, p page, err error) {
	for try := 1; ; try++ {
		records, p, err = s.get(ctx, l, query)
		if restapi.StatusOf(err) != 504 || try == 6 {
			return records, p, err
		}
		if err := s.client.Clock().Sleep(ctx, time.Second<<try); err != nil {
			return nil, p, err
		}
	}
}

// first asks for the first page of what changed in a time, both ends included, in
// smaller pages if the server cannot manage large ones.
func (s *source) first(ctx context.Context, l *list, from, until int64) (records []json.RawMessage, full, more bool, err error) {
	for {
		limit := s.limit()
		query := url.Values{"limit": {strconv.Itoa(limit)}, "page": {"1"}, l.order(): {"asc"}}
		within(query, "updated_at", from, until)
		records, p, err := s.get(ctx, l, query)
		if restapi.StatusOf(err) == 504 && limit > leastAsk {
			s.overloaded(limit)
			continue
		}
		return records, len(records) >= limit, p.Links.Next != nil && len(records) > 0, err
	}
}

func (l *list) order() string {
	if l.sorted {
		return "order[updated_at]"
	}
	return "order[id]"
}

func within(query url.Values, field string, from, until int64) {
	query.Set("filter["+field+"][from]", strconv.FormatInt(from, 10))
	query.Set("filter["+field+"][to]", strconv.FormatInt(until, 10))
}

// size is how many records to ask for at once; it shrinks when the server says
// that it cannot manage so many in time.
type size struct {
	mu sync.Mutex
	n  int
}

func (s *source) limit() int {
	s.size.mu.Lock()
	defer s.size.mu.Unlock()
	if s.size.n == 0 {
		s.size.n = pageSize
	}
	return s.size.n
}

func (s *source) overloaded(limit int) {
	s.size.mu.Lock()
	defer s.size.mu.Unlock()
	s.size.n = min(s.size.n, max(limit/2, leastAsk))
}

// stamp is what every record has.
type stamp struct {
	ID        json.Number `json:"id"`
	UpdatedAt int64       `json:"updated_at"`
	CreatedAt int64       `json:"created_at"`
}

// stampOf reads it; a record that is something else is left for the mapping to
// refuse.
func stampOf(raw json.RawMessage) (st stamp) {
	_ = json.Unmarshal(raw, &st)
	return st
}

func stampsOf(records []json.RawMessage) []stamp {
	stamps := make([]stamp, len(records))
	for i, raw := range records {
		stamps[i] = stampOf(raw)
	}
	return stamps
}

// take is given pages as they come.
type take func(records []json.RawMessage) error

// changed reads what changed in a time, both ends included, and hands each record
// over once. It asks for the first page after the last time seen again and again:
// records that change meanwhile move behind what was read, and push nothing over
// the edge of a page.
func (s *source) changed(ctx context.Context, l *list, from, until int64, give take) error {
	if !l.sorted {
		return s.halved(ctx, l, from, until, give)
	}
	seen := map[json.Number]bool{} // of the second that from is
	for from <= until {
		records, full, more, err := s.first(ctx, l, from, until)
		if err != nil {
			return err
		}
		stamps := stampsOf(records)
		if !ascending(stamps, from) {
			return s.halved(ctx, l, from, until, func(records []json.RawMessage) error { return give(sift(records, stampsOf(records), seen)) })
		}
		fresh := sift(records, stamps, seen)
		if err := give(fresh); err != nil {
			return err
		}
		if !more || !full && len(fresh) == 0 {
			return nil
		}
		last := stamps[len(stamps)-1].UpdatedAt
		if last == from { // more records of one second than a page holds
			if err := s.second(ctx, l, from, seen, give); err != nil {
				return err
			}
			last++
		}
		from = last
		clear(seen)
		for _, st := range stamps {
			if st.UpdatedAt == last {
				seen[st.ID] = true
			}
		}
	}
	return nil
}

// ascending says whether a page is in the order that was asked for.
func ascending(stamps []stamp, from int64) bool {
	for _, st := range stamps {
		if st.UpdatedAt < from {
			return false
		}
		from = st.UpdatedAt
	}
	return true
}

// sift leaves out what was seen.
func sift(records []json.RawMessage, stamps []stamp, seen map[json.Number]bool) (fresh []json.RawMessage) {
	for i, st := range stamps {
		if !seen[st.ID] {
			seen[st.ID] = true
			fresh = append(fresh, records[i])
		}
	}
	return fresh
}

// second reads the records of one second page by page, until nothing new comes:
// one that leaves the second meanwhile shifts the pages.
func (s *source) second(ctx context.Context, l *list, at int64, seen map[json.Number]bool, give take) error {
	for {
		found := 0
		query := url.Values{}
		within(query, "updated_at", at, at)
		err := s.paged(ctx, l, query, func(records []json.RawMessage) error {
			fresh := sift(records, stampsOf(records), seen)
			found += len(fresh)
			return give(fresh)
		})
		if err != nil || found == 0 {
			return err
		}
	}
}

// halved reads a collection that cannot be ordered by time of change: in times so
// short that each fits a page.
func (s *source) halved(ctx context.Context, l *list, from, until int64, give take) error {
	records, full, _, err := s.first(ctx, l, from, until)
	switch {
	case err != nil:
		return err
	case !full:
		return give(records)
	case from == until:
		return s.second(ctx, l, from, map[json.Number]bool{}, give)
	}
	middle := from + (until-from)/2
	if err := s.halved(ctx, l, from, middle, give); err != nil {
		return err
	}
	return s.halved(ctx, l, middle+1, until, give)
}

// paged reads all pages of a list in the order of ids. When pages must be smaller,
// it begins again.
func (s *source) paged(ctx context.Context, l *list, query url.Values, give take) error {
	limit := s.limit()
	for number := 1; ; number++ {
		query.Set("page", strconv.Itoa(number))
		query.Set("limit", strconv.Itoa(limit))
		query.Set("order[id]", "asc")
		records, p, err := s.get(ctx, l, query)
		if restapi.StatusOf(err) == 504 && limit > leastAsk {
			s.overloaded(limit)
			return s.paged(ctx, l, query, give)
		}
		if err != nil || len(records) == 0 {
			return err
		}
		if err := give(records); err != nil || p.Links.Next == nil {
			return err
		}
	}
}

// byID reads records with given ids.
func (s *source) byID(ctx context.Context, l *list, ids []string, give take) error {
	for len(ids) > 0 {
		n := min(len(ids), pageSize)
		query := url.Values{"filter[id][]": ids[:n], "limit": {strconv.Itoa(pageSize)}, "page": {"1"}}
		records, _, err := s.patient(ctx, l, query)
		if err != nil {
			return err
		}
		if err := give(records); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}
