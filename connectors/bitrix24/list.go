package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// pageRows is the size of a page, which cannot be chosen.
const pageRows = 50

// list is a method that gives records page by page.
type list struct {
	name   string // in messages: deals
	method string
	params params // besides filter, order and start
	items  string // the key of the result that holds the records; "" where the result is the list
	id     string // the field that pages go by
	// shout says that the names of parameters are in capitals, and that counting
	// cannot be switched off.
	shout bool
}

// items reads records of a type of the CRM. Fields of the account's own come under
// their original names.
func items(name string, entityTypeID int, also ...string) list {
	return list{
		name: name, method: "crm.item.list", items: "items", id: "id",
		params: params{"entityTypeId": entityTypeID, "useOriginalUfNames": "Y", "select": append([]string{"*"}, also...)},
	}
}

// selecting is the list with fewer fields.
func (l list) selecting(fields ...string) list {
	if l.shout {
		return l // has no such parameter
	}
	l.params = l.params.clone()
	l.params["select"] = fields
	return l
}

// page is the command for a page in the order of ids, behind an id. counted has the
// portal count what fits the filter, which takes it longer.
func (l list) page(filter params, after string, counted bool) command {
	filter = filter.clone()
	filter[">"+l.id] = after
	p := l.params.clone()
	if l.shout {
		p["FILTER"], p["SORT"], p["ORDER"] = filter, l.id, "ASC"
		return command{l.method, p}
	}
	p["filter"], p["order"] = filter, params{l.id: "ASC"}
	if p["start"] = -1; counted {
		p["start"] = 0
	}
	return command{l.method, p}
}

// behind refers to the last id of an earlier page of a batch.
func (l list) behind(page int) string {
	at := ""
	if l.items != "" {
		at = "[" + l.items + "]"
	}
	return fmt.Sprintf("$result[%s]%s[%d][%s]", key(page), at, pageRows-1, l.id)
}

// records takes the records out of a result.
func (l list) records(result json.RawMessage) (records []json.RawMessage, err error) {
	if l.items != "" {
		var inner object[json.RawMessage]
		if err := json.Unmarshal(result, &inner); err != nil {
			return nil, fmt.Errorf("read the answer of %s: %w", l.method, err)
		}
		result = inner[l.items]
	}
	if len(result) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(result, &records); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", l.method, err)
	}
	return records, nil
}

// ordered is records for a page behind an id, with the last id. Pages that repeat
// or go back are an error: records would be lost.
func (l list) ordered(result json.RawMessage, after string) (records []json.RawMessage, last string, err error) {
	if records, err = l.records(result); err != nil {
		return nil, "", err
	}
	before, _ := strconv.ParseInt(after, 10, 64)
	for _, raw := range records {
		text := string(known(raw).ID)
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= before {
			return nil, "", fmt.Errorf("%s does not go on: id %q comes behind %d on a page in the order of ids; nothing of this reading is kept, run again", l.name, text, before)
		}
		before = id
	}
	return records, strconv.FormatInt(before, 10), nil
}

// essence is what a reading must know of a record before it is a row.
type essence struct {
	ID       word `json:"id"` // or ID
	Category word `json:"categoryId"`
}

func known(raw json.RawMessage) essence {
	var e essence
	_ = json.Unmarshal(raw, &e) // what is no record has no id
	return e
}

// field is a field of a record as a text, "" if it has none.
func field(raw json.RawMessage, name string) string {
	var one map[string]json.RawMessage
	if json.Unmarshal(raw, &one) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(one[name], &text) == nil {
		return text
	}
	return string(one[name])
}

// head is the first page of a reading, and how many records there are in all.
type head struct {
	records []json.RawMessage
	last    string
	total   int64
}

// asked is a list with what is asked of it.
type asked struct {
	list
	filter params
	after  string // id behind which to begin
}

// heads asks for the first pages of several lists at once.
func (s *source) heads(ctx context.Context, lists []asked) ([]head, error) {
	commands := make([]command, len(lists))
	for i, l := range lists {
		commands[i] = l.page(l.filter, l.after, true)
	}
	replies, err := s.each(ctx, commands)
	if err != nil {
		return nil, err
	}
	heads := make([]head, len(lists))
	for i, r := range replies {
		if r.err != nil {
			return nil, r.err
		}
		h := head{total: r.total}
		if h.records, h.last, err = lists[i].ordered(r.result, lists[i].after); err != nil {
			return nil, err
		}
		heads[i] = h
	}
	return heads, nil
}

