package demo

import (
	"bytes"

	"winback/connectors/entity"
)

// writeItem adds a line to the order being made, as WooCommerce has it: the price
// that is asked, the sum, and what plugins add.
func (s *shop) writeItem(p *product, number, quantity int, price, cut entity.Decimal) {
	t := s.beginItem(p, number)
	t.key("quantity")
	t.row = appendInt(t.row, quantity)
	s.endItem(p, price, cut, price*entity.Decimal(quantity))
}

// writeBadItem adds a line whose quantity somebody typed in words.
func (s *shop) writeBadItem() {
	p := &s.w.catalogue.products[0]
	t := s.beginItem(p, s.order.lineCount+1)
	t.str("quantity", []string{"1O", "два", "one", "?"}[s.d.below(4)])
	s.endItem(p, p.price, 0, p.price)
	s.count.dirt.BadValues++
}

func (s *shop) beginItem(p *product, number int) *table {
	t := &s.items
	if len(t.row) > 0 {
		t.row = append(t.row, ',')
	}
	t.row = append(t.row, '{')
	t.key("id")
	t.row = appendInt(t.row, s.order.id*16+number)
	t.str("name", p.name)
	t.key("product_id")
	t.row = append(t.row, p.idText...)
	return t
}

func (s *shop) endItem(p *product, price, cut, sum entity.Decimal) {
	t := &s.items
	t.cash("subtotal", sum)
	t.cash("total", sum-cut)
	t.str("sku", p.sku)
	t.key("price")
	t.row = appendCents(t.row, price, '.')
	t.key("meta_data")
	t.row = append(t.row, `[{"key":"_line_discount","value":"`...)
	t.row = appendCents(t.row, cut, '.')
	t.row = append(t.row, `"},{"key":"_wc_cog_item_cost","value":"`...)
	t.row = append(append(t.row, p.costText...), `"}]}`...)
}

// writeOrder writes the order as WooCommerce's REST interface answers.
func (s *shop) writeOrder() {
	o, t := &s.order, s.orders
	if t.rows > 0 {
		t.row = append(t.row, ',')
	}
	t.row = append(t.row, '\n')
	from := len(t.row)
	t.row = append(t.row, '{')
	t.key("id")
	t.row = appendInt(t.row, o.id)
	t.key("number")
	t.row = append(appendInt(append(t.row, `"W-`...), o.id), '"')
	t.str("status", s.status())
	t.str("currency", Currency)
	t.key("date_created")
	t.row = append(append(append(t.row, '"'), s.w.dayText(o.day)...), 'T')
	t.row = append(appendClock(t.row, int(o.second)%86_400), '"')
	t.cash("subtotal", o.items)
	t.cash("discount_total", o.discount)
	t.cash("shipping_total", s.shipping())
	t.cash("total", o.goods()+s.shipping())
	s.writeContacts()
	channel := s.channel()
	t.str("created_via", channel)
	s.writeMeta(channel)
	t.key("line_items")
	t.row = append(append(append(t.row, '['), s.items.row...), ']')
	s.writeExtras()
	t.row = append(t.row, '}')
	t.rows += int64(o.lineCount)
	s.soil(from)
	t.endRow()
}

// soil now and then writes the order being made a second time, or what the
// interface answers instead of one that its user may not see.
func (s *shop) soil(from int) {
	t := s.orders
	switch fate := s.d.below(10_000); {
	case fate == 0:
		s.count.dirt.RepeatedLines++
		s.count.dirt.RepeatedRows += 1 + s.order.lineCount
		again := bytes.Clone(t.row[from:])
		t.row = append(append(t.row, ",\n"...), again...)
	case fate < 3:
		s.count.dirt.MissingIDs++
		t.row = append(t.row, ",\n"+`{"code":"woocommerce_rest_cannot_view","message":"Sorry, you cannot view this resource.","data":{"status":403}}`...)
	}
}

// writeContacts writes who ordered: an account, 0 for none, the e-mail address and,
// often, the phone number.
func (s *shop) writeContacts() {
	o, t, c := &s.order, s.orders, &s.c
	second := o.flags&onSecondAccount != 0
	guest := o.flags&withoutLogin != 0
	account := 0
	switch {
	case second:
		account = c.accountID(1)
	case !guest:
		account = c.accountID(0)
	}
	t.key("customer_id")
	t.row = appendInt(t.row, account)
	t.key("billing")
	t.row = append(t.row, `{"email":"`...)
	from := len(t.row)
	if second && c.duplicate == samePhone {
		t.row = c.appendOtherEmail(t.row)
	} else {
		t.row = c.appendEmail(t.row)
	}
	if guest && s.d.chance(4_000) || second && c.duplicate != samePhone {
		shoutEmail(t.row, from, &s.d)
	}
	t.row = append(t.row, `","phone":"`...)
	if style := s.d.below(phoneStyles); guest || s.d.chance(3_000) && !(second && c.duplicate == sameEmail) {
		t.row = c.appendPhone(t.row, style)
	}
	t.row = append(t.row, `"}`...)
}

// writeMeta writes what plugins keep with an order: the days of delivery, promised
// and real, and the cart.
func (s *shop) writeMeta(channel string) {
	o, t := &s.order, s.orders
	promised, delivered := "", ""
	if o.flags&isCancelled == 0 {
		promised = s.w.dayText(o.day + promisedDays)
		if o.delivered <= s.w.lastDay {
			delivered = s.w.dayText(o.delivered)
		}
	}
	t.key("meta_data")
	t.row = append(t.row, `[{"key":"_delivery_promised","value":"`...)
	t.row = append(append(t.row, promised...), `"},{"key":"_delivered","value":"`...)
	t.row = append(append(t.row, delivered...), `"},{"key":"_cart_id","value":"`...)
	if cart := s.cart(channel); cart > 0 {
		t.row = appendInt(t.row, cart)
	}
	t.row = append(t.row, `"}]`...)
}

// cart writes the cart that an order was made from, and returns its number, or
// notes the call by which the order came.
func (s *shop) cart(channel string) int {
	switch channel {
	case "web", "app":
		return s.baskets.ordered(&s.order, &s.c, channel)
	case "phone":
		s.exchange.ordered(&s.order, &s.c)
	}
	return 0
}

// refundsKnown is for how many days after an order the shop hears of refunds;
// later ones the accountant pays by hand.
const refundsKnown = 25

// writeExtras writes the coupon and what the shop knows to have been paid back.
// When that was, and the rest, only the accountant knows.
func (s *shop) writeExtras() {
	o, t := &s.order, s.orders
	t.key("coupon_lines")
	t.row = append(t.row, '[')
	if o.coupon != "" {
		t.row = append(t.row, '{')
		t.str("code", o.coupon)
		t.cash("discount", o.discount)
		t.row = append(t.row, '}')
	}
	t.row = append(t.row, ']')
	t.key("refunds")
	t.row = append(t.row, '[')
	if o.refund.amount > 0 && o.refund.day <= min(s.w.lastDay, o.day+refundsKnown) {
		t.row = append(t.row, '{')
		t.key("id")
		t.row = appendInt(t.row, 9_000_000+o.id)
		t.str("reason", o.refund.reason)
		t.cash("total", -o.refund.amount)
		t.row = append(t.row, '}')
	}
	t.row = append(t.row, ']')
}
