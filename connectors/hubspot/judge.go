package hubspot

import (
	"encoding/json"
	"strings"
	"time"

	"winback/connectors/restapi"
)

// problem is the body of an error.
type problem struct {
	Message  string `json:"message"`
	Category string `json:"category"`
	Policy   string `json:"policyName"`
	Errors   []struct {
		Message string `json:"message"`
		Context struct {
			Scopes []string `json:"requiredGranularScopes"`
		} `json:"context"`
	} `json:"errors"`
}

// policies and how long to wait when one is over, where no header tells.
var policies = map[string]time.Duration{"SECONDLY": time.Second, "TEN_SECONDLY_ROLLING": 10 * time.Second}

// judge reads refusals.
func judge(r *restapi.Refusal) {
	var p problem
	if json.Unmarshal(r.Body, &p) == nil && p.Message != "" {
		r.Text, r.Code = p.Message, p.Category
	}
	switch r.Status {
	case 401:
		r.Advice = "copy the access token of the private app again: Settings → Integrations → Private apps → your app → Auth"
		if p.Category != "EXPIRED_AUTHENTICATION" && p.Category != "" {
			r.Verdict = restapi.Fatal
		}
	case 403:
		r.Advice = p.scopes()
	case 429:
		throttled(r, p)
	case 423:
		r.Verdict = restapi.Retry
	case 477:
		r.Verdict, r.Throttled = restapi.Retry, true
		r.Advice = "the account is being moved between data centres; the next run goes on where this one stopped"
	case 414:
		r.Advice = "map fewer properties under fields"
	}
}

// throttled tells the limits of a moment from that of a day, which no patience
// outlasts.
func throttled(r *restapi.Refusal, p problem) {
	if p.Policy == "DAILY" {
		r.Verdict, r.Throttled, r.Refused = restapi.Fatal, false, true
		r.Code = "DAILY"
		r.Advice = "the account's requests for today are used up; they come back at midnight of its time zone, and the next run goes on where this one stopped"
		return
	}
	if r.After == 0 {
		r.After = policies[p.Policy]
	}
}

// scopes says what the token lacks and where it is given.
func (p problem) scopes() string {
	var names []string
	for _, e := range p.Errors {
		names = append(names, e.Context.Scopes...)
	}
	if len(names) == 0 {
		return "the app lacks a scope for this: Settings → Integrations → Private apps → your app → Scopes"
	}
	return "give the app the scope " + strings.Join(names, ", ") + ": Settings → Integrations → Private apps → your app → Scopes"
}
