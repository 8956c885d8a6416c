package twilio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"winback/connectors/restapi"
)

// pageSize is the largest that Twilio gives.
const pageSize = "1000"

// stalePage is Twilio's error for the address of a page that is no more, as when
// its last record was deleted meanwhile.
const stalePage = "21481"

// restarts is how often a list is begun anew because of one.
const restarts = 3

// list reads a list of an account from page to page. begin is called before the
// first page, again when the list has to be begun anew.
func (s *source) list(ctx context.Context, account, name string, query url.Values, begin func(), each func(raw json.RawMessage) error) error {
	for try := 0; ; try++ {
		begin()
		err := s.pages(ctx, account, name, query, each)
		if restapi.CodeOf(err) != stalePage || try == restarts {
			return err
		}
	}
}

func (s *source) pages(ctx context.Context, account, name string, query url.Values, each func(raw json.RawMessage) error) error {
	query.Set("PageSize", pageSize)
	request := restapi.Request{What: name, Path: "Accounts/" + account + "/" + name + ".json", Query: query}
	for {
		page, _, err := restapi.Get[map[string]json.RawMessage](ctx, s.client, request)
		if err != nil {
			return err
		}
		var records []json.RawMessage
		if err := json.Unmarshal(page[strings.ToLower(name)], &records); err != nil {
			return fmt.Errorf("ask for %s: the answer has no list of them: %w", name, err)
		}
		for _, raw := range records {
			if err := each(raw); err != nil {
				return err
			}
		}
		var next *string
		if err := json.Unmarshal(page["next_page_uri"], &next); err != nil || next == nil {
			return nil
		}
		request.Path, request.Query = strings.TrimPrefix(*next, "/2010-04-01/"), nil
	}
}

// onDay asks for what has its time on a day, UTC: before the next midnight, as the
// day itself as an upper bound would give nothing.
func onDay(field string, day time.Time) url.Values {
	return url.Values{
		field + ">": {day.Format(time.DateOnly)},
		field + "<": {day.AddDate(0, 0, 1).Format(time.DateOnly)},
	}
}

// searched is how far back the first call is looked for.
const searched = 10 * 366

// oldest finds the day of the first call. There is no order to ask for, but
// whether there are calls before a day.
func (s *source) oldest(ctx context.Context) (time.Time, bool, error) {
	today := s.env.Clock.Now().UTC().Truncate(24 * time.Hour)
	before := func(days int) (bool, error) {
		for _, account := range s.config.accounts() {
			query := url.Values{"StartTime<": {today.AddDate(0, 0, 1-days).Format(time.DateOnly)}, "PageSize": {"1"}}
			page, _, err := restapi.Get[struct{ Calls []json.RawMessage }](ctx, s.client, restapi.Request{
				What: "Calls", Path: "Accounts/" + account + "/Calls.json", Query: query,
			})
			if err != nil || len(page.Calls) > 0 {
				return err == nil, err
			}
		}
		return false, nil
	}
	if any, err := before(0); !any || err != nil {
		return today, false, err
	}
	low, high := 0, searched // there are calls before today + 1 - low, and none before today + 1 - high
	for high-low > 1 {
		middle := (low + high) / 2
		found, err := before(middle)
		if err != nil {
			return today, false, err
		}
		if found {
			low = middle
		} else {
			high = middle
		}
	}
	return today.AddDate(0, 0, -low), true, nil
}
