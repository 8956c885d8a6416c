package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/restapi"
)

// fault is one of the errors of an answer.
type fault struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

// Codes of faults.
const (
	throttled  = "THROTTLED"
	tooDear    = "MAX_COST_EXCEEDED"
	denied     = "ACCESS_DENIED"
	inactive   = "SHOP_INACTIVE"
	outOfOrder = "INTERNAL_SERVER_ERROR"
)

// answer is what comes back for a query.
type answer struct {
	Data       json.RawMessage `json:"data"`
	Errors     json.RawMessage `json:"errors"`
	Extensions struct {
		Cost   *cost `json:"cost"`
		Search []struct {
			Warnings []struct {
				Field, Message string
			} `json:"warnings"`
		} `json:"search"`
	} `json:"extensions"`
}

// errTooDear says that a query asks for more at once than any may.
var errTooDear = errors.New("the query costs more than a query may")

// deniedError says that an answer lacks something that the token may not see.
type deniedError struct{ text string }

func (d *deniedError) Error() string { return d.text }

// query asks, and decodes the data of the answer. name stands for the query in
// messages and for its cost. hidden are fields that the token may not see.
func (s *source) query(ctx context.Context, name, document string, variables map[string]any, into any) (hidden []string, err error) {
	if err := s.bucket.wait(ctx, name); err != nil {
		return nil, err
	}
	body := map[string]any{"query": document}
	if len(variables) > 0 {
		body["variables"] = variables
	}
	err = s.client.Do(ctx, restapi.Request{What: name, Path: "graphql.json", JSON: body}, func(a restapi.Answer) error {
		if kind := a.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
			return &restapi.Later{Reason: "the answer is a web page, not data"}
		}
		var got answer
		if err := json.NewDecoder(a.Body).Decode(&got); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		s.noteVersion(a)
		after := s.bucket.learn(name, got.Extensions.Cost)
		if hidden, err = got.judge(after); err != nil {
			return err
		}
		return json.Unmarshal(got.Data, into)
	})
	return hidden, err
}

// judge reads the errors of an answer. Some lack fields and are good otherwise.
func (a *answer) judge(after time.Duration) (hidden []string, err error) {
	for _, search := range a.Extensions.Search {
		for _, w := range search.Warnings {
			return nil, fmt.Errorf("the shop does not understand a filter: %s %s", w.Field, w.Message)
		}
	}
	var faults []fault
	if json.Unmarshal(a.Errors, &faults) != nil && len(a.Errors) > 0 && string(a.Errors) != "null" {
		return nil, fmt.Errorf("the shop says: %s", a.Errors)
	}
	for _, f := range faults {
		switch f.Extensions.Code {
		case throttled:
			return nil, &restapi.Later{After: after, Reason: "the shop's points are used up"}
		case outOfOrder:
			return nil, &restapi.Later{Reason: f.Message}
		case tooDear:
			return nil, errTooDear
		case inactive:
			return nil, fmt.Errorf("%w: the shop is closed or frozen: %s", connectors.ErrRefused, f.Message)
		case denied:
			hidden = append(hidden, f.field())
		default:
			return nil, fmt.Errorf("%s %s; does the version of the API still exist? Set version", f.Extensions.Code, f.Message)
		}
	}
	slices.Sort(hidden)
	hidden = slices.Compact(hidden)
	if len(hidden) > 0 && (len(a.Data) == 0 || string(a.Data) == "null" || slices.Contains(hidden, "")) {
		return nil, &deniedError{faults[0].Message + "; " + scopeAdvice}
	}
	return hidden, nil
}

const scopeAdvice = "give the app the scopes read_orders, read_all_orders, read_customers and read_products, and access to protected customer data: Settings → Apps and sales channels → Develop apps → Configuration"

// field is the field that a fault is about, "" for the whole of a list.
func (f *fault) field() string {
	var names []string
	for _, part := range f.Path {
		if name, ok := part.(string); ok && name != "nodes" && name != "edges" && name != "node" {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		return ""
	}
	return strings.Join(names[1:], ".")
}

// noteVersion remembers which version answers, as a retired one falls forward, and
// the shop's clock.
func (s *source) noteVersion(a restapi.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = a.At.Sub(s.client.Clock().Now())
	if version := a.Header.Get("X-Shopify-API-Version"); version != "" {
		s.answers = version
	}
}

// now is the shop's clock.
func (s *source) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client.Clock().Now().Add(s.ahead)
}

// judge reads what the API says with a refusal.
func judge(r *restapi.Refusal) {
	var said struct {
		Errors json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(r.Body, &said) == nil && len(said.Errors) > 0 {
		r.Text = strings.Trim(string(said.Errors), `"`)
	}
	switch r.Status {
	case http.StatusUnauthorized:
		r.Refused = true
		r.Advice = "give the token of an app that is installed in this shop as access_token; " + scopeAdvice
	case http.StatusPaymentRequired:
		r.Refused, r.Advice = true, "the shop is frozen: its owner has to pay the bill"
	case http.StatusForbidden:
		r.Advice = scopeAdvice
	case http.StatusNotFound:
		r.Advice = "check shop, and that version is one of the API's"
	case http.StatusLocked:
		r.Refused, r.Advice = true, "the shop is locked: its owner has to talk to Shopify"
	case 430:
		r.Verdict, r.Throttled, r.After = restapi.Retry, true, max(r.After, 30*time.Second)
	}
}

// judgeGrant reads what is said to a client's own credentials.
func judgeGrant(r *restapi.Refusal) {
	if r.Status/100 == 4 && r.Status != http.StatusTooManyRequests {
		r.Verdict = restapi.Fatal
		r.Advice = "check client_id and client_secret: the app must be of the same organisation as the shop and be installed in it"
	}
}
