package amocrm

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"winback/connectors"
	"winback/connectors/restapi"
)

// judge reads refusals. It remembers throttling: the vendor answers a client that
// goes on after 429 with 403, which is a block and not a missing permission.
type judge struct {
	clock connectors.Clock

	mu        sync.Mutex
	throttled time.Time // when an answer 429 came last
}

func newJudge(clock connectors.Clock) *judge { return &judge{clock: clock} }

// blockPause is how long a blocked address stays away, and how long after a 429 a
// 403 is taken for a block.
const blockPause = 10 * time.Minute

// problem is the body of an error.
type problem struct {
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	Hint       string `json:"hint"`
	Validation []struct {
		Errors []struct {
			Path   string `json:"path"`
			Detail string `json:"detail"`
		} `json:"errors"`
	} `json:"validation-errors"`
}

func (j *judge) judge(r *restapi.Refusal) {
	var p problem
	if json.Unmarshal(r.Body, &p) == nil && p.Title != "" {
		r.Text = p.text()
	}
	switch r.Status {
	case 429:
		j.note()
	case 401:
		r.Advice = "make a new long-lived token under Settings → Integrations → your integration → Keys and scopes, or grant the integration access again"
		if p.Hint == "Token has been revoked" {
			r.Text += " (a refresh token is good for one use: does another program use the same integration?)"
		}
	case 402:
		r.Refused = true
		r.Advice = "the account is not paid: its API answers again when it is"
	case 403:
		j.forbidden(r, p)
	case 504:
		r.Verdict = restapi.Fatal // smaller pages help, waiting does not
	}
}

func (p problem) text() string {
	text := p.Title
	if p.Detail != "" {
		text = p.Detail
	}
	var wrong []string
	for _, v := range p.Validation {
		for _, e := range v.Errors {
			wrong = append(wrong, strings.TrimSpace(e.Path+" "+e.Detail))
		}
	}
	if len(wrong) > 0 {
		text = fmt.Sprintf("%s (%s)", text, strings.Join(wrong, "; "))
	}
	return text
}

func (j *judge) note() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.throttled = j.clock.Now()
}

// forbidden tells a block from a missing right.
func (j *judge) forbidden(r *restapi.Refusal, p problem) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.Title == "" && !j.throttled.IsZero() && j.clock.Now().Sub(j.throttled) < blockPause {
		r.Verdict, r.Throttled, r.After = restapi.Retry, true, blockPause
		r.Text = "the address is blocked for asking too fast"
		r.Advice = "lower requests_per_second: something else asks with the same integration"
		return
	}
	r.Advice = "the user who installed the integration lacks a right for this; an administrator can install it, or widen the user's rights under Settings → Users"
}