// on says whether a reading is to go on behind an id.
type on func(records []json.RawMessage, last string) (more bool, err error)

// rest reads what follows the first page of a list, as many pages at once as the
// portal has time for. A page that is not full is the last one: what a batch gives
// behind it has begun again at the first record, and is not looked at.
func (s *source) rest(ctx context.Context, l asked, h head, take on) error {
	after, left := h.last, int(h.total)-len(h.records)
	if len(h.records) < pageRows || left <= 0 {
		return nil
	}
	patience := s.patience()
	for left > 0 {
		replies, err := s.batch(ctx, l.chain(after, min(s.pages(), (left+pageRows-1)/pageRows)))
		if err != nil {
			return err
		}
		got, last, ends, err := l.joined(replies, after)
		if err != nil {
			return err
		}
		if after, left = last, left-len(got); len(got) > 0 {
			patience.went()
			if more, err := take(got, last); err != nil || !more {
				return err
			}
		}
		switch {
		case ends == nil:
			return nil
		case ends.again:
			if err := patience.wait(ctx, *ends); err != nil {
				return err
			}
		}
	}
	return nil
}

// joined are the records of the pages of a chain. ends is the reply behind the last
// good page, where the portal had no time for more; the last reply, where all pages
// were full; and nil, where the list is at its end.
func (l asked) joined(replies []reply, after string) (got []json.RawMessage, last string, ends *reply, err error) {
	last = after
	for i := range replies {
		r := &replies[i]
		if r.again {
			return got, last, r, nil
		}
		if r.err != nil {
			return nil, last, nil, r.err
		}
		records, next, err := l.ordered(r.result, last)
		if err != nil {
			return nil, last, nil, err
		}
		got, last = append(got, records...), next
		if len(records) < pageRows {
			return got, last, nil, nil
		}
	}
	return got, last, &replies[len(replies)-1], nil
}

// chain are the commands for pages behind an id, each behind the one before.
func (l asked) chain(after string, pages int) []command {
	commands := make([]command, pages)
	for i := range commands {
		if i > 0 {
			after = l.behind(i - 1)
		}
		commands[i] = l.page(l.filter, after, false)
	}
	return commands
}

// several reads lists that are short, each a few pages, beside each other: first
// their first pages, then what is left of those that have more, by number. It is
// for lists in which records keep their places while they are read. total is how
// many the portal counted.
func (s *source) several(ctx context.Context, lists []asked, take func(records []json.RawMessage) error) (total int64, err error) {
	heads, err := s.heads(ctx, lists)
	if err != nil {
		return 0, err
	}
	var pages []command
	var of []list
	for i, h := range heads {
		total += h.total
		if err := take(h.records); err != nil {
			return 0, err
		}
		for start := pageRows; start < int(h.total); start += pageRows {
			next := lists[i].page(lists[i].filter, lists[i].after, true)
			next.params["start"] = start
			pages, of = append(pages, next), append(of, lists[i].list)
		}
	}
	replies, err := s.each(ctx, pages)
	if err != nil {
		return 0, err
	}
	for i, r := range replies {
		if r.err != nil {
			return 0, r.err
		}
		records, err := of[i].records(r.result)
		if err == nil {
			err = take(records)
		}
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}

// all reads a list from its first page to its last.
func (s *source) all(ctx context.Context, l asked, take on) error {
	heads, err := s.heads(ctx, []asked{l})
	if err != nil {
		return err
	}
	if more, err := take(heads[0].records, heads[0].last); err != nil || !more {
		return err
	}
	return s.rest(ctx, l, heads[0], take)
}

// A batch must be answered within a minute; it should not come near that.
const (
	firstPages  = 10
	quickBatch  = 10.0 // seconds
	slowBatch   = 30.0
	slowestPage = 2
)

// pages is how many pages to ask for at once.
func (s *source) pages() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(s.chain, s.config.BatchPages)
}

// lasted learns from how long the portal took for a batch.
func (s *source) lasted(commands int, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case seconds > slowBatch:
		s.chain = max(s.chain/2, slowestPage)
	case seconds < quickBatch && commands >= s.chain:
		s.chain = min(2*s.chain, maxBatch)
	}
}
