// Package shopifytest is a fake of a Shopify shop with its GraphQL Admin API: it
// knows the fields of the published schema and no others, counts what queries cost,
// runs bulk operations, and has data that is as awkward as real data.
package shopifytest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
)

// Credentials that the shop accepts.
const (
	Token        = "shpat_0123456789abcdef0123456789abcdef"
	ClientID     = "client0123456789"
	ClientSecret = "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"
	signature    = "signature-of-a-file"
)

// Options make a shop.
type Options struct {
	Seed   uint64
	Months int // of history; 0 is 8
	Orders int // 0 is 240
	// Rate and Bucket are points: a second, and at once; 0 is 100 and 2,000.
	Rate, Bucket float64
	// Grant is an app of the client-credentials grant, whose tokens last a day.
	Grant bool
	// Walled is a token without read_all_orders.
	Walled bool
	// Protected hides the personal data of customers.
	Protected bool
	// Denied is a list that the token may not see at all.
	Denied string
	// Answers is the version that answers, whatever is asked for.
	Answers string
	// BulkFails is how bulk operations end: FAILED, EXPIRED, "no file", or "never ends".
	BulkFails string
	// Polled, if set, is called when a bulk operation is asked after.
	Polled func()
	// Broken is a list that this version of the API does not know.
	Broken string
	// MaxCost is what a query may cost; 0 is 1,000.
	MaxCost float64
}

// Shop is a fake of a shop. It answers as net/http.Handler.
type Shop struct {
	options Options
	clock   connectors.Clock
	server  *connectortest.Server
	limit   *connectortest.Limit

	mu        sync.Mutex
	spent     float64
	chance    *chance
	last      int64
	orders    []*order
	customers []*customer
	products  []*product
	checkouts []*checkout
	events    []*event
	bulks     []*bulk
	tokens    int // granted so far; the newest is good
}

// Start makes a shop with a server.
func Start(t testing.TB, clock connectors.Clock, o Options) *Shop {
	t.Helper()
	o.Months, o.Orders = or(o.Months, 8), or(o.Orders, 240)
	o.Rate, o.Bucket, o.MaxCost = or(o.Rate, 100), or(o.Bucket, 2000), or(o.MaxCost, 1000)
	s := &Shop{options: o, clock: clock, limit: connectortest.NewLimit(clock, o.Rate, o.Bucket), chance: &chance{rand.New(rand.NewPCG(o.Seed, 11))}, last: 5_000_000_000_000}
	s.fill()
	s.server = connectortest.NewServer(t, clock, s, s.throttle)
	return s
}

func or[T int | float64](n, otherwise T) T {
	if n == 0 {
		return otherwise
	}
	return n
}

// Server is where the shop listens.
func (s *Shop) Server() *connectortest.Server { return s.server }

// Config reads the shop.
func (s *Shop) Config() string {
	text := "connector: shopify\nshop: " + s.server.URL + "\ntimeout: 1s\n"
	if s.options.Grant {
		return text + "client_id: " + ClientID + "\nclient_secret: ${SHOPIFY_SECRET}\n"
	}
	return text + "access_token: ${SHOPIFY_TOKEN}\n"
}

// Variables are the credentials.
func (s *Shop) Variables() map[string]string {
	return map[string]string{"SHOPIFY_TOKEN": Token, "SHOPIFY_SECRET": ClientSecret}
}

// Wrong are other credentials.
func (s *Shop) Wrong() map[string]string {
	return map[string]string{"SHOPIFY_TOKEN": "shpat_wrongwrongwrongwrong", "SHOPIFY_SECRET": "shpss_wrongwrongwrongwrong"}
}

// Expire has a granted token expire.
func (s *Shop) Expire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens++
	return s.options.Grant
}

// Rows are the keys of what there is now.
func (s *Shop) Rows() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := map[string][]string{}
	for _, o := range s.orders {
		if !s.behindWall(o) {
			o.keys(rows)
		}
	}
	for _, p := range s.products {
		p.keys(rows)
	}
	for _, c := range s.customers {
		rows["shop.customers"] = append(rows["shop.customers"], strconv.FormatInt(c.id, 10))
	}
	for _, c := range s.checkouts {
		rows["shop.carts"] = append(rows["shop.carts"], strconv.FormatInt(c.id, 10))
	}
	return rows
}

