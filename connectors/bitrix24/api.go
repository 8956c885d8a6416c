package bitrix24

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/restapi"
)

// budgets are the lasting rates of the plans, and nearly all of the bucket that may
// be filled at once.
var budgets = map[string]restapi.Budget{
	"ordinary":   {Requests: 2, Per: time.Second, Burst: 45},
	"enterprise": {Requests: 5, Per: time.Second, Burst: 240},
}

// newClient makes the client of a source.
func newClient(c *Config, env connectors.Env) (*restapi.Client, error) {
	o := restapi.Options{Config: c.HTTP, Budget: budgets[c.Plan], Judge: judge, Clock: env.Clock}
	if c.Webhook != "" {
		hook, err := webhookOf(c.Webhook.Reveal())
		if err != nil {
			return nil, fmt.Errorf("webhook %w", err)
		}
		o.Base, o.Auth = hook.base, restapi.Unsigned(hook.secret, c.Webhook.Reveal())
		return restapi.New(o)
	}
	base, err := portalOf(c.Address)
	if err != nil {
		return nil, fmt.Errorf("address %w", err)
	}
	o.Base = base
	o.Auth = &restapi.OAuth{
		Grant:    restapi.Tokens{Refresh: c.RefreshToken.Reveal()},
		Folder:   env.State,
		Put:      intoBody,
		Also:     []string{c.ClientSecret.Reveal()},
		Exchange: exchange(c, env),
	}
	return restapi.New(o)
}

// exchange asks Bitrix24's own server for new tokens. The refresh token is replaced
// each time.
func exchange(c *Config, env connectors.Env) func(context.Context, string) (restapi.Tokens, error) {
	return func(ctx context.Context, refresh string) (restapi.Tokens, error) {
		o := restapi.Options{
			Config: c.HTTP, Base: c.OAuthServer, Clock: env.Clock,
			Auth: restapi.Unsigned(refresh, c.ClientSecret.Reveal()),
			Judge: func(r *restapi.Refusal) {
				judge(r)
				r.Advice = "install the application anew and set its refresh_token"
			},
		}
		return restapi.AskTokens(ctx, o, restapi.Request{Path: "/oauth/token/", Query: url.Values{
			"grant_type": {"refresh_token"}, "client_id": {c.ClientID},
			"client_secret": {c.ClientSecret.Reveal()}, "refresh_token": {refresh},
		}})
	}
}

// intoBody adds the access token to the JSON object that is the body: in the
// address it would be in everybody's logs.
func intoBody(r *http.Request, access string) {
	if r.Body == nil {
		return
	}
	body, _ := io.ReadAll(r.Body) // from memory
	token, _ := json.Marshal(access)
	rest := bytes.TrimPrefix(body, []byte("{"))
	joined := append([]byte(`{"auth":`), token...)
	if !bytes.HasPrefix(rest, []byte("}")) {
		joined = append(joined, ',')
	}
	joined = append(joined, rest...)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(joined)), int64(len(joined))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(joined)), nil }
}

// took is what an answer says of its time.
type took struct {
	Duration float64 `json:"duration"` // seconds
	Finish   string  `json:"date_finish"`
	Reset    reset   `json:"operating_reset_at"`
}

// reset is when a method that used up its time may be called again: seconds since
// 1970, or ISO 8601.
type reset struct{ time.Time }

// UnmarshalJSON reads either form; anything else is no time.
func (r *reset) UnmarshalJSON(text []byte) error {
	plain := strings.Trim(string(text), `"`)
	if seconds, err := strconv.ParseFloat(plain, 64); err == nil {
		r.Time = time.UnixMilli(int64(seconds * 1000))
	} else if at, err := time.Parse(time.RFC3339, plain); err == nil {
		r.Time = at
	}
	return nil
}

// fault is what Bitrix24 says when it refuses: error may be a text or a number.
type fault struct {
	Code word   `json:"error"`
	Text string `json:"error_description"`
	Time took   `json:"time"`
}

