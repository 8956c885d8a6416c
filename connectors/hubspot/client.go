package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"winback/connectors/restapi"
)

// Limits of the API.
const (
	listSize     = 100 // records of a page
	historySize  = 50  // records with histories, in a page or a batch
	searchSize   = 200
	batchSize    = 100
	searchesASec = 5
)

// budgets are 95 % of what is allowed. That of everything but searches is the
// smallest plan's until an answer tells the account's own.
var (
	budget       = restapi.Budget{Requests: 95, Per: 10 * time.Second, Burst: 4}
	searchBudget = restapi.Budget{Requests: 0.95 * searchesASec}
)

// get asks, and keeps to the limits that the answer tells.
func get[T any](ctx context.Context, s *source, r restapi.Request) (T, restapi.Answer, error) {
	value, answer, err := restapi.Get[T](ctx, s.client, r)
	if err == nil {
		s.client.Pace(allowed(answer.Header))
	}
	return value, answer, err
}

// allowed is 95 % of the limit that the headers tell, none without them.
func allowed(h http.Header) restapi.Budget {
	most, err := strconv.ParseFloat(h.Get("X-HubSpot-RateLimit-Max"), 64)
	per, err2 := strconv.ParseFloat(h.Get("X-HubSpot-RateLimit-Interval-Milliseconds"), 64)
	if err != nil || err2 != nil || most <= 0 || per <= 0 {
		return restapi.Budget{}
	}
	return restapi.Budget{Requests: 0.95 * most, Per: time.Duration(per) * time.Millisecond}
}

// page is an answer with records.
type page struct {
	Results []json.RawMessage `json:"results"`
	Total   int64             `json:"total"`
	Paging  *struct {
		Next *struct {
			After string `json:"after"`
		} `json:"next"`
	} `json:"paging"`
	Errors []struct {
		Message  string `json:"message"`
		Category string `json:"category"`
	} `json:"errors"`
}

func (p page) after() string {
	if p.Paging == nil || p.Paging.Next == nil {
		return ""
	}
	return p.Paging.Next.After
}

// list reads one page of a plain list.
func (s *source) list(ctx context.Context, o *object, after string, archived bool) (page, error) {
	query := url.Values{"limit": {strconv.Itoa(listSize)}, "properties": {strings.Join(o.properties, ",")}}
	if archived {
		query.Set("archived", "true")
	} else {
		if len(o.history) > 0 {
			query.Set("propertiesWithHistory", strings.Join(o.history, ","))
			query.Set("limit", strconv.Itoa(historySize))
		}
		if len(o.links) > 0 {
			query.Set("associations", strings.Join(o.links, ","))
		}
	}
	if after != "" {
		query.Set("after", after)
	}
	p, _, err := get[page](ctx, s, restapi.Request{What: "the list of " + o.name, Path: "crm/v3/objects/" + o.name, Query: query})
	return p, err
}

// batch reads records by id, with what searches do not tell. Ids that are not
// there any more are left out.
func (s *source) batch(ctx context.Context, o *object, ids []string) ([]json.RawMessage, error) {
	inputs := make([]map[string]string, len(ids))
	for i, id := range ids {
		inputs[i] = map[string]string{"id": id}
	}
	body := map[string]any{"inputs": inputs, "properties": o.properties}
	if len(o.history) > 0 {
		body["propertiesWithHistory"] = o.history
	}
	p, _, err := get[page](ctx, s, restapi.Request{What: "a batch of " + o.name, Path: "crm/v3/objects/" + o.name + "/batch/read", JSON: body})
	if err != nil {
		return nil, err
	}
	for _, e := range p.Errors {
		if e.Category != "" && e.Category != "OBJECT_NOT_FOUND" {
			return nil, fmt.Errorf("read a batch of %s: %s", o.name, e.Message)
		}
	}
	return p.Results, nil
}

// linked are the ids that records are linked to, by record, in the order of the
// source.
func (s *source) linked(ctx context.Context, o *object, to string, ids []string) (map[string][]string, error) {
	type answer struct {
		Results []struct {
			From struct {
				ID string `json:"id"`
			} `json:"from"`
			To []struct {
				ID json.Number `json:"toObjectId"`
			} `json:"to"`
			Paging *struct {
				Next struct {
					After string `json:"after"`
				} `json:"next"`
			} `json:"paging"`
		} `json:"results"`
	}
	type input struct {
		ID    string `json:"id"`
		After string `json:"after,omitempty"`
	}
	links := map[string][]string{}
	var inputs []input
	for _, id := range ids {
		inputs = append(inputs, input{ID: id})
	}
	for len(inputs) > 0 {
		now := inputs[:min(len(inputs), batchSize)]
		inputs = inputs[len(now):]
		got, _, err := get[answer](ctx, s, restapi.Request{
			What: "links of " + o.name, Path: "crm/v4/associations/" + o.name + "/" + to + "/batch/read", JSON: map[string]any{"inputs": now},
		})
		if err != nil {
			return nil, err
		}
		for _, r := range got.Results {
			for _, t := range r.To {
				if id := t.ID.String(); !slices.Contains(links[r.From.ID], id) {
					links[r.From.ID] = append(links[r.From.ID], id)
				}
			}
			if r.Paging != nil && r.Paging.Next.After != "" {
				inputs = append(inputs, input{r.From.ID, r.Paging.Next.After})
			}
		}
	}
	return links, nil
}
