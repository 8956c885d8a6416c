package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"slices"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// decimal is an amount of a MoneyBag, in the shop's currency.
type decimal entity.Decimal

// UnmarshalJSON reads {"shopMoney": {"amount": "1.0"}}. What is none counts as 0,
// and is told when the record is read as a row.
func (d *decimal) UnmarshalJSON(text []byte) error {
	var bag struct {
		Shop struct {
			Amount string `json:"amount"`
		} `json:"shopMoney"`
	}
	if json.Unmarshal(text, &bag) == nil {
		n, _ := entity.ParseDecimal(bag.Shop.Amount)
		*d = decimal(n)
	}
	return nil
}

// head is what is looked at of an order before its rows are made.
type head struct {
	Cancelled string  `json:"cancelledAt"`
	TaxInside bool    `json:"taxesIncluded"`
	Subtotal  decimal `json:"subtotalPriceSet"`
	Shipping  decimal `json:"totalShippingPriceSet"`
	Tax       decimal `json:"totalTaxSet"`
	Total     decimal `json:"totalPriceSet"`
	Refunded  decimal `json:"totalRefundedSet"`
	Discounts decimal `json:"totalDiscountsSet"`
	Refunds   []struct {
		ID    string  `json:"id"`
		Total decimal `json:"totalRefundedSet"`
	} `json:"refunds"`
	Lines struct {
		Nodes []lineOf `json:"nodes"`
	} `json:"lineItems"`
}

// accounts are the amounts of an order, without tax, in the shop's currency.
type accounts struct {
	discount, shipping, tax, goods, all decimal
	net                                 ratio // of an amount of goods that has tax in it
	edited                              bool  // lines count as they are now
}

// ratio is part of whole.
type ratio struct{ part, whole decimal }

// of is n × part ÷ whole, rounded half up.
func (r ratio) of(n decimal) decimal {
	if r.whole <= 0 || r.part == r.whole {
		return n
	}
	product := new(big.Int).Mul(big.NewInt(int64(n)), big.NewInt(int64(r.part)))
	product.Add(product, big.NewInt(int64(r.whole)/2))
	return decimal(product.Quo(product, big.NewInt(int64(r.whole))).Int64())
}

// account works out the amounts of an order. Where prices have the tax in them, the
// order's tax is taken out of goods and delivery by their share.
func (h *head) account() accounts {
	a := accounts{shipping: h.Shipping, tax: h.Tax, all: h.Total}
	// An order that was changed without paying anything back is worth what is left.
	a.edited = h.Refunded == 0 && h.Cancelled == ""
	var first, gifts decimal
	for _, l := range h.Lines.Nodes {
		if l.Gift {
			gifts += l.Unit * decimal(l.Quantity)
			continue
		}
		first += l.Unit * decimal(l.Quantity)
	}
	// The subtotal is of all lines after discounts; discounts of the delivery are not
	// in it.
	a.discount = max(first+gifts-h.Subtotal, 0)
	if h.Subtotal == 0 && h.Discounts < first {
		a.discount = h.Discounts
	}
	if h.TaxInside {
		whole := h.Subtotal + h.Shipping
		a.net = ratio{part: max(whole-h.Tax, 0), whole: whole}
		a.discount, a.shipping = a.net.of(a.discount), a.net.of(a.shipping)
	}
	a.goods = max(h.Subtotal-gifts, 0)
	return a
}

// lineOf is what is looked at of a line.
type lineOf struct {
	Quantity int64   `json:"quantity"`
	Current  int64   `json:"currentQuantity"`
	Gift     bool    `json:"isGiftCard"`
	Unit     decimal `json:"originalUnitPriceSet"`
}

// orders makes the rows of some orders.
func (r *run) orders(ctx context.Context, records []json.RawMessage) error {
	heads := make([]head, len(records))
	var ids []string
	for i, raw := range records {
		_ = json.Unmarshal(raw, &heads[i]) // what is wrong with it is told when it is read as a record
		for _, refund := range heads[i].Refunds {
			if refund.Total > 0 {
				ids = append(ids, refund.ID)
			}
		}
	}
	details, err := r.refundLines(ctx, ids)
	if err != nil {
		return err
	}
	for i, raw := range records {
		if err := r.order(ctx, raw, &heads[i], details); err != nil {
			return err
		}
	}
	return nil
}