// behindWall says whether the token does not see an order.
func (s *Shop) behindWall(o *order) bool {
	return s.options.Walled && s.clock.Now().Sub(o.created) > 60*24*time.Hour
}

// Touch changes orders, customers, products and checkouts, and adds some.
func (s *Shop) Touch(n int) map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := map[string][]string{}
	now := s.now()
	for i := range n {
		o := s.orders[s.chance.below(len(s.orders))]
		s.refund(o, now)
		o.keys(touched)
		c := s.customers[s.chance.below(len(s.customers))]
		c.updated = now
		touched["shop.customers"] = append(touched["shop.customers"], strconv.FormatInt(c.id, 10))
		p := s.products[s.chance.below(len(s.products))]
		p.updated = now
		p.keys(touched)
		k := s.checkouts[s.chance.below(len(s.checkouts))]
		k.updated = now
		touched["shop.carts"] = append(touched["shop.carts"], strconv.FormatInt(k.id, 10))
		if i == 0 {
			s.addOrder(now, 1).keys(touched)
		}
	}
	for name := range touched {
		slices.Sort(touched[name])
		touched[name] = slices.Compact(touched[name])
	}
	return touched
}

// Remove deletes orders, a product and customers, which events tell, and merges
// customers and takes checkouts away, which nothing tells.
func (s *Shop) Remove(n int) map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	removed := map[string][]string{}
	for i := range n {
		at := s.chance.below(len(s.orders))
		s.orders[at].keys(removed)
		s.tell("Order", s.orders[at].id)
		s.orders = slices.Delete(s.orders, at, at+1)
		at = s.chance.below(len(s.customers))
		removed["shop.customers"] = append(removed["shop.customers"], strconv.FormatInt(s.customers[at].id, 10))
		if i%2 == 0 {
			s.tell("Customer", s.customers[at].id)
		}
		s.customers = slices.Delete(s.customers, at, at+1)
		removed["shop.carts"] = append(removed["shop.carts"], strconv.FormatInt(s.checkouts[0].id, 10))
		s.checkouts = s.checkouts[1:]
	}
	s.products[0].keys(removed)
	s.tell("Product", s.products[0].id)
	s.products = s.products[1:]
	return removed
}

func (s *Shop) tell(typ string, subject int64) {
	s.events = append(s.events, &event{id: s.id(), at: s.now(), typ: typ, subject: subject})
}

func (s *Shop) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// entries are the records of a list.
func (s *Shop) entries(root string) []entry {
	var list []entry
	switch root {
	case "orders":
		for _, o := range s.orders {
			if !s.behindWall(o) {
				list = append(list, entry{id: o.id, created: o.created, updated: o.updated, customer: o.customer, object: o.object})
			}
		}
	case "customers":
		for _, c := range s.customers {
			list = append(list, entry{id: c.id, created: c.created, updated: c.updated, object: c.object})
		}
	case "products":
		for _, p := range s.products {
			list = append(list, entry{id: p.id, created: p.created, updated: p.updated, object: p.object})
		}
	case "abandonedCheckouts":
		for _, c := range s.checkouts {
			list = append(list, entry{id: c.id, created: c.created, updated: c.updated, object: c.object})
		}
	case "events":
		for _, v := range s.events {
			list = append(list, entry{id: v.id, created: v.at, updated: v.at, words: v.words(), object: v.object})
		}
	}
	return list
}

// find is the record of an id, nil where there is none.
func (s *Shop) find(id string) *object {
	for _, o := range s.orders {
		if gid("Order", o.id) == id {
			return o.object()
		}
		for _, r := range o.refunds {
			if gid("Refund", r.id) == id {
				return r.object(o)
			}
		}
	}
	for _, p := range s.products {
		if gid("Product", p.id) == id {
			return p.object()
		}
	}
	for _, c := range s.checkouts {
		if gid("AbandonedCheckout", c.id) == id {
			return c.object()
		}
	}
	return nil
}

// hides says whether the token may not see a field.
func (s *Shop) hides(typ, field string) bool {
	return s.options.Protected && typ == "Customer" && slices.Contains([]string{"firstName", "lastName", "defaultEmailAddress"}, field)
}