// word is a text, or a number as a text.
type word string

// UnmarshalJSON reads either.
func (w *word) UnmarshalJSON(text []byte) error {
	var plain string
	if json.Unmarshal(text, &plain) != nil {
		plain = string(text)
	}
	*w = word(plain)
	return nil
}

// Codes that Bitrix24 refuses with.
const (
	codeTooMany   = "QUERY_LIMIT_EXCEEDED"
	codeTimeIsUp  = "OPERATION_TIME_LIMIT"
	codeOverload  = "OVERLOAD_LIMIT"
	codeExpired   = "expired_token"
	codeNoAuth    = "NO_AUTH_FOUND"
	codeBadToken  = "invalid_token"
	codeScope     = "insufficient_scope"
	codeDenied    = "ACCESS_DENIED"
	codeNoCreds   = "INVALID_CREDENTIALS"
	codeUser      = "user_access_error"
	codeDeleted   = "PORTAL_DELETED"
	codeUnknown   = "ERROR_METHOD_NOT_FOUND"
	codeIntranet  = "allowed_only_intranet_user"
	codeEmpty     = "NOT_FOUND" // a type of records
	codeInternal  = "INTERNAL_SERVER_ERROR"
	codeSurprised = "ERROR_UNEXPECTED_ANSWER"
)

// judge reads Bitrix24's own words.
func judge(r *restapi.Refusal) {
	var f fault
	if json.Unmarshal(r.Body, &f) != nil || f.Code == "" && f.Text == "" {
		return
	}
	r.Code, r.Text = string(f.Code), f.Text
	r.Advice = advice[r.Code]
	switch r.Code {
	case codeTooMany:
		r.Verdict, r.Throttled = restapi.Retry, true
	case codeTimeIsUp:
		r.Verdict, r.Throttled, r.After = restapi.Retry, true, time.Minute
	case codeExpired:
		r.Verdict = restapi.Renew
	case codeInternal, codeSurprised:
		r.Verdict = restapi.Retry
	case codeNoAuth, codeBadToken, codeNoCreds, codeUser, codeDenied:
		r.Verdict, r.Refused = restapi.Fatal, true
	case codeOverload, codeDeleted:
		r.Verdict = restapi.Fatal
	}
}

var advice = map[string]string{
	codeNoAuth:   "the webhook was removed or its address is not complete: make one under Developer resources › Other › Incoming webhook, and set webhook to its address",
	codeBadToken: "the application was removed or its token is another portal's: install it anew and set refresh_token",
	codeExpired:  "the token cannot be renewed: install the application anew and set refresh_token",
	codeNoCreds:  "the owner of the webhook may not call this: make the webhook as an administrator",
	codeUser:     "the owner of the webhook has no access to the application: make the webhook as an administrator",
	codeDenied:   "the REST interface is a part of the paid plans, and calls want the right to see their statistics: look at the plan, and at Telephony › Access permissions",
	codeScope:    "tick the missing permission on the webhook (crm, user, department, telephony), or have the application ask for it",
	codeIntranet: "the owner of the webhook is an outsider of the portal: make it as an employee who is an administrator",
	codeOverload: "the portal has blocked the interface for overload: ask Bitrix24's support",
	codeDeleted:  "the portal is closed, or its public part is switched off for maintenance: open it and run again",
	codeEmpty:    "the portal has no such type of records: say invoices: false, or look for the entityTypeId of complaints in the address of its list",
	codeUnknown:  "this portal is too old, or has no such tool: switch it on, or the key of the source that asks for it off",
}

// heard sets the source's clock by what an answer says, so that windows end by the
// portal's time and not by ours.
func (s *source) heard(t took, header time.Time) {
	at, err := time.Parse(time.RFC3339, t.Finish)
	if err != nil {
		at = header
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = at.Sub(s.client.Clock().Now())
}

// now is the time by the portal's clock.
func (s *source) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client.Clock().Now().Add(s.ahead)
}
