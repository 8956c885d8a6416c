// Package amocrmtest is a fake of amoCRM's API, with an account's data. It follows
// the published facts and is stricter: what it does not know it refuses.
package amocrmtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/entity"
)

// Secrets of the account.
const (
	longToken      = "long-lived-token-0123456789"
	clientSecret   = "client-secret-0123456789"
	recordingToken = "let-me-listen-0123456789"
)

// Fake is one account. It is granted access by OAuth, whose tokens expire.
type Fake struct {
	times  int64 // as many records as usual
	server *connectortest.Server
	clock  connectors.Clock
	limit  *connectortest.Limit

	mu                         sync.Mutex
	leads, contacts, companies map[int64]*record
	tasks                      map[int64]*record
	notes                      map[string]map[int64]*record
	users, reasons             []object
	eventsOf                   []happening
	eventsBy                   map[string][]happening // by entity and id
	eventCount                 int64
	nextID                     int64

	access, refresh string
	used            string // the refresh token before, good until the new access token is used
	grants          int

	// FiltersOff has the account be one of those that do not filter lists.
	FiltersOff bool
	// NoAdmin has the integration be installed by somebody who may not list users.
	NoAdmin bool
	// TooLarge is how many records a page may not hold: the server gives up with 504.
	TooLarge int
	// Blocks is how often a request is refused with 403 after a 429.
	Blocks int
}

// Start makes an account and starts its server.
func Start(t testing.TB, clock connectors.Clock) *Fake { return StartLarge(t, clock, 1) }

// StartLarge starts a fake with so many times as many records.
func StartLarge(t testing.TB, clock connectors.Clock, times int64) *Fake {
	f := &Fake{
		times: times, clock: clock, limit: connectortest.NewLimit(clock, 7, 7), nextID: 1_000_000,
		eventsBy: map[string][]happening{},
		leads:    map[int64]*record{}, contacts: map[int64]*record{}, companies: map[int64]*record{}, tasks: map[int64]*record{},
		notes: map[string]map[int64]*record{"leads": {}, "contacts": {}, "companies": {}},
	}
	f.grant()
	f.fill(clock.Now().Add(-time.Hour))
	f.server = connectortest.NewServer(t, clock, f, tooMany)
	return f
}

// Server is the fake's.
func (f *Fake) Server() *connectortest.Server { return f.server }

// Config reads the account by OAuth.
func (f *Fake) Config() string {
	return "connector: amocrm\naddress: " + f.server.URL + `
oauth:
  client_id: 0f0f0f0f
  client_secret: ${SECRET}
  refresh_token: ${REFRESH}
  redirect_uri: https://acme.example/amo
timeout: 1s
fields:
  crm.deals: {lead_source: 709}
`
}

// TokenConfig reads the account with a long-lived token.
func (f *Fake) TokenConfig() string {
	return "connector: amocrm\naddress: " + f.server.URL + "\ntoken: ${TOKEN}\n"
}

// Variables are the secrets.
func (f *Fake) Variables() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return map[string]string{"SECRET": clientSecret, "REFRESH": f.refresh, "TOKEN": longToken, "RECORDING": recordingToken}
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

func (f *Fake) grant() {
	f.grants++
	f.used = f.refresh
	f.access, f.refresh = fmt.Sprintf("access-%04d-abcdef", f.grants), fmt.Sprintf("refresh-%04d-abcdef", f.grants)
}

// Rows are the keys of what the account has.
func (f *Fake) Rows() map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows := map[string][]string{"crm.pipelines": {"1300", "1400"}}
	for pipeline, list := range stages {
		for _, s := range append([]int64{won, lost}, list...) {
			rows["crm.stages"] = append(rows["crm.stages"], fmt.Sprintf("%d/%d", pipeline, s))
		}
	}
	for _, u := range f.users {
		rows["crm.managers"] = append(rows["crm.managers"], fmt.Sprint(u["id"]))
	}
	rows["callcenter.agents"] = rows["crm.managers"]
	for _, r := range f.leads {
		if r.here() {
			rows["crm.deals"] = append(rows["crm.deals"], strconv.FormatInt(r.id, 10))
		}
		if r.here() || r.told {
			rows["crm.deal_stages"] = append(rows["crm.deal_stages"], r.stayKeys()...)
		}
	}
	for prefix, list := range map[string]map[int64]*record{"contact-": f.contacts, "company-": f.companies} {
		for _, r := range list {
			rows["crm.customers"] = append(rows["crm.customers"], prefix+strconv.FormatInt(r.id, 10))
			rows["crm.manager_assignments"] = append(rows["crm.manager_assignments"], r.holderKeys(prefix)...)
		}
	}
	for id := range f.tasks {
		rows["crm.activities"] = append(rows["crm.activities"], fmt.Sprintf("task-%d", id))
	}
	for _, list := range f.notes {
		for id, r := range list {
			rows["crm.activities"] = append(rows["crm.activities"], fmt.Sprintf("note-%d", id))
			if r.object["note_type"] != "sms_out" {
				rows["callcenter.calls"] = append(rows["callcenter.calls"], fmt.Sprintf("note-%d", id))
			}
		}
	}
	return rows
}