// refundLines are what a refund says of the goods it is for.
type refundLines struct {
	ID    string `json:"id"`
	Lines struct {
		Info  pageInfo `json:"pageInfo"`
		Nodes []struct {
			Subtotal decimal `json:"subtotalSet"`
			Tax      decimal `json:"totalTaxSet"`
		} `json:"nodes"`
	} `json:"refundLineItems"`
}

const refundsDocument = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Refund { id refundLineItems(first: 20) { pageInfo { hasNextPage endCursor } nodes { subtotalSet ` + money + ` totalTaxSet ` + money + ` } } } } }`

// refundsAtOnce is how many refunds are asked for with one query.
const refundsAtOnce = 20

// refundLines gets the lines of refunds, which no list of orders has: a bulk
// operation may not have a list within a list.
func (r *run) refundLines(ctx context.Context, ids []string) (map[string]*refundLines, error) {
	found := map[string]*refundLines{}
	for size := refundsAtOnce; len(ids) > 0; {
		n := min(len(ids), size)
		var got struct {
			Nodes []*refundLines `json:"nodes"`
		}
		_, err := r.s.query(ctx, "refunds", refundsDocument, map[string]any{"ids": ids[:n]}, &got)
		if errors.Is(err, errTooDear) && size > 1 {
			size /= 2
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, refund := range got.Nodes {
			if refund != nil { // null has gone meanwhile
				found[refund.ID] = refund
			}
		}
		ids = ids[n:]
	}
	return found, nil
}

// forGoods is how much of a refund was paid back for goods, without tax. What it
// says of no line is shared out as the order's total is.
func (a *accounts) forGoods(total decimal, lines *refundLines, taxInside bool) decimal {
	var goods, tax decimal
	whole := false
	if lines != nil {
		for _, l := range lines.Lines.Nodes {
			goods += l.Subtotal
			tax += l.Tax
		}
		whole = !lines.Lines.Info.More
	}
	charged := goods
	if !taxInside {
		charged += tax
	}
	switch {
	case goods == 0 || !whole:
		goods = ratio{part: a.goods, whole: a.all}.of(total)
	case charged > total:
		goods = ratio{part: total, whole: charged}.of(goods)
	}
	return a.net.of(goods)
}

// order makes the rows of one order.
func (r *run) order(ctx context.Context, raw json.RawMessage, h *head, details map[string]*refundLines) error {
	rec := r.rows.Record(raw)
	rec.Need("id", "createdAt", "updatedAt", "lineItems")
	if rec.Bool("test").V {
		rec.Ignore()
		return r.rows.End(ctx, rec)
	}
	a := h.account()
	row := r.readOrder(rec, &a)
	lines, from := r.readLines(rec, h, &a, row)
	row.LineCount = entity.Some(int64(len(lines)))
	refunds, parts := r.readRefunds(rec, h, &a, row, details)
	var refunded decimal
	for i := range refunds {
		refunded += decimal(refunds[i].Amount.V)
	}
	row.Refunded = entity.Some(entity.Decimal(refunded))
	row.NetRevenue = entity.Some(row.ItemsTotal.V - row.Discount.V - row.Refunded.V)
	record.Add(rec, row)
	for i := range lines {
		record.Add(from[i], &lines[i])
	}
	for i := range refunds {
		record.Add(parts[i], &refunds[i])
	}
	return r.rows.End(ctx, rec)
}

// readOrder reads what is not of its lines and refunds.
func (r *run) readOrder(rec *record.Record, a *accounts) *entity.Order {
	customer, billing := rec.Object("customer"), rec.Object("billingAddress")
	codes := rec.Texts("discountCodes")
	rec.Keep("discountCodes", "displayFinancialStatus", "displayFulfillmentStatus", "sourceName", "totalPriceSet", "totalRefundedSet", "customer", "taxesIncluded")
	row := &entity.Order{
		ID: number(rec.Text("id")), Number: rec.Text("name"), CustomerID: number(customer.Text("id")), Email: rec.Text("email"),
		Phone: rec.Text("phone"), OrderedAt: rec.Time("processedAt"), Status: status(rec), Currency: r.currency(rec, "totalPriceSet"),
		Discount: entity.Some(entity.Decimal(a.discount)), Shipping: entity.Some(entity.Decimal(a.shipping)),
		Tax: entity.Some(entity.Decimal(a.tax)), Channel: rec.Text("sourceName"),
	}
	if !row.OrderedAt.OK {
		row.OrderedAt = rec.Time("createdAt")
	}
	if phone := billing.Text("phone"); row.Phone == "" {
		row.Phone = phone
	}
	if len(codes) > 0 {
		row.Coupon = codes[0]
	}
	for _, bag := range []string{"subtotalPriceSet", "totalDiscountsSet", "totalShippingPriceSet", "totalTaxSet"} {
		amountOf(rec, bag)
	}
	row.SourceUpdatedAt = rec.Time("updatedAt")
	return row
}

// status says what the states of an order come to.
func status(rec *record.Record) string {
	paid := rec.Text("displayFinancialStatus")
	fulfilled := rec.Text("displayFulfillmentStatus")
	cancelled, closed := rec.Time("cancelledAt").OK, rec.Time("closedAt").OK
	rec.Keep("cancelledAt", "closedAt")
	switch {
	case cancelled, paid == "VOIDED", paid == "EXPIRED":
		return "cancelled"
	case closed, paid == "REFUNDED":
		return "completed"
	case fulfilled == "FULFILLED":
		return "shipped"
	case paid == "PAID", paid == "PARTIALLY_REFUNDED":
		return "paid"
	}
	return "placed"
}

// amountOf reads a MoneyBag, so that one of another form is told.
func amountOf(rec *record.Record, name string) entity.Opt[entity.Decimal] {
	return rec.Object(name).Object("shopMoney").Decimal("amount")
}

// currency is that of a MoneyBag, or the shop's.
func (r *run) currency(rec *record.Record, name string) string {
	if text := rec.Object(name).Object("shopMoney").Text("currencyCode"); text != "" {
		return text
	}
	return r.shop.Currency
}

// readLines reads the goods of an order.
func (r *run) readLines(rec *record.Record, h *head, a *accounts, row *entity.Order) (lines []entity.OrderLine, from []*record.Record) {
	var sum entity.Decimal
	for i, l := range rec.Object("lineItems").List("nodes") {
		quantity, current := l.Int("quantity"), l.Int("currentQuantity")
		price := amountOf(l, "originalUnitPriceSet")
		l.Keep("quantity", "currentQuantity", "originalUnitPriceSet", "product")
		if l.Bool("isGiftCard").V || i >= len(h.Lines.Nodes) {
			continue
		}
		line := entity.OrderLine{
			OrderID: row.ID, LineNo: int64(len(lines) + 1), ProductID: productOf(l), SKU: l.Text("sku"), Name: l.Text("name"),
			Price: entity.Some(entity.Decimal(a.net.of(decimal(price.V)))), Discount: entity.Some(entity.Decimal(0)),
		}
		n := quantity.V
		if a.edited && current.OK {
			n = current.V
		}
		line.Quantity = entity.Some(entity.Decimal(n * 10_000))
		line.SourceUpdatedAt = row.SourceUpdatedAt
		sum += line.Price.V * entity.Decimal(n)
		lines, from = append(lines, line), append(from, l)
	}
	row.ItemsTotal = entity.Some(sum)
	return lines, from
}

// productOf is the variant that was sold, or its product.
func productOf(line *record.Record) string {
	product := number(line.Object("product").Text("id"))
	if variant := number(line.Object("variant").Text("id")); variant != "" {
		return variant
	}
	return product
}

// readRefunds reads what was paid back. Where nothing was, as when an unpaid line
// was taken off, there is no refund.
func (r *run) readRefunds(rec *record.Record, h *head, a *accounts, row *entity.Order, details map[string]*refundLines) (refunds []entity.Refund, parts []*record.Record) {
	for i, part := range rec.List("refunds") {
		if i >= len(h.Refunds) || h.Refunds[i].Total <= 0 {
			continue
		}
		amountOf(part, "totalRefundedSet")
		part.Keep("totalRefundedSet")
		refund := entity.Refund{
			ID: number(part.Text("id")), OrderID: row.ID, At: part.Time("createdAt"), Reason: part.Text("note"),
			Amount: entity.Some(entity.Decimal(a.forGoods(h.Refunds[i].Total, details[h.Refunds[i].ID], h.TaxInside))),
		}
		if processed := part.Time("processedAt"); !refund.At.OK {
			refund.At = processed
		}
		refund.SourceUpdatedAt = row.SourceUpdatedAt
		refunds, parts = append(refunds, refund), append(parts, part)
	}
	return slices.Clip(refunds), parts
}
