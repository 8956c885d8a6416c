package shopifytest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

type fields = map[string]any

func gid(typ string, id int64) string { return fmt.Sprintf("gid://shopify/%s/%d", typ, id) }

// bag is an amount in the shop's currency and in the customer's.
func bag(cents int64) *object {
	amount := func(cents int64, currency string) *object {
		return &object{"MoneyV2", fields{"amount": decimal(cents), "currencyCode": currency}}
	}
	return &object{"MoneyBag", fields{"shopMoney": amount(cents, "EUR"), "presentmentMoney": amount(cents*2, "USD")}}
}

// decimal writes cents as the shop does: with as few zeros as it can.
func decimal(cents int64) string {
	text := strconv.FormatFloat(float64(cents)/100, 'f', -1, 64)
	if cents%100 == 0 {
		text += ".0"
	}
	return text
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func ref(typ string, id int64) *object {
	if id == 0 {
		return nil
	}
	return &object{typ, fields{"id": gid(typ, id)}}
}

type line struct {
	id, product, variant int64
	quantity, current    int64
	unit                 int64 // in cents
	gift                 bool
}

type refund struct {
	id    int64
	at    time.Time
	lines map[int]int64 // pieces, by line
	cents int64
}

type order struct {
	id, customer               int64
	created, updated           time.Time
	cancelled, closed          time.Time
	financial, fulfilment, via string
	test, taxInside            bool
	lines                      []line
	discount, shipping, tax    int64
	refunds                    []refund
	code                       string
}

func (o *order) sums() (subtotal, total int64) {
	for _, l := range o.lines {
		subtotal += l.unit * l.quantity
	}
	subtotal -= o.discount
	total = subtotal + o.shipping
	if !o.taxInside {
		total += o.tax
	}
	return subtotal, total
}

// keys adds the keys of the rows that an order is.
func (o *order) keys(rows map[string][]string) {
	if o.test {
		return
	}
	id := strconv.FormatInt(o.id, 10)
	rows["shop.orders"] = append(rows["shop.orders"], id)
	n := 0
	for _, l := range o.lines {
		if !l.gift {
			n++
			rows["shop.order_lines"] = append(rows["shop.order_lines"], fmt.Sprintf("%s/%d", id, n))
		}
	}
	for _, r := range o.refunds {
		rows["shop.refunds"] = append(rows["shop.refunds"], strconv.FormatInt(r.id, 10))
	}
}

func (o *order) object() *object {
	subtotal, total := o.sums()
	var refunded int64
	f := fields{
		"id": gid("Order", o.id), "legacyResourceId": fmt.Sprint(o.id), "name": fmt.Sprintf("#%d", o.id), "number": o.id, "createdAt": stamp(o.created), "processedAt": stamp(o.created),
		"updatedAt": stamp(o.updated), "cancelledAt": nil, "closedAt": nil, "cancelReason": nil, "closed": !o.closed.IsZero(), "confirmed": true, "test": o.test, "fullyPaid": true,
		"taxesIncluded": o.taxInside, "currencyCode": "EUR", "presentmentCurrencyCode": "USD", "displayFinancialStatus": o.financial, "displayFulfillmentStatus": o.fulfilment,
		"returnStatus": "NO_RETURN", "email": fmt.Sprintf("c%d@example.com", o.customer), "phone": nil, "note": nil, "sourceName": o.via, "customer": ref("Customer", o.customer),
		"tags": []string{}, "discountCodes": []string{}, "paymentGatewayNames": []string{"shopify_payments"}, "totalPriceSet": bag(total), "currentTotalPriceSet": bag(total),
		"subtotalPriceSet": bag(subtotal), "totalDiscountsSet": bag(o.discount), "totalShippingPriceSet": bag(o.shipping), "totalTaxSet": bag(o.tax),
		"billingAddress": &object{"MailingAddress", fields{"city": "Berlin", "country": "Germany", "zip": "10115", "phone": "+49301234567"}}, "shippingAddress": nil,
	}
	if o.code != "" {
		f["discountCodes"] = []string{o.code, "SECOND"}
	}
	if !o.cancelled.IsZero() {
		f["cancelledAt"], f["cancelReason"] = stamp(o.cancelled), "CUSTOMER"
	}
	if !o.closed.IsZero() {
		f["closedAt"] = stamp(o.closed)
	}
	lines, refunds := connection{}, []*object{}
	for _, l := range o.lines {
		lines = append(lines, l.object())
	}
	for _, r := range o.refunds {
		refunded += r.cents
		refunds = append(refunds, r.object(o))
	}
	f["lineItems"], f["refunds"], f["totalRefundedSet"] = lines, refunds, bag(refunded)
	return &object{"Order", f}
}

func (l *line) object() *object {
	return &object{"LineItem", fields{
		"id": gid("LineItem", l.id), "title": "Lamp", "name": "Lamp - red", "variantTitle": "red", "sku": nil, "quantity": l.quantity, "currentQuantity": l.current, "refundableQuantity": l.current,
		"vendor": "Lux", "product": ref("Product", l.product), "variant": ref("ProductVariant", l.variant), "originalUnitPriceSet": bag(l.unit), "discountedUnitPriceSet": bag(l.unit),
		"originalTotalSet": bag(l.unit * l.quantity), "discountedTotalSet": bag(l.unit * l.quantity), "isGiftCard": l.gift, "taxable": true, "requiresShipping": true,
	}}
}

func (r *refund) object(o *order) *object {
	items := connection{}
	for at, n := range r.lines {
		l := o.lines[at]
		items = append(items, &object{"RefundLineItem", fields{
			"id": gid("RefundLineItem", r.id), "quantity": n, "restockType": "RETURN", "subtotalSet": bag(l.unit * n), "totalTaxSet": bag(0), "priceSet": bag(l.unit), "lineItem": ref("LineItem", l.id),
		}})
	}
	return &object{"Refund", fields{
		"id": gid("Refund", r.id), "createdAt": stamp(r.at), "processedAt": stamp(r.at), "updatedAt": stamp(r.at), "note": "defect", "totalRefundedSet": bag(r.cents), "refundLineItems": items,
	}}
}

type customer struct {
	id               int64
	created, updated time.Time
	marketing        string
}

func (c *customer) object() *object {
	f := fields{
		"id": gid("Customer", c.id), "legacyResourceId": fmt.Sprint(c.id), "displayName": "Anna Kim", "firstName": "Anna", "lastName": "Kim", "createdAt": stamp(c.created), "updatedAt": stamp(c.updated),
		"numberOfOrders": "3", "amountSpent": &object{"MoneyV2", fields{"amount": "310.0", "currencyCode": "EUR"}}, "state": "DISABLED", "tags": []string{"vip"}, "note": nil, "locale": "de", "verifiedEmail": true,
		"defaultEmailAddress": &object{"CustomerEmailAddress", fields{"emailAddress": fmt.Sprintf("c%d@example.com", c.id), "marketingState": c.marketing, "marketingUpdatedAt": nil}},
		"defaultPhoneNumber":  nil,
		"defaultAddress":      &object{"MailingAddress", fields{"city": "Berlin", "country": "Germany", "zip": "10115", "phone": nil}},
		"lastOrder":           nil,
	}
	if c.marketing == "" {
		f["defaultEmailAddress"] = nil
		f["defaultPhoneNumber"] = &object{"CustomerPhoneNumber", fields{"phoneNumber": "+49301234567", "marketingState": "NOT_SUBSCRIBED"}}
	}
	return &object{"Customer", f}
}

type product struct {
	id               int64
	created, updated time.Time
	status           string
	variants         []int64
	cents            int64
}

func (p *product) object() *object {
	variants := connection{}
	for _, id := range p.variants {
		variants = append(variants, &object{"ProductVariant", fields{"id": gid("ProductVariant", id), "sku": fmt.Sprintf("SKU-%d", id), "price": decimal(p.cents), "compareAtPrice": nil, "inventoryQuantity": 3, "updatedAt": stamp(p.updated)}})
	}
	return &object{"Product", fields{
		"id": gid("Product", p.id), "title": fmt.Sprintf("Lamp %d", p.id), "handle": "lamp", "status": p.status, "vendor": "Lux", "productType": "Lamps", "tags": []string{}, "createdAt": stamp(p.created),
		"updatedAt": stamp(p.updated), "publishedAt": nil, "totalInventory": 3, "variants": variants,
	}}
}

func (p *product) keys(rows map[string][]string) {
	for _, id := range append([]int64{p.id}, p.variants...) {
		rows["shop.products"] = append(rows["shop.products"], strconv.FormatInt(id, 10))
	}
}

type checkout struct {
	id, customer                int64
	created, updated, completed time.Time
	lines                       []line
}

func (c *checkout) object() *object {
	lines := connection{}
	var sum int64
	for _, l := range c.lines {
		sum += l.unit * l.quantity
		lines = append(lines, &object{"AbandonedCheckoutLineItem", fields{
			"id": gid("AbandonedCheckoutLineItem", l.id), "title": "Shade", "sku": "SHD", "quantity": l.quantity, "variantTitle": nil, "originalTotalPriceSet": bag(l.unit * l.quantity),
			"discountedTotalPriceSet": bag(l.unit * l.quantity), "originalUnitPriceSet": bag(l.unit), "product": ref("Product", l.product), "variant": ref("ProductVariant", l.variant),
		}})
	}
	f := fields{
		"id": gid("AbandonedCheckout", c.id), "name": fmt.Sprintf("#%d", c.id), "abandonedCheckoutUrl": "https://lamps.example.com/recover?key=s3cret", "createdAt": stamp(c.created), "updatedAt": stamp(c.updated),
		"completedAt": nil, "customer": (*object)(nil), "discountCodes": []string{}, "note": "", "taxesIncluded": false, "subtotalPriceSet": bag(sum), "totalPriceSet": bag(sum + 490), "totalDiscountSet": bag(0),
		"totalLineItemsPriceSet": bag(sum), "totalTaxSet": nil, "billingAddress": nil, "shippingAddress": nil, "lineItems": lines,
	}
	if c.customer != 0 {
		f["customer"] = (&customer{id: c.customer, marketing: "SUBSCRIBED"}).object()
	}
	if !c.completed.IsZero() {
		f["completedAt"] = stamp(c.completed)
	}
	return &object{"AbandonedCheckout", f}
}

// event tells a deletion.
type event struct {
	id, subject int64
	at          time.Time
	typ         string // Order
}

func (v *event) words() map[string]string {
	kind := map[string]string{"Order": "ORDER", "Customer": "CUSTOMER", "Product": "PRODUCT"}[v.typ]
	return map[string]string{"action": "destroy", "subject_type": kind}
}

func (v *event) object() *object {
	return &object{"BasicEvent", fields{"id": gid("BasicEvent", v.id), "createdAt": stamp(v.at), "action": "destroy", "subjectId": gid(v.typ, v.subject), "message": "was deleted"}}
}

// chance is where the data come from: the same for the same seed.
type chance struct{ r *rand.Rand }

func (c *chance) below(n int) int { return c.r.IntN(n) }

func pick[T any](c *chance, list ...T) T { return list[c.below(len(list))] }

// fill makes the data.
func (s *Shop) fill() {
	end := s.now()
	begin := end.AddDate(0, -s.options.Months, 0)
	span := end.Add(-time.Hour).Sub(begin)
	at := func(i, of int) time.Time {
		return begin.Add(span * time.Duration(i) / time.Duration(of)).Truncate(time.Second)
	}
	for i := range s.options.Orders / 8 {
		p := &product{id: s.id(), created: at(i, s.options.Orders/8), status: pick(s.chance, "ACTIVE", "ACTIVE", "DRAFT", "ARCHIVED"), cents: int64(1000 + 10*i)}
		for range 1 + i%3 {
			p.variants = append(p.variants, s.id())
		}
		if i == 3 { // more than come with a product
			for range 45 {
				p.variants = append(p.variants, s.id())
			}
		}
		p.updated = p.created
		s.products = append(s.products, p)
	}
	for i := range s.options.Orders {
		s.addCustomer(at(i, s.options.Orders))
		s.addOrder(at(i, s.options.Orders), i)
		if i%4 == 0 {
			s.addCheckout(at(i, s.options.Orders), i)
		}
	}
	for i := range min(60, s.options.Orders/2) { // an app changed many within a second
		s.orders[2*i].updated = end.AddDate(0, -1, 0)
	}
}

func (s *Shop) id() int64 {
	s.last += 7
	return s.last
}

func (s *Shop) addCustomer(at time.Time) *customer {
	c := &customer{id: s.id(), created: at, updated: at.Add(time.Minute), marketing: pick(s.chance, "SUBSCRIBED", "NOT_SUBSCRIBED", "UNSUBSCRIBED", "")}
	s.customers = append(s.customers, c)
	return c
}

func (s *Shop) lines(n int) []line {
	var list []line
	for range n {
		p := s.products[s.chance.below(len(s.products))]
		l := line{id: s.id(), product: p.id, variant: p.variants[0], quantity: int64(1 + s.chance.below(3)), unit: p.cents}
		if s.chance.below(30) == 0 {
			l.product, l.variant = 0, 0 // deleted since
		}
		l.gift = s.chance.below(40) == 0
		l.current = l.quantity
		list = append(list, l)
	}
	return list
}

func (s *Shop) addOrder(at time.Time, i int) *order {
	o := &order{
		id: s.id(), created: at, updated: at.Add(time.Duration(s.chance.below(300)) * time.Hour), lines: s.lines(1 + s.chance.below(3)), shipping: 490, taxInside: i%2 == 0, test: i%50 == 7,
		financial:  pick(s.chance, "PENDING", "AUTHORIZED", "PARTIALLY_PAID", "PAID", "PAID", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED", "EXPIRED"),
		fulfilment: pick(s.chance, "UNFULFILLED", "FULFILLED", "FULFILLED", "ON_HOLD"), via: pick(s.chance, "web", "pos", "shopify_draft_order"),
	}
	if i%70 == 9 { // more than come with an order
		o.lines = s.lines(130)
	}
	if i%3 != 0 {
		o.customer = s.customers[s.chance.below(len(s.customers))].id
	}
	if i%4 == 1 {
		o.discount, o.code = 100, "HELLO"
	}
	subtotal, _ := o.sums()
	o.tax = subtotal / 6
	if latest := s.now().Add(-time.Hour); o.updated.After(latest) {
		o.updated = at
	}
	switch o.financial {
	case "PARTIALLY_REFUNDED":
		s.refund(o, o.updated)
	case "VOIDED":
		o.cancelled = o.updated
	case "PAID":
		if i%5 == 0 {
			o.closed = o.updated
		}
	}
	s.orders = append(s.orders, o)
	return o
}

// refund pays one piece of the first line back.
func (s *Shop) refund(o *order, at time.Time) {
	o.refunds = append(o.refunds, refund{id: s.id(), at: at, lines: map[int]int64{0: 1}, cents: o.lines[0].unit})
	o.lines[0].current = max(o.lines[0].current-1, 0)
	o.financial, o.updated = "PARTIALLY_REFUNDED", at
}

func (s *Shop) addCheckout(at time.Time, i int) *checkout {
	c := &checkout{id: s.id(), created: at.Add(-time.Hour), updated: at.Add(5 * time.Minute), lines: s.lines(2)}
	if i%3 != 0 {
		c.customer = s.orders[len(s.orders)-1].customer
	}
	if i%8 == 0 {
		c.completed = at
	}
	s.checkouts = append(s.checkouts, c)
	return c
}