func (r *record) here() bool { return !r.binned && !r.gone }

func (r *record) stayKeys() (keys []string) {
	for i := range r.moves {
		keys = append(keys, fmt.Sprintf("%d/%d", r.id, i+1))
	}
	return keys
}

func (r *record) holderKeys(prefix string) (keys []string) {
	for _, h := range r.holders {
		keys = append(keys, fmt.Sprintf("%s%d/%s", prefix, r.id, entity.TimeOf(time.Unix(h.at, 0))))
	}
	return keys
}

// Touch moves leads on, makes one, hands contacts over and finishes tasks.
func (f *Fake) Touch(n int) map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.clock.Now().Unix()
	rows := map[string][]string{}
	touched := []*record{f.newLead(f.id(), at, 123321)}
	for _, r := range some(f.leads, n, at) {
		to := stage{32392162, 1300}
		if r.moves[len(r.moves)-1].stage == to.id {
			to = stage{won, 1300}
		}
		f.move(r, to, at)
		touched = append(touched, r)
	}
	for _, r := range touched {
		rows["crm.deals"] = append(rows["crm.deals"], strconv.FormatInt(r.id, 10))
		rows["crm.deal_stages"] = append(rows["crm.deal_stages"], r.stayKeys()...)
	}
	for _, r := range some(f.contacts, n/3+1, at) {
		if r.holders[len(r.holders)-1].at >= at {
			continue
		}
		f.hand(r, "contact", at)
		rows["crm.customers"] = append(rows["crm.customers"], fmt.Sprintf("contact-%d", r.id))
		rows["crm.manager_assignments"] = append(rows["crm.manager_assignments"], r.holderKeys("contact-")...)
	}
	for _, r := range some(f.tasks, n/3+1, at) {
		r.set("is_completed", true)
		r.touch(at)
		rows["crm.activities"] = append(rows["crm.activities"], fmt.Sprintf("task-%d", r.id))
	}
	for _, keys := range rows {
		slices.Sort(keys)
	}
	return rows
}

func (f *Fake) id() int64 {
	f.nextID++
	return f.nextID
}

// some are n records that are there, others for another time.
func some(list map[int64]*record, n int, seed int64) (picked []*record) {
	ids := slices.Sorted(maps.Keys(list))
	for i := range ids {
		r := list[ids[(int(seed)%len(ids)+i*7)%len(ids)]]
		if len(picked) == n {
			break
		}
		if r.here() && !slices.Contains(picked, r) {
			picked = append(picked, r)
		}
	}
	return picked
}

// Remove puts leads into the recycle bin, or deletes them for good, with an event
// or, as a merge does, without.
func (f *Fake) Remove(n int) map[string][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.clock.Now().Unix()
	rows := map[string][]string{}
	for i, r := range some(f.leads, n, at+3) {
		r.touch(at)
		switch i % 3 {
		case 0:
			r.binned = true
		case 1:
			r.gone = true
			f.event("lead_deleted", "lead", r.id, at, nil, nil)
		default:
			r.gone = true
		}
		rows["crm.deals"] = append(rows["crm.deals"], strconv.FormatInt(r.id, 10))
	}
	return rows
}

// Restore takes a lead out of the recycle bin; it does not count as changed.
func (f *Fake) Restore(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leads[id].binned = false
	f.event("lead_restored", "lead", id, f.clock.Now().Unix(), nil, nil)
}

// Bin puts a lead into the recycle bin.
func (f *Fake) Bin(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leads[id].binned = true
	f.leads[id].touch(f.clock.Now().Unix())
	f.event("lead_deleted", "lead", id, f.clock.Now().Unix(), nil, nil)
}

// ForgetEvents loses what happened before a time, as accounts do that keep events
// for so long only.
func (f *Fake) ForgetEvents(before time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := func(e happening) bool { return e.at < before.Unix() }
	f.eventsOf = slices.DeleteFunc(f.eventsOf, old)
	for of, events := range f.eventsBy {
		f.eventsBy[of] = slices.DeleteFunc(events, old)
	}
}

// ForgetReason deletes a lost reason: its leads keep the id alone.
func (f *Fake) ForgetReason(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reasons = slices.DeleteFunc(f.reasons, func(r object) bool { return r["id"] == id })
	for _, r := range f.leads {
		r.object["_embedded"].(object)["loss_reason"] = []object{}
	}
}

// tooMany is the answer to one request too many; its body is nothing to rely on.
func tooMany(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusTooManyRequests)
	fmt.Fprint(w, "<html><body>429 Too Many Requests</body></html>")
}
