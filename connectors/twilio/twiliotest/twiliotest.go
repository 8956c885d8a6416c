// Package twiliotest is a fake of Twilio's call log, for tests.
package twiliotest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
)

// What the fake's account is called.
const (
	Account    = "AC0123456789abcdef0123456789abcdef"
	Subaccount = "ACfedcba9876543210fedcba9876543210"
	key        = "SK0123456789abcdef0123456789abcdef"
	secret     = "twilio-secret-0001"
)

// Fake is an account with calls. A page holds fewer calls than
// the real one's, so that there are many.
type Fake struct {
	server     *connectortest.Server
	clock      connectors.Clock
	calls      map[string]*call
	recordings []recording
	last       int
	pageSize   int
}

type call struct {
	Account, SID, Parent    string
	Status, Direction       string
	From, To                string
	Created, Updated        time.Time
	Start, End              time.Time
	Duration, Price, Answer string
}

type recording struct {
	account, call string
	at            time.Time
}

// Start makes an account with the calls of a month.
func Start(t testing.TB, clock connectors.Clock) connectortest.Fake { return New(t, clock, 30) }

// New makes an account with the calls of some days.
func New(t testing.TB, clock connectors.Clock, days int) *Fake {
	f := &Fake{clock: clock, calls: map[string]*call{}, pageSize: 20}
	f.server = connectortest.NewServer(t, clock, f, tooMany)
	random := rand.New(rand.NewPCG(3, 7))
	for day := range days {
		midnight := clock.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, day-days)
		for n := range 12 {
			f.conversation(random, midnight.Add(time.Duration(n)*2*time.Hour-time.Minute))
		}
	}
	return f
}

// conversation is a caller's leg and those of the agents who were dialled.
func (f *Fake) conversation(random *rand.Rand, at time.Time) {
	account := Account
	if random.IntN(8) == 0 {
		account = Subaccount
	}
	caller := fmt.Sprintf("+4915100%05d", random.IntN(100_000))
	parent := f.add(call{Account: account, Status: "completed", Direction: "inbound", From: caller, To: "+493000000", Start: at, End: at.Add(200 * time.Second), Duration: "200", Price: "-0.03400"})
	switch random.IntN(6) {
	case 0: // nobody answers
		f.add(call{Account: account, Parent: parent, Status: "no-answer", Direction: "outbound-dial", From: caller, To: "client:anna", Start: at.Add(3 * time.Second), End: at.Add(33 * time.Second), Duration: "0"})
	case 1: // hung up before anybody was dialled; no duration yet
		c := f.calls[parent]
		c.Duration, c.Price, c.From = "", "", "anonymous"
		c.Status = "canceled"
	case 2:
		f.recordings = append(f.recordings, recording{account, parent, at.Add(time.Minute)})
	default: // the second agent answers, for some callers after midnight
		f.add(call{Account: account, Parent: parent, Status: "busy", Direction: "outbound-dial", From: caller, To: "client:boris", Start: at.Add(2 * time.Second), End: at.Add(4 * time.Second)})
		f.add(call{Account: account, Parent: parent, Status: "completed", Direction: "outbound-dial", From: caller, To: "client:anna", Start: at.Add(61 * time.Second), End: at.Add(190 * time.Second), Duration: "120", Price: "-0.01000"})
	}
}

func (f *Fake) add(c call) string {
	f.last++
	c.SID = fmt.Sprintf("CA%032x", f.last)
	c.Created, c.Updated = c.Start, c.End
	f.calls[c.SID] = &c
	return c.SID
}

// Add puts a call into the account and returns its SID.
func (f *Fake) Add(parent, status, direction, from, to string, start time.Time, seconds int) string {
	c := call{Account: Account, Parent: parent, Status: status, Direction: direction, From: from, To: to, Start: start, End: start.Add(time.Duration(seconds) * time.Second)}
	if seconds > 0 {
		c.Duration = strconv.Itoa(seconds)
	}
	return f.add(c)
}

// Heard says who answered a call that was listened to.
func (f *Fake) Heard(sid, by string) { f.calls[sid].Answer = by }

// Record puts a recording of a call into the account.
func (f *Fake) Record(sid string) {
	f.recordings = append(f.recordings, recording{f.calls[sid].Account, sid, f.calls[sid].Start})
}