func (s *Shop) installation() *object {
	scopes := []*object{}
	for _, handle := range []string{"read_orders", "read_all_orders", "read_customers", "read_products"} {
		if handle != "read_all_orders" || !s.options.Walled {
			scopes = append(scopes, &object{"AccessScope", fields{"handle": handle}})
		}
	}
	return &object{"AppInstallation", fields{"accessScopes": scopes}}
}

// Spent is what queries have cost so far.
func (s *Shop) Spent() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spent
}

// Left is what queries may cost at once by now.
func (s *Shop) Left() float64 { return s.limit.Left() }

// ServeHTTP answers a request.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	rest, isAPI := strings.CutPrefix(r.URL.Path, "/admin/api/")
	version, path, _ := strings.Cut(rest, "/")
	switch {
	case r.URL.Path == "/admin/oauth/access_token":
		s.grant(w, r)
		return
	case strings.HasPrefix(r.URL.Path, "/bulk/"):
		s.file(w, r)
		return
	case !isAPI || path != "graphql.json":
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":"Not Found"}`)
		return
	case r.Header.Get("X-Shopify-Access-Token") != s.token():
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}`)
		return
	}
	if s.options.Answers != "" {
		version = s.options.Answers
	}
	w.Header().Set("X-Shopify-API-Version", version)
	s.graphql(w, r)
}

// token is the one that is good now.
func (s *Shop) token() string {
	if s.options.Grant {
		return fmt.Sprintf("shpat_granted_%d", s.tokens)
	}
	return Token
}

// grant answers a client's own credentials.
func (s *Shop) grant(w http.ResponseWriter, r *http.Request) {
	if !s.options.Grant || r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_id") != ClientID || r.FormValue("client_secret") != ClientSecret {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"The client credentials are invalid"}`)
		return
	}
	s.tokens++
	fmt.Fprintf(w, `{"access_token":%q,"scope":"read_orders,read_all_orders","expires_in":86399}`, s.token())
}

// graphql answers a query, if there are points enough for it.
func (s *Shop) graphql(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"errors":{"query":["Required parameter missing or invalid"]}}`)
		return
	}
	_, fields, err := parse(body.Query)
	if err != nil {
		s.say(w, nil, []problem{{code: "syntax", message: err.Error()}}, nil, 0, 0)
		return
	}
	bound(fields, body.Variables)
	requested := max(price(fields), 1)
	switch {
	case requested > s.options.MaxCost:
		s.say(w, nil, []problem{{code: "MAX_COST_EXCEEDED", message: "Query cost is " + fmt.Sprint(requested)}}, nil, requested, -1)
		return
	case !s.limit.Take(requested):
		s.say(w, nil, []problem{{code: "THROTTLED", message: "Throttled"}}, nil, requested, -1)
		return
	}
	e := &execution{shop: s}
	data := e.query(fields)
	actual := min(requested, 1+float64(e.nodes)*4)
	s.limit.Take(actual - requested)
	s.spent += actual
	s.say(w, data, e.problems, e.warnings, requested, actual)
}

// say writes an answer with its cost; a negative one is none.
func (s *Shop) say(w http.ResponseWriter, data map[string]any, problems []problem, warnings []map[string]any, requested, actual float64) {
	points := map[string]any{"requestedQueryCost": requested, "actualQueryCost": nil, "throttleStatus": map[string]any{"maximumAvailable": s.options.Bucket, "currentlyAvailable": s.limit.Left(), "restoreRate": s.options.Rate}}
	out := map[string]any{"extensions": map[string]any{"cost": points}}
	if actual >= 0 {
		points["actualQueryCost"] = actual
		out["data"] = data
	}
	if len(warnings) > 0 {
		out["extensions"].(map[string]any)["search"] = []any{map[string]any{"warnings": warnings}}
	}
	if len(problems) > 0 {
		var list []any
		for _, p := range problems {
			list = append(list, p.json())
		}
		out["errors"] = list
		if p := problems[0]; p.code != "ACCESS_DENIED" {
			delete(out, "data")
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// throttle refuses a query as one too many.
func (s *Shop) throttle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED","documentation":"https://shopify.dev/api/usage/rate-limits"}}],`+
		`"extensions":{"cost":{"requestedQueryCost":432,"actualQueryCost":null,"throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":120,"restoreRate":100.0}}}}`)
}
