// Package hubspottest is a fake of HubSpot's CRM API, with an account's data. It
// follows the published facts and is stricter: what it does not know it refuses.
package hubspottest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/entity"
)

// Secrets of the account.
const (
	privateToken   = "pat-eu1-0123456789abcdef"
	clientSecret   = "client-secret-0123456789"
	refreshToken   = "refresh-0123456789abcdef"
	recordingToken = "let-me-listen-0123456789"
)

// Fake is one account.
type Fake struct {
	times  int64 // as many records as usual
	server *connectortest.Server
	clock  connectors.Clock

	mu       sync.Mutex
	objects  map[string]map[int64]*record
	requests []time.Time // of the last ten seconds
	searches []time.Time // of the last second
	access   string
	grants   int
	nextID   int64

	// Closed are types that the token lacks the scope for.
	Closed []string
	// Most is how many requests ten seconds may have.
	Most int
	// Daily is how many requests are left today; negative for any number.
	Daily int
}

// Start makes an account and starts its server.
func Start(t testing.TB, clock connectors.Clock) *Fake { return StartLarge(t, clock, 1) }

// StartLarge starts a fake with so many times as many records.
func StartLarge(t testing.TB, clock connectors.Clock, times int64) *Fake {
	f := &Fake{times: times, clock: clock, objects: map[string]map[int64]*record{}, nextID: 50_000, Most: 100, Daily: -1, access: "access-0-0123456789"}
	f.fill(clock.Now().Add(-time.Hour))
	f.server = connectortest.NewServer(t, clock, f, func(w http.ResponseWriter, _ *http.Request) { tooMany(w, "TEN_SECONDLY_ROLLING") })
	return f
}

// Server is the fake's.
func (f *Fake) Server() *connectortest.Server { return f.server }

// Config reads the account by OAuth.
func (f *Fake) Config() string {
	return "connector: hubspot\naddress: " + f.server.URL + `
oauth: {client_id: abc, client_secret: "${SECRET}", refresh_token: "${REFRESH}"}
timeout: 1s
fields:
  crm.customers: {segment: lifecyclestage}
`
}

// TokenConfig reads the account with a private app's token.
func (f *Fake) TokenConfig() string {
	return "connector: hubspot\naddress: " + f.server.URL + "\ntoken: ${TOKEN}\n"
}

// Variables are the secrets.
func (f *Fake) Variables() map[string]string {
	return map[string]string{"SECRET": clientSecret, "REFRESH": refreshToken, "TOKEN": privateToken, "RECORDING": recordingToken}
}

// Wrong are secrets that are refused.
func (f *Fake) Wrong() map[string]string {
	return map[string]string{"SECRET": "wrong-secret-1", "REFRESH": "wrong-refresh-1", "TOKEN": "wrong-token-1"}
}

// Expire has the access token expire.
func (f *Fake) Expire() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.access = ""
	return true
}

// targets are the entity and the prefix of the keys of each type.
var targets = map[string][2]string{
	"contacts": {"crm.customers", "contact-"}, "companies": {"crm.customers", "company-"}, "deals": {"crm.deals", ""}, "tickets": {"crm.complaints", ""},
	"calls": {"crm.activities", "call-"}, "meetings": {"crm.activities", "meeting-"}, "tasks": {"crm.activities", "task-"}, "products": {"shop.products", ""},
}

// Rows are the keys of what the account has.
func (f *Fake) Rows() map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows := map[string][]string{"crm.pipelines": {"default"}, "crm.managers": {"77", "78", "79"}, "callcenter.agents": {"77", "78", "79"}}
	for _, s := range append(slices.Clone(stages), "closedwon", "closedlost") {
		rows["crm.stages"] = append(rows["crm.stages"], "default/"+s)
	}
	for kind, to := range targets {
		for id, r := range f.objects[kind] {
			key := to[1] + strconv.FormatInt(id, 10)
			if r.here() {
				rows[to[0]] = append(rows[to[0]], key)
				if kind == "calls" {
					rows["callcenter.calls"] = append(rows["callcenter.calls"], key)
				}
			}
			if r.here() || r.told {
				rows["crm.deal_stages"] = append(rows["crm.deal_stages"], r.stays()...)
				rows["crm.manager_assignments"] = append(rows["crm.manager_assignments"], r.owners(key)...)
			}
		}
	}
	return rows
}

