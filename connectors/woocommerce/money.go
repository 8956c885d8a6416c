package woocommerce

import (
	"encoding/json"
	"math/big"
	"strings"

	"winback/connectors/entity"
)

// Refunds are written down as what was paid back in all, delivery and tax included,
// and mostly with the lines that it was paid back for. Revenue is that of the goods,
// without tax and delivery: so that is what counts of a refund too. What a refund
// says of no line is shared out as the order's total is.

// amount is a number in a text or as such; what is none counts as 0, and is told
// when the record is read as a row.
type amount entity.Decimal

// UnmarshalJSON never fails.
func (a *amount) UnmarshalJSON(text []byte) error {
	n, _ := entity.ParseDecimal(strings.Trim(string(text), `" `))
	*a = amount(n)
	return nil
}

func (a amount) abs() amount { return max(a, -a) }

// charge is a line of an order or a refund: goods, a fee, or delivery.
type charge struct {
	Total    amount `json:"total"`
	TotalTax amount `json:"total_tax"`
}

// refund is what is looked at of a refund before its row is made.
type refund struct {
	ID       int64    `json:"id"`
	Order    int64    `json:"parent_id"`
	Amount   amount   `json:"amount"`
	Lines    []charge `json:"line_items"`
	Fees     []charge `json:"fee_lines"`
	Shipping []charge `json:"shipping_lines"`
}

// share is what of an order's total is paid for goods.
type share struct{ goods, total amount }

// head is what is looked at of an order before its rows are made.
type head struct {
	ID       int64  `json:"id"`
	Status   string `json:"status"`
	Modified string `json:"date_modified_gmt"`
	Total    amount `json:"total"`
	Shipping amount `json:"shipping_total"`
	Tax      amount `json:"total_tax"`
	Refunds  []struct {
		ID    int64  `json:"id"`
		Total amount `json:"total"`
	} `json:"refunds"`
}

func (h *head) share() share {
	return share{goods: max(h.Total-h.Shipping-h.Tax, 0), total: h.Total}
}

// forGoods is how much of a refund was paid back for goods, positive.
func (r *refund) forGoods(s share) entity.Decimal {
	var goods, other amount
	for _, c := range append(append([]charge(nil), r.Lines...), r.Fees...) {
		goods += c.Total.abs()
		other += c.TotalTax.abs()
	}
	for _, c := range r.Shipping {
		other += c.Total.abs() + c.TotalTax.abs()
	}
	all := r.Amount.abs()
	if listed := goods + other; listed > all {
		return entity.Decimal(portion(all, goods, listed))
	}
	return entity.Decimal(goods + portion(all-goods-other, s.goods, s.total))
}

// portion is n × part ÷ whole, rounded half up; all of n where there is no whole.
func portion(n, part, whole amount) amount {
	if whole <= 0 || part >= whole {
		return n
	}
	product := new(big.Int).Mul(big.NewInt(int64(n)), big.NewInt(int64(part)))
	product.Add(product, big.NewInt(int64(whole)/2))
	return amount(product.Quo(product, big.NewInt(int64(whole))).Int64())
}

// unit is the price of one of a quantity that costs a total, and the discount that
// is left when the price was rounded up to four digits: quantity × price − discount
// is the total exactly. Without a quantity the line is one piece.
func unit(total, quantity entity.Decimal) (price, discount, pieces entity.Decimal) {
	const one = entity.Decimal(10_000)
	if quantity == 0 {
		return total, 0, one
	}
	n := new(big.Int).Mul(big.NewInt(int64(total)), big.NewInt(int64(one)))
	quotient, rest := new(big.Int).QuoRem(n, big.NewInt(int64(quantity)), new(big.Int))
	price = entity.Decimal(quotient.Int64())
	if rest.Sign() != 0 && rest.Sign() == big.NewInt(int64(quantity)).Sign() {
		price++
	}
	if product, err := price.Mul(quantity); err == nil && product > total {
		discount = product - total
	}
	return price, discount, quantity
}

// decimals of a record that were read already.
func orZero(d entity.Opt[entity.Decimal]) entity.Decimal { return d.V }

func headOf(raw json.RawMessage) (h head, err error) { return h, json.Unmarshal(raw, &h) }
