package woocommercetest

import (
	"fmt"
	"time"
)

// m is a JSON object.
type m = map[string]any

// money writes cents as the shop does.
func money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// stamp writes a time twice: in the shop's zone and in UTC.
func stamp(into m, name string, at time.Time) {
	into[name], into[name+"_gmt"] = nil, nil
	if !at.IsZero() {
		into[name], into[name+"_gmt"] = at.In(zone).Format(naive), at.UTC().Format(naive)
	}
}

func person(first, email, phone string) m {
	return m{"first_name": first, "last_name": "Kim", "company": "", "address_1": "Lenina 1", "address_2": "", "city": "Kazan", "state": "", "postcode": "420000", "country": "RU", "email": email, "phone": phone}
}

func (o *order) json() m {
	discount, tax, total := o.total()
	j := m{
		"id": o.id, "parent_id": 0, "number": fmt.Sprint(o.id), "order_key": "wc_order_s3cretkey", "created_via": o.via, "version": "9.6.0", "status": o.status, "currency": o.currency,
		"discount_total": money(discount), "discount_tax": "0.00", "shipping_total": money(o.shipping), "shipping_tax": money(o.shipTax), "cart_tax": money(tax - o.shipTax),
		"total": money(total), "total_tax": money(tax), "prices_include_tax": true, "customer_id": o.customer, "customer_ip_address": "203.0.113.9",
		"customer_user_agent": "Mozilla/5.0", "customer_note": "", "billing": person("Anna", o.email, "+79160000001"), "shipping": person("Anna", "", ""),
		"payment_method": "cod", "payment_method_title": "Cash", "transaction_id": "", "cart_hash": "9f",
		"meta_data":  []m{{"id": 1, "key": "_wc_order_attribution_utm_source", "value": "yandex"}, {"id": 2, "key": "_odd", "value": m{"a": []int{1}}}},
		"line_items": []m{}, "tax_lines": []m{}, "fee_lines": []m{}, "coupon_lines": []m{}, "refunds": []m{},
		"shipping_lines": []m{{"id": 317, "method_title": "Courier", "method_id": "flat_rate", "instance_id": "1", "total": money(o.shipping), "total_tax": money(o.shipTax), "taxes": []m{}, "meta_data": []m{}}},
		"payment_url":    "https://shop.example.com/checkout/order-pay/1/?key=wc_order_s3cretkey", "is_editable": false, "needs_payment": false, "needs_processing": true,
	}
	stamp(j, "date_created", o.created)
	stamp(j, "date_modified", o.modified)
	stamp(j, "date_paid", o.paid)
	stamp(j, "date_completed", time.Time{})
	for _, l := range o.lines {
		j["line_items"] = append(j["line_items"].([]m), l.json())
	}
	if o.fee != 0 {
		j["fee_lines"] = []m{{"id": 9, "name": "Fee", "tax_class": "", "tax_status": "taxable", "amount": money(o.fee), "total": money(o.fee), "total_tax": "0.00", "taxes": []m{}, "meta_data": []m{}}}
	}
	if o.coupon != "" {
		j["coupon_lines"] = []m{{"id": 318, "code": o.coupon, "discount": money(discount), "discount_tax": "0.00", "meta_data": []m{}}}
	}
	for _, r := range o.refunds {
		j["refunds"] = append(j["refunds"].([]m), m{"id": r.id, "reason": "defect", "total": money(-r.amount)})
	}
	return j
}

func (l *line) json() m {
	total := l.subtotal - l.discount
	j := m{
		"id": l.id, "name": l.name, "product_id": l.product, "variation_id": l.variation, "quantity": l.quantity, "tax_class": "", "subtotal": money(l.subtotal), "subtotal_tax": money(l.tax),
		"total": money(total), "total_tax": money(l.tax), "taxes": []m{}, "meta_data": []m{}, "sku": l.sku, "price": float64(total) / 100 / float64(l.quantity), "image": m{"id": "", "src": ""}, "parent_name": nil,
	}
	if l.sku == "" {
		j["sku"] = nil
	}
	return j
}

func (r *refund) json(o *order) m {
	j := m{
		"id": r.id, "parent_id": o.id, "amount": money(r.amount), "reason": "defect", "refunded_by": 1, "refunded_payment": false, "meta_data": []m{},
		"line_items": []m{}, "shipping_lines": []m{}, "tax_lines": []m{}, "fee_lines": []m{},
	}
	stamp(j, "date_created", r.at)
	if r.byLines {
		l := o.lines[0]
		line := l.json()
		line["quantity"], line["subtotal"], line["total"], line["total_tax"] = -l.quantity, money(l.discount-l.subtotal), money(l.discount-l.subtotal), money(-l.tax)
		line["meta_data"] = []m{{"id": 9, "key": "_refunded_item_id", "value": fmt.Sprint(l.id)}}
		j["line_items"] = []m{line}
	}
	return j
}

func (c *customer) json() m {
	j := m{
		"id": c.id, "email": c.email, "first_name": c.first, "last_name": "Kim", "role": c.role, "username": fmt.Sprintf("u%d", c.id),
		"billing": person(c.first, c.email, "+79160000001"), "shipping": person("", "", ""), "is_paying_customer": true, "avatar_url": "https://secure.gravatar.com/avatar/0?s=96", "meta_data": []m{},
	}
	stamp(j, "date_created", c.created)
	stamp(j, "date_modified", c.modified)
	return j
}

func (p *product) json() m {
	j := m{
		"id": p.id, "name": p.name, "slug": "lamp", "permalink": "https://shop.example.com/lamp", "type": "simple", "status": p.status, "featured": false, "catalog_visibility": "visible",
		"sku": fmt.Sprintf("SKU-%d", p.id), "price": money(p.price), "regular_price": money(p.price), "sale_price": "", "on_sale": false, "purchasable": true, "total_sales": "3",
		"manage_stock": false, "stock_quantity": nil, "stock_status": "instock", "categories": []m{{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}, {"id": 16, "name": "Light &amp; shade", "slug": "light"}},
		"tags": []m{}, "attributes": []m{}, "variations": []int64{}, "parent_id": 0, "meta_data": []m{},
	}
	if len(p.variations) > 0 {
		j["type"], j["variations"], j["price"] = "variable", p.variations, ""
	}
	stamp(j, "date_created", p.created)
	stamp(j, "date_modified", p.modified)
	return j
}

func (p *product) variation(id int64, i int) m {
	j := m{
		"id": id, "permalink": "https://shop.example.com/lamp?v", "status": "publish", "sku": fmt.Sprintf("SKU-%d", id), "price": money(p.price + int64(i)), "regular_price": money(p.price), "sale_price": "",
		"on_sale": false, "manage_stock": "parent", "stock_quantity": nil, "stock_status": "instock", "attributes": []m{{"id": 0, "name": "Colour", "option": fmt.Sprintf("Red %d", i)}}, "meta_data": []m{},
	}
	stamp(j, "date_created", p.created)
	stamp(j, "date_modified", p.modified)
	return j
}