func (r *record) stays() (keys []string) {
	for i := range r.history["dealstage"] {
		keys = append(keys, fmt.Sprintf("%d/%d", r.id, i+1))
	}
	return keys
}

func (r *record) owners(key string) (keys []string) {
	for _, v := range r.history["hubspot_owner_id"] {
		keys = append(keys, key+"/"+entity.TimeOf(v.at.Truncate(time.Millisecond)).String())
	}
	return keys
}

// Touch moves deals, makes one, hands contacts over and answers tickets.
func (f *Fake) Touch(n int) map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.clock.Now().Truncate(time.Millisecond)
	rows := map[string][]string{}
	f.nextID++
	fresh := f.put("deals", base("deals")+f.nextID, at)
	fresh.props["pipeline"] = "default"
	fresh.set("dealstage", stages[0], at)
	for _, r := range append(f.some("deals", n, at), fresh) {
		if r != fresh && r.props["dealstage"] == stages[2] {
			f.close(r, "closedlost", at)
		} else if r != fresh {
			f.move(r, stages[2], at)
		}
		rows["crm.deals"] = append(rows["crm.deals"], strconv.FormatInt(r.id, 10))
		rows["crm.deal_stages"] = append(rows["crm.deal_stages"], r.stays()...)
	}
	for _, r := range f.some("contacts", n/2+1, at) {
		if r.history["hubspot_owner_id"][0].at.Equal(at) {
			continue
		}
		r.set("hubspot_owner_id", []string{"77", "78"}[len(r.history["hubspot_owner_id"])%2], at)
		f.change("contacts", r, at)
		key := fmt.Sprintf("contact-%d", r.id)
		rows["crm.customers"] = append(rows["crm.customers"], key)
		rows["crm.manager_assignments"] = append(rows["crm.manager_assignments"], r.owners(key)...)
	}
	for _, r := range f.some("tickets", 2, at) {
		r.props["closed_date"] = iso(at)
		f.change("tickets", r, at)
		rows["crm.complaints"] = append(rows["crm.complaints"], strconv.FormatInt(r.id, 10))
	}
	for _, keys := range rows {
		slices.Sort(keys)
	}
	return rows
}

// some are n records that are there, others at another time.
func (f *Fake) some(kind string, n int, at time.Time) (picked []*record) {
	ids := slices.Sorted(maps.Keys(f.objects[kind]))
	for i := range ids {
		r := f.objects[kind][ids[(int(at.Unix()%1000)+i)%len(ids)]]
		if len(picked) < n && r.here() {
			picked = append(picked, r)
		}
	}
	return picked
}

// Remove archives deals, deletes them for good, or merges them into others.
func (f *Fake) Remove(n int) map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.clock.Now()
	rows := map[string][]string{}
	into := f.some("deals", n+1, at)
	for i, r := range into[1:] {
		switch i % 3 {
		case 0:
			r.archived = at
		case 1:
			r.gone = true
		default:
			r.gone = true
			merged, _ := into[0].props["hs_merged_object_ids"].(string)
			into[0].props["hs_merged_object_ids"] = strings.Trim(merged+";"+strconv.FormatInt(r.id, 10), ";")
			f.change("deals", into[0], at)
		}
		rows["crm.deals"] = append(rows["crm.deals"], strconv.FormatInt(r.id, 10))
	}
	return rows
}

// ForgetHistory leaves a deal the newest value of its history only.
func (f *Fake) ForgetHistory() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.objects["deals"] {
		if list := r.history["dealstage"]; len(list) > 1 {
			r.history["dealstage"] = list[:1]
		}
	}
}

// Open gives the token all scopes.
func (f *Fake) Open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Closed = nil
}
