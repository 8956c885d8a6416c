package woocommercetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// chance is where the data come from: the same for the same seed.
type chance struct{ r *rand.Rand }

func newChance(seed uint64) *chance { return &chance{rand.New(rand.NewPCG(seed, 7))} }

func (c *chance) below(n int) int { return c.r.IntN(n) }

func pick[T any](c *chance, list ...T) T { return list[c.below(len(list))] }

type customer struct {
	id                int64
	created, modified time.Time // modified may be none
	email, first      string
	role              string
}

type product struct {
	id                int64
	created, modified time.Time
	name, status      string
	price             int64 // in cents
	variations        []int64
}

type line struct {
	id, product, variation int64
	name, sku              string
	quantity, subtotal     int64 // in cents
	discount, tax          int64 // in cents
}

type refund struct {
	id      int64
	at      time.Time
	amount  int64 // in cents
	byLines bool
}

type order struct {
	id, customer            int64
	created, modified, paid time.Time
	status, via             string
	lines                   []line
	fee, shipping, shipTax  int64 // in cents
	coupon, email, currency string
	refunds                 []refund
}

func (o *order) total() (discount, tax, total int64) {
	total = o.fee + o.shipping
	for _, l := range o.lines {
		discount += l.discount
		tax += l.tax
		total += l.subtotal - l.discount
	}
	tax += o.shipTax
	return discount, tax, total + tax
}

// atCheckout says whether a customer made it.
func (o *order) atCheckout() bool { return o.via == "checkout" || o.via == "store-api" }

// keys adds the keys of the rows that an order is.
func (o *order) keys(rows map[string][]string) {
	id := strconv.FormatInt(o.id, 10)
	add := func(name, key string) { rows[name] = append(rows[name], key) }
	if o.status == "trash" {
		return
	}
	if o.atCheckout() || o.status == "checkout-draft" {
		add("shop.carts", id)
	}
	if o.status == "checkout-draft" || o.atCheckout() && (o.status == "pending" || o.status == "failed") {
		return
	}
	add("shop.orders", id)
	n := len(o.lines)
	if o.fee != 0 {
		n++
	}
	for i := range n {
		add("shop.order_lines", fmt.Sprintf("%s/%d", id, i+1))
	}
	for _, r := range o.refunds {
		add("shop.refunds", strconv.FormatInt(r.id, 10))
	}
}

func (p *product) keys(rows map[string][]string) {
	if p.status == "trash" {
		return
	}
	for _, id := range append([]int64{p.id}, p.variations...) {
		rows["shop.products"] = append(rows["shop.products"], strconv.FormatInt(id, 10))
	}
}

// fill makes the data.
func (s *Shop) fill() {
	o := s.options
	end := s.now()
	begin := end.AddDate(0, -o.Months, 0)
	span := end.Add(-time.Hour).Sub(begin)
	s.nextID = 10
	for i := range o.Products {
		s.addProduct(begin.Add(span*time.Duration(i)/time.Duration(o.Products)), i)
	}
	for i := range o.Customers {
		s.addCustomer(begin.Add(span * time.Duration(i) / time.Duration(o.Customers)))
	}
	for i := range o.Orders {
		created := begin.Add(span * time.Duration(i) / time.Duration(o.Orders)).Truncate(time.Second)
		customer := int64(0)
		if known := len(s.customers) * i / o.Orders; known > 0 && s.chance.below(4) > 0 {
			customer = s.customers[s.chance.below(known)].id
		}
		s.addOrder(created, customer)
	}
	// An import changed many orders within one second: more than a page of them.
	for i := range min(150, o.Orders/2) {
		s.orders[2*i].modified = end.AddDate(0, -1, 0)
	}
}

func (s *Shop) id() int64 {
	s.nextID++
	return s.nextID
}

func (s *Shop) addCustomer(at time.Time) *customer {
	c := &customer{id: s.id(), created: at.Truncate(time.Second), first: pick(s.chance, "Anna", "João", "Zoë"), role: pick(s.chance, "customer", "customer", "subscriber", "shop_manager")}
	c.email = fmt.Sprintf("c%d@example.com", c.id)
	if s.chance.below(3) > 0 {
		c.modified = c.created.Add(time.Minute)
	}
	s.customers = append(s.customers, c)
	return c
}

func (s *Shop) addProduct(at time.Time, i int) {
	p := &product{id: s.id(), created: at.Truncate(time.Second), modified: at.Truncate(time.Second), name: fmt.Sprintf("Lamp &amp; shade %d", i), status: "publish", price: int64(500 + 10*i)}
	switch {
	case i%17 == 5:
		p.status = "draft"
	case i%19 == 6:
		p.status = "trash"
	}
	if i%5 == 0 {
		for range 3 {
			p.variations = append(p.variations, s.id())
		}
	}
	s.products = append(s.products, p)
}

func (s *Shop) addOrder(at time.Time, customer int64) *order {
	o := &order{
		id: s.id(), customer: customer, created: at, modified: at.Add(time.Duration(s.chance.below(20*24)) * time.Hour), currency: "EUR",
		status: pick(s.chance, "processing", "completed", "completed", "completed", "completed", "on-hold", "cancelled", "failed", "pending", "refunded", "checkout-draft", "trash", "packed"),
		via:    pick(s.chance, "checkout", "checkout", "store-api", "admin", "rest-api"), email: fmt.Sprintf("c%d@example.com", customer),
	}
	if latest := s.now().Add(-time.Hour); o.modified.After(latest) {
		o.modified = at
	}
	if customer == 0 {
		o.email = fmt.Sprintf("guest%d@example.com", s.chance.below(300))
	}
	if o.status == "completed" || o.status == "refunded" || o.status == "processing" && s.chance.below(2) == 0 {
		o.paid = at.Add(time.Minute)
	}
	for range 1 + s.chance.below(4) {
		o.lines = append(o.lines, s.line())
	}
	if s.chance.below(4) == 0 {
		o.coupon = "hello"
		for i := range o.lines {
			o.lines[i].discount = o.lines[i].subtotal / 10
		}
	}
	o.shipping, o.shipTax = pick(s.chance, int64(0), 490, 990), 0
	if s.chance.below(9) == 0 {
		o.fee = pick(s.chance, int64(-100), 250)
	}
	if o.status == "refunded" {
		_, _, total := o.total()
		o.refunds = []refund{{id: s.id(), at: o.modified, amount: total}}
	} else if o.status == "completed" && s.chance.below(8) == 0 {
		o.refunds = []refund{s.refund(o, o.modified)}
	}
	s.orders = append(s.orders, o)
	return o
}

func (s *Shop) line() line {
	p := s.products[s.chance.below(len(s.products))]
	l := line{id: s.id(), product: p.id, name: p.name, quantity: int64(1 + s.chance.below(3)), sku: fmt.Sprintf("SKU-%d", p.id)}
	if len(p.variations) > 0 {
		l.variation = pick(s.chance, p.variations...)
	}
	if s.chance.below(30) == 0 {
		l.product, l.variation, l.sku = 0, 0, "" // deleted since
	}
	l.subtotal = p.price*l.quantity + int64(s.chance.below(2))
	l.tax = l.subtotal / 5
	return l
}

// refund is one of the first line of an order.
func (s *Shop) refund(o *order, at time.Time) refund {
	l := o.lines[0]
	return refund{id: s.id(), at: at, amount: l.subtotal - l.discount + l.tax, byLines: true}
}

// sorted are records in the order asked for.
func sorted[T any](list []T, less func(a, b T) int, descending bool) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, less)
	if descending {
		slices.Reverse(list)
	}
	return list
}
