// Package bitrix24test is a portal of Bitrix24 for tests: its REST interface over
// made-up data, with the real one's limits. It is stricter than the real one: a
// parameter or a field that it does not know is an error, and so is a time without
// an offset.
package bitrix24test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
)

// The secrets of the portal.
const (
	Secret       = "h00k5ecretabcdef"
	clientID     = "local.65a0000000000.00000000"
	clientSecret = "cl13nt5ecret"
	firstRefresh = "refresh-0-k3ptb3f0reuse"
)

// Portal is a portal of Bitrix24.
type Portal struct {
	times  int // as many records as usual
	server *connectortest.Server
	clock  connectors.Clock
	limit  *connectortest.Limit
	oauth  bool

	mu     sync.Mutex
	random *rand.Rand
	data

	admin     bool
	scopes    []string
	access    string // the token that is good
	refresh   string // good for one use
	renewals  int
	expired   map[string]bool
	cost      map[string]float64 // seconds that a call of a method takes
	spent     map[string][]spell
	commands  map[string]int
	peakBatch int
}

// spell is time that a method took.
type spell struct {
	at      time.Time
	seconds float64
}

// Start starts a portal that is read with a webhook.
func Start(t testing.TB, clock connectors.Clock) *Portal { return start(t, clock, false, 1) }

// StartLarge starts a portal with so many times as many records.
func StartLarge(t testing.TB, clock connectors.Clock, times int) *Portal {
	return start(t, clock, false, times)
}

// StartOAuth starts a portal that is read by an application.
func StartOAuth(t testing.TB, clock connectors.Clock) *Portal { return start(t, clock, true, 1) }

func start(t testing.TB, clock connectors.Clock, oauth bool, times int) *Portal {
	p := &Portal{
		clock: clock, oauth: oauth, times: times, limit: connectortest.NewLimit(clock, 2, 50), random: rand.New(rand.NewPCG(24, 7)),
		admin: true, scopes: []string{"crm", "user", "department", "telephony"},
		refresh: firstRefresh, expired: map[string]bool{}, cost: map[string]float64{}, spent: map[string][]spell{}, commands: map[string]int{},
	}
	p.data = p.made()
	p.server = connectortest.NewServer(t, clock, p, throttle)
	return p
}

// throttle is how the portal refuses one request too many.
func throttle(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusServiceUnavailable, map[string]any{"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"})
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// fault is a refusal.
type fault struct {
	status     int
	code, text string
	reset      time.Time
}

func (f *fault) body() map[string]any {
	return map[string]any{"error": f.code, "error_description": f.text}
}

func bad(code, form string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, code: code, text: fmt.Sprintf(form, args...)}
}

// ServeHTTP answers one request.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/oauth/token") {
		p.renew(w, r.URL.Query())
		return
	}
	if !p.limit.Take(1) {
		throttle(w, r)
		return
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost {
		send(w, http.StatusBadRequest, bad("INVALID_REQUEST", "wants POST with a JSON object").body())
		return
	}
	method, f := p.authorized(r.URL.Path, body)
	if f != nil {
		send(w, f.status, f.body())
		return
	}
	delete(body, "auth")
	if method == "batch" {
		p.batch(w, body)
		return
	}
	got, f := p.call(method, body)
	if f != nil {
		send(w, f.status, f.body())
		return
	}
	got["time"] = p.time(method)
	send(w, http.StatusOK, got)
}

// authorized checks the credentials, and returns the method.
func (p *Portal) authorized(path string, body map[string]any) (string, *fault) {
	refused := &fault{status: http.StatusUnauthorized, code: "NO_AUTH_FOUND", text: "Wrong authorization data"}
	if !p.oauth {
		method, ok := strings.CutPrefix(path, "/rest/1/"+Secret+"/")
		if !ok {
			return "", refused
		}
		return strings.TrimSuffix(method, ".json"), nil
	}
	token, _ := body["auth"].(string)
	method, ok := strings.CutPrefix(path, "/rest/")
	switch {
	case !ok:
		return "", refused
	case p.expired[token]:
		return "", &fault{status: http.StatusUnauthorized, code: "expired_token", text: "The access token provided has expired"}
	case token == "" || token != p.access:
		return "", refused
	}
	return method, nil
}

// renew is Bitrix24's own server.
func (p *Portal) renew(w http.ResponseWriter, q url.Values) {
	if err := connectortest.Allowed(q, "grant_type", "client_id", "client_secret", "refresh_token"); err != nil {
		send(w, http.StatusBadRequest, bad("invalid_request", "%v", err).body())
		return
	}
	if q.Get("client_id") != clientID || q.Get("client_secret") != clientSecret {
		send(w, http.StatusBadRequest, bad("invalid_client", "unknown client").body())
		return
	}
	if q.Get("grant_type") != "refresh_token" || q.Get("refresh_token") != p.refresh {
		send(w, http.StatusBadRequest, bad("invalid_grant", "refresh token was used").body())
		return
	}
	p.renewals++
	p.access, p.refresh = fmt.Sprintf("access-%d-s3cr3tt0ken", p.renewals), fmt.Sprintf("refresh-%d-s3cr3tt0ken", p.renewals)
	send(w, http.StatusOK, map[string]any{
		"access_token": p.access, "refresh_token": p.refresh, "expires_in": 3600, "expires": p.clock.Now().Unix() + 3600,
		"client_endpoint": "https://acme.bitrix24.ru/rest/", "domain": "oauth.bitrix.info", "member_id": "a223c6b3710f85df22e9377d6c4f7553",
		"user_id": 1, "scope": strings.Join(p.scopes, ","), "status": "L",
	})
}

// window is how long time that a method took counts, and allowed how much of it.
const (
	window  = 10 * time.Minute
	allowed = 480.0
)

// time is what every answer says of its time.
func (p *Portal) time(method string) map[string]any {
	now := p.clock.Now()
	sum, oldest := p.operating(method)
	return map[string]any{
		"start": float64(now.UnixMilli()) / 1000, "finish": float64(now.UnixMilli()) / 1000, "duration": 0.3, "processing": 0.1,
		"date_start": stamp(now), "date_finish": stamp(now), "operating": sum, "operating_reset_at": oldest.Add(window).Unix(),
	}
}

// operating is the time that a method has taken lately.
func (p *Portal) operating(method string) (sum float64, oldest time.Time) {
	now := p.clock.Now()
	oldest = now
	for _, s := range p.spent[method] {
		if s.at.After(now.Add(-window)) {
			if sum == 0 {
				oldest = s.at
			}
			sum += s.seconds
		}
	}
	return sum, oldest
}

// stamp writes a time as the portal does, in its zone.
func stamp(t time.Time) string { return t.In(moscow).Format("2006-01-02T15:04:05-07:00") }

var moscow = time.FixedZone("MSK", 3*60*60)

// midnight writes a date as the portal does: with a time that means nothing.
func midnight(t time.Time) string {
	return t.UTC().Truncate(24 * time.Hour).In(moscow).Format("2006-01-02T15:04:05-07:00")
}