func tooMany(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusTooManyRequests, 20429, "Too Many Requests")
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status})
}

// ServeHTTP answers as Twilio does.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if user != key || password != secret {
		refuse(w, 401, 20003, "Authenticate")
		return
	}
	path, isJSON := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/2010-04-01/Accounts/"), ".json")
	parts := strings.Split(path, "/")
	if !isJSON || len(parts) < 2 || parts[0] != Account && parts[0] != Subaccount {
		refuse(w, 404, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	}
	if err := connectortest.Allowed(r.URL.Query(), "StartTime>", "StartTime<", "DateCreated>", "DateCreated<", "ParentCallSid", "PageSize", "Page", "PageToken"); err != nil {
		refuse(w, 400, 20001, err.Error())
		return
	}
	if size, err := strconv.Atoi(r.URL.Query().Get("PageSize")); r.URL.Query().Has("PageSize") && (err != nil || size > 1000) {
		refuse(w, 400, 20001, "Page size must be at most 1000")
		return
	}
	switch {
	case len(parts) == 3 && parts[1] == "Calls":
		c := f.calls[parts[2]]
		if c == nil || c.Account != parts[0] {
			refuse(w, 404, 20404, "The requested resource "+r.URL.Path+" was not found")
			return
		}
		f.write(w, f.json(c))
	case parts[1] == "Calls":
		f.page(w, r, parts[0], "calls", f.found(parts[0], r.URL.Query()))
	case parts[1] == "Recordings":
		f.page(w, r, parts[0], "recordings", f.recorded(parts[0], r.URL.Query()))
	default:
		refuse(w, 404, 20404, "The requested resource "+r.URL.Path+" was not found")
	}
}

func (f *Fake) write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// between says whether a time is within the bounds of a query: from midnight of
// one day to midnight of the other.
func between(at time.Time, q url.Values, field string) bool {
	if from, err := time.Parse(time.DateOnly, q.Get(field+">")); err == nil && at.Before(from) {
		return false
	}
	until, err := time.Parse(time.DateOnly, q.Get(field+"<"))
	return err != nil || at.Before(until)
}

// shown is a record of a list, made when it is shown.
type shown struct {
	sid  string
	json func() map[string]any
}

func (f *Fake) found(account string, q url.Values) (list []shown) {
	var calls []*call
	for _, c := range f.calls {
		if c.Account == account && between(c.Start, q, "StartTime") && (!q.Has("ParentCallSid") || c.Parent == q.Get("ParentCallSid")) {
			calls = append(calls, c)
		}
	}
	slices.SortFunc(calls, func(a, b *call) int {
		return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(b.SID, a.SID)) // the newest first
	})
	for _, c := range calls {
		list = append(list, shown{c.SID, func() map[string]any { return f.json(c) }})
	}
	return list
}

func (f *Fake) recorded(account string, q url.Values) (list []shown) {
	for i, r := range f.recordings {
		if r.account == account && between(r.at, q, "DateCreated") {
			sid := fmt.Sprintf("RE%032x", i)
			list = append(list, shown{sid, func() map[string]any {
				return map[string]any{
					"sid": sid, "call_sid": r.call, "date_created": r.at.Format(time.RFC1123Z), "duration": "12", "channels": 1, "status": "completed",
					"media_url": "https://api.twilio.com/2010-04-01/Accounts/" + account + "/Recordings/" + sid, "uri": "/2010-04-01/Accounts/" + account + "/Recordings/" + sid + ".json",
				}
			}})
		}
	}
	return list
}

