package helpdesk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
)

func TestConnector(t *testing.T) {
	connectortest.Run(t, connectortest.Subject{Connector: Connector(), Start: start, Idle: 1})
}

// The page for those who write a connector shows this one: it must be the code that is tested.
func TestConnector_StandsInTheReadme(t *testing.T) {
	code, err := os.ReadFile("helpdesk.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```go\n"+string(code)+"```\n") {
		t.Error("connectors/README.md does not show connectors/connectortest/helpdesk/helpdesk.go as it is")
	}
	if n := strings.Count(string(code), "\n"); n >= 150 {
		t.Errorf("the worked example has %d lines", n)
	}
}

// fake is a help desk with tickets of three months.
type fake struct {
	server  *connectortest.Server
	clock   connectors.Clock
	limit   *connectortest.Limit
	tickets map[int]*ticketRecord
	last    int
}

type ticketRecord struct {
	ID        int            `json:"id"`
	Requester any            `json:"requester_id"`
	Subject   string         `json:"subject"`
	Category  any            `json:"category"`
	Priority  any            `json:"priority"`
	Rating    map[string]any `json:"rating"`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
	SolvedAt  *time.Time     `json:"solved_at"`
}

func start(t testing.TB, clock connectors.Clock) connectortest.Fake {
	f := &fake{clock: clock, limit: connectortest.NewLimit(clock, 5, 10), tickets: map[int]*ticketRecord{}}
	f.server = connectortest.NewServer(t, clock, f, throttled)
	for i := range 3_000 {
		at := clock.Now().Add(-90 * 24 * time.Hour).Add(time.Duration(i/3) * 2 * time.Hour).Truncate(time.Second)
		f.add(at)
	}
	return f
}

func (f *fake) add(at time.Time) int {
	f.last++
	f.tickets[f.last] = &ticketRecord{ID: f.last, Subject: "no delivery", Priority: f.last%5 + 1, CreatedAt: at, UpdatedAt: at, Rating: map[string]any{"good": f.last%2 == 0}}
	return f.last
}

func throttled(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, `{"error": "too many requests"}`, http.StatusTooManyRequests)
}

const pageSize = 100

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	q := r.URL.Query()
	switch err := connectortest.Allowed(q, "updated_from", "updated_until", "after_id", "fields", "sort", "limit"); {
	case r.Header.Get("Authorization") != "Bearer "+token:
		http.Error(w, `{"error": "unknown token"}`, http.StatusUnauthorized)
		return
	case err != nil || r.URL.Path != "/tickets":
		http.Error(w, fmt.Sprintf(`{"error": "%s: %v"}`, r.URL.Path, err), http.StatusBadRequest)
		return
	case !f.limit.Take(1):
		throttled(w, r)
		return
	}
	after, _ := strconv.Atoi(q.Get("after_id"))
	from, _ := time.Parse(time.RFC3339, q.Get("updated_from"))
	until, err := time.Parse(time.RFC3339, q.Get("updated_until"))
	if err != nil {
		until = f.clock.Now().Add(time.Hour)
	}
	var found []*ticketRecord
	for _, t := range f.tickets {
		if !t.UpdatedAt.Before(from) && t.UpdatedAt.Before(until) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b *ticketRecord) int { return cmp.Compare(a.ID, b.ID) })
	if q.Get("sort") == "updated_at" {
		slices.SortStableFunc(found, func(a, b *ticketRecord) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	}
	answer := map[string]any{"total": len(found)}
	found = slices.DeleteFunc(found, func(t *ticketRecord) bool { return t.ID <= after })
	if len(found) > pageSize {
		answer["next_id"] = strconv.Itoa(found[pageSize-1].ID)
		found = found[:pageSize]
	}
	answer["tickets"] = found
	_ = json.NewEncoder(w).Encode(answer)
}

const token = "helpdesk-token-0001"

func (f *fake) Server() *connectortest.Server { return f.server }

func (f *fake) Config() string {
	return "connector: helpdesk\naddress: " + f.server.URL + "\ntoken: ${HELPDESK_TOKEN}\ntimeout: 1s\n"
}
func (f *fake) Variables() map[string]string { return map[string]string{"HELPDESK_TOKEN": token} }
func (f *fake) Wrong() map[string]string {
	return map[string]string{"HELPDESK_TOKEN": "helpdesk-token-9999"}
}
func (f *fake) Expire() bool { return false }

func (f *fake) Rows() map[string][]string {
	var keys []string
	for id := range f.tickets {
		keys = append(keys, strconv.Itoa(id))
	}
	return map[string][]string{"crm.complaints": keys}
}

func (f *fake) Touch(n int) map[string][]string {
	var keys []string
	for id := 7; len(keys) < n; id += 211 {
		if t := f.tickets[id]; t != nil {
			t.UpdatedAt, t.Subject = f.clock.Now().Truncate(time.Second), "still no delivery"
			keys = append(keys, strconv.Itoa(id))
		}
	}
	keys = append(keys, strconv.Itoa(f.add(f.clock.Now().Truncate(time.Second))))
	slices.Sort(keys)
	return map[string][]string{"crm.complaints": keys}
}

func (f *fake) Remove(n int) map[string][]string {
	var keys []string
	for id := 11; len(keys) < n; id += 311 {
		if f.tickets[id] != nil {
			delete(f.tickets, id)
			keys = append(keys, strconv.Itoa(id))
		}
	}
	return map[string][]string{"crm.complaints": keys}
}
