// Package woocommercetest is a fake of a WooCommerce shop with its REST API: strict
// about signatures, parameters and page sizes, and with data that is as awkward as
// real data.
package woocommercetest

import (
	"encoding/json"
	"fmt"
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
	Key    = "ck_0123456789abcdef0123456789abcdef01234567"
	Secret = "cs_76543210fedcba9876543210fedcba9876543210"
)

// Options make a shop.
type Options struct {
	Seed      uint64 // of the data
	Months    int    // of history; 0 is 24
	Orders    int    // 0 is 600
	Customers int    // 0 is 350
	Products  int    // 0 is 60
	// Old is a shop before 5.8, that ignores modified_after and knows neither the
	// order "modified" nor the state checkout-draft nor a list of refunds.
	Old bool
	// NoRefundList is a shop before 9.0.
	NoRefundList bool
	// DraftsAmongAny is a shop whose list of "any" has drafts.
	DraftsAmongAny bool
	// Heavy, if not 0, is the page of orders that takes more memory than PHP has.
	Heavy int
	// Noise has PHP print warnings before every answer.
	Noise bool
	// Plain is a shop with plain permalinks.
	Plain bool
	// Stuck has a cache that answers with the first page whatever is asked for.
	Stuck bool
}

// Shop is a fake of a shop. It answers as net/http.Handler.
type Shop struct {
	options Options
	clock   connectors.Clock
	server  *connectortest.Server

	mu        sync.Mutex
	orders    []*order // by id
	products  []*product
	customers []*customer
	nextID    int64
	nonces    map[string]bool
	chance    *chance
}

// New makes a shop without a server.
func New(clock connectors.Clock, o Options) *Shop {
	o.Months, o.Orders, o.Customers, o.Products = or(o.Months, 24), or(o.Orders, 600), or(o.Customers, 350), or(o.Products, 60)
	s := &Shop{options: o, clock: clock, nonces: map[string]bool{}, chance: newChance(o.Seed)}
	s.fill()
	return s
}

// Start makes a shop with a server.
func Start(t testing.TB, clock connectors.Clock, o Options) *Shop {
	t.Helper()
	s := New(clock, o)
	s.server = connectortest.NewServer(t, clock, s, throttle)
	return s
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func throttle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusTooManyRequests)
	fmt.Fprint(w, "<html>Too Many Requests</html>")
}

// Server is where the shop listens.
func (s *Shop) Server() *connectortest.Server { return s.server }

// Config reads the shop.
func (s *Shop) Config() string {
	text := "connector: woocommerce\nurl: " + s.server.URL + "\nconsumer_key: ${WOO_KEY}\nconsumer_secret: ${WOO_SECRET}\ntimeout: 300ms\n"
	if s.options.Plain {
		text += "permalinks: plain\n"
	}
	return text
}

// Variables are the credentials.
func (s *Shop) Variables() map[string]string {
	return map[string]string{"WOO_KEY": Key, "WOO_SECRET": Secret}
}

// Wrong are other credentials.
func (s *Shop) Wrong() map[string]string {
	return map[string]string{"WOO_KEY": Key, "WOO_SECRET": "cs_wrongwrongwrongwrongwrongwrongwrongwrong"}
}

// Expire does nothing: keys do not expire.
func (s *Shop) Expire() bool { return false }

// Rows are the keys of what there is now.
func (s *Shop) Rows() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := map[string][]string{}
	for _, o := range s.orders {
		o.keys(rows)
	}
	for _, p := range s.products {
		p.keys(rows)
	}
	for _, c := range s.customers {
		rows["shop.customers"] = append(rows["shop.customers"], strconv.FormatInt(c.id, 10))
	}
	return rows
}

// Touch changes orders, with them their customers, products, and adds an order of a
// new customer.
func (s *Shop) Touch(n int) map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := map[string][]string{}
	for range n {
		o := s.orders[s.chance.below(len(s.orders))]
		if o.status == "trash" {
			continue
		}
		s.advance(o)
		o.keys(touched)
		if o.customer != 0 && s.customer(o.customer) != nil {
			touched["shop.customers"] = append(touched["shop.customers"], strconv.FormatInt(o.customer, 10))
		}
	}
	c := s.addCustomer(s.now())
	touched["shop.customers"] = append(touched["shop.customers"], strconv.FormatInt(c.id, 10))
	s.addOrder(s.now(), c.id).keys(touched)
	p := s.products[s.chance.below(len(s.products))]
	if p.status != "trash" {
		p.price += 100
		p.modified = s.now()
		p.keys(touched)
	}
	for name := range touched {
		slices.Sort(touched[name])
		touched[name] = slices.Compact(touched[name])
	}
	return touched
}

// advance changes an order as its life goes on.
func (s *Shop) advance(o *order) {
	switch o.status {
	case "checkout-draft", "pending":
		o.status, o.paid = "processing", s.now()
	case "processing", "completed":
		o.status = "completed"
		o.refunds = append(o.refunds, s.refund(o, s.now()))
	}
	o.modified = s.now()
}

// Remove throws orders and products into the trash, and deletes others, and
// customers, for good.
func (s *Shop) Remove(n int) map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	removed := map[string][]string{}
	for i := range n {
		at := s.chance.below(len(s.orders))
		o := s.orders[at]
		if o.status == "trash" {
			continue
		}
		o.keys(removed)
		if o.status, o.modified = "trash", s.now(); i%2 == 1 {
			s.orders = slices.Delete(s.orders, at, at+1)
		}
		at = s.chance.below(len(s.customers))
		removed["shop.customers"] = append(removed["shop.customers"], strconv.FormatInt(s.customers[at].id, 10))
		s.customers = slices.Delete(s.customers, at, at+1)
	}
	p := s.products[0]
	p.keys(removed)
	s.products = s.products[1:]
	return removed
}

func (s *Shop) customer(id int64) *customer {
	for _, c := range s.customers {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (s *Shop) now() time.Time { return s.clock.Now().UTC().Truncate(time.Second) }

// ServeHTTP answers a request.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, query := r.URL.Path, r.URL.Query()
	if s.options.Plain {
		path = "/wp-json" + query.Get("rest_route")
		if r.URL.Path != "/" {
			path = "nowhere"
		}
	}
	if !strings.HasPrefix(path, "/wp-json/wc/v3/") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<html><body>Nothing found</body></html>")
		return
	}
	if refused := s.refuse(r); refused != nil {
		s.fail(w, refused)
		return
	}
	query.Del("rest_route")
	for name := range query {
		if strings.HasPrefix(name, "oauth_") || strings.HasPrefix(name, "consumer_") {
			query.Del(name)
		}
	}
	s.serve(w, strings.TrimPrefix(path, "/wp-json/wc/v3/"), query)
}

// failure is an answer that is no success.
type failure struct {
	status        int
	code, message string
	params        map[string]string
}

func (s *Shop) fail(w http.ResponseWriter, f *failure) {
	data := map[string]any{"status": f.status}
	if f.params != nil {
		data["params"] = f.params
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": f.code, "message": f.message, "data": data})
}

func invalid(name, text string) *failure {
	return &failure{http.StatusBadRequest, "rest_invalid_param", "Invalid parameter(s): " + name, map[string]string{name: text}}
}