// page cuts a list behind the record that the page's token names.
func (f *Fake) page(w http.ResponseWriter, r *http.Request, account, name string, list []shown) {
	q := r.URL.Query()
	size := f.pageSize
	if asked, err := strconv.Atoi(q.Get("PageSize")); err == nil {
		size = min(size, asked)
	}
	if token := q.Get("PageToken"); token != "" {
		at := slices.IndexFunc(list, func(c shown) bool { return "PA"+c.sid == token })
		if at < 0 {
			refuse(w, 400, 21481, "Invalid page token")
			return
		}
		list = list[at+1:]
	}
	answer := map[string]any{"next_page_uri": nil, "previous_page_uri": nil, "page_size": size, "uri": r.URL.RequestURI(), "end": max(len(list)-1, 0)}
	if len(list) > size {
		list = list[:size]
		q.Set("PageToken", "PA"+list[size-1].sid)
		q.Set("Page", "1")
		answer["next_page_uri"] = "/2010-04-01/Accounts/" + account + "/" + strings.ToUpper(name[:1]) + name[1:] + ".json?" + q.Encode()
	}
	records := []map[string]any{}
	for _, c := range list {
		records = append(records, c.json())
	}
	answer[name] = records
	f.write(w, answer)
}

// orNull is null where Twilio has no value.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (f *Fake) json(c *call) map[string]any {
	return map[string]any{
		"sid": c.SID, "account_sid": c.Account, "parent_call_sid": orNull(c.Parent), "date_created": c.Created.Format(time.RFC1123Z), "date_updated": c.Updated.Format(time.RFC1123Z),
		"start_time": c.Start.Format(time.RFC1123Z), "end_time": c.End.Format(time.RFC1123Z), "duration": orNull(c.Duration), "status": c.Status,
		"direction": c.Direction, "from": c.From, "from_formatted": c.From, "to": c.To, "to_formatted": c.To, "phone_number_sid": "", "price": orNull(c.Price),
		"price_unit": "EUR", "answered_by": orNull(c.Answer), "forwarded_from": nil, "caller_name": "", "group_sid": nil, "trunk_sid": nil, "queue_time": "0",
		"api_version": "2010-04-01", "uri": "/2010-04-01/Accounts/" + c.Account + "/Calls/" + c.SID + ".json",
		"subresource_uris": map[string]string{"recordings": "/2010-04-01/Accounts/" + c.Account + "/Calls/" + c.SID + "/Recordings.json"},
	}
}

// Server is where the fake answers.
func (f *Fake) Server() *connectortest.Server { return f.server }

// Config reads the fake.
func (f *Fake) Config() string {
	return "connector: twilio\naccount: " + Account + "\nkey: " + key + "\nsecret: ${TWILIO_SECRET}\nsubaccounts: [" + Subaccount + "]\naddress: " + f.server.URL + "\ntimeout: 1s\n"
}

// Variables are the fake's secrets.
func (f *Fake) Variables() map[string]string { return map[string]string{"TWILIO_SECRET": secret} }

// Wrong is a secret that the fake does not know.
func (f *Fake) Wrong() map[string]string {
	return map[string]string{"TWILIO_SECRET": "twilio-secret-9999"}
}

// Expire says that keys do not.
func (f *Fake) Expire() bool { return false }

// Rows are what the account's calls become.
func (f *Fake) Rows() map[string][]string {
	rows := map[string][]string{}
	agents := map[string]bool{}
	for _, c := range f.calls {
		switch {
		case c.Parent == "":
			rows["callcenter.calls"] = append(rows["callcenter.calls"], c.SID)
		case f.calls[c.Parent] != nil:
			rows["callcenter.queue_events"] = append(rows["callcenter.queue_events"], c.SID)
			agents[c.To] = true
		}
	}
	rows["callcenter.agents"] = slices.Collect(maps.Keys(agents))
	return rows
}

// Touch has recent calls rated, and a new one made.
func (f *Fake) Touch(n int) map[string][]string {
	now := f.clock.Now().UTC().Truncate(time.Second)
	var keys []string
	for _, sid := range slices.Sorted(maps.Keys(f.calls)) {
		if c := f.calls[sid]; c.Parent == "" && len(keys) < n && now.Sub(c.Start) < 48*time.Hour && now.After(c.Start) {
			c.Price, c.Updated = "-0.09900", now
			keys = append(keys, sid)
		}
	}
	keys = append(keys, f.Add("", "completed", "inbound", "+491510000001", "+493000000", now, 30))
	slices.Sort(keys)
	return map[string][]string{"callcenter.calls": keys}
}

// Remove deletes nothing: deletions are not noticed.
func (f *Fake) Remove(int) map[string][]string { return nil }

// Delete removes a call for good.
func (f *Fake) Delete(sid string) { delete(f.calls, sid) }
