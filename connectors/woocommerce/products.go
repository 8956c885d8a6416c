package woocommerce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/window"
)

// productRun is one extraction of products.
type productRun struct {
	s        *source
	req      connectors.Request
	rows     *record.Rows
	currency string // of prices, once it is known
}

func (s *source) extractProducts(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	m, again, err := lastMark(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	now, err := s.now(ctx)
	if err != nil {
		return connectors.Extracted{}, err
	}
	run := &productRun{s: s, req: req, rows: s.rows(req, sink, productSchema, productFields, m.Unknown), currency: s.config.Currency}
	switch {
	case req.Range != nil:
		err = run.changed(ctx, window.Window{From: req.Range.From, Until: req.Range.Until})
	case s.due(m, again, now):
		err = s.readOn(ctx, &m, now, req.Sample, run.whole())
	default:
		until := now.Add(-lag)
		err = run.changed(ctx, window.Window{From: m.Until.Add(-s.overlap()), Until: until})
		m.Until = until
	}
	if err == nil {
		err = run.rows.Close(ctx)
	}
	if err != nil || req.Range != nil {
		return connectors.Extracted{}, err
	}
	s.tellNoise(req)
	m.Unknown = run.rows.Unknown()
	return m.extracted()
}

// productStatuses are the lists that products are in.
var productStatuses = []string{anyStatus, trashStatus}

// whole is the reading of all products.
func (run *productRun) whole() part {
	p := part{each: run.page, ended: func(_, rows int) { run.rows.Expect(productSchema, int64(max(rows, 0))) }}
	for _, status := range productStatuses {
		p.lists = append(p.lists, list{path: "products", query: url.Values{"status": {status}}})
	}
	return p
}

// changed reads what was changed within a window.
func (run *productRun) changed(ctx context.Context, w window.Window) error {
	for i, status := range productStatuses {
		query := during(w)
		query.Set("status", status)
		walk := run.s.walk(list{path: "products", query: query}, run.req.Sample)
		for !walk.done {
			products, err := walk.next(ctx)
			if err != nil {
				return err
			}
			if err := run.page(ctx, i, products); err != nil {
				return err
			}
		}
		run.rows.Expect(productSchema, int64(max(walk.total, 0)))
	}
	return nil
}

// page makes the rows of some products and their variations.
func (run *productRun) page(ctx context.Context, at int, products []json.RawMessage) error {
	if err := run.findCurrency(ctx, products); err != nil {
		return err
	}
	variations, err := run.variations(ctx, products)
	if err != nil {
		return err
	}
	run.rows.Page("products, " + productStatuses[at])
	for i, raw := range products {
		parent, err := run.product(ctx, raw)
		if err != nil {
			return err
		}
		for _, raw := range variations[i] {
			if err := run.variation(ctx, raw, parent); err != nil {
				return err
			}
		}
		run.rows.Expect(productSchema, int64(len(variations[i])))
	}
	return nil
}

// findCurrency asks for the currency of the newest order, as products have none.
func (run *productRun) findCurrency(ctx context.Context, products []json.RawMessage) error {
	if run.currency != "" || len(products) == 0 {
		return nil
	}
	run.currency = run.s.currency
	query := url.Values{"per_page": {"1"}, "orderby": {"id"}, "order": {"desc"}, "_fields": {"id,currency"}}
	p, err := run.s.get(ctx, restapi.Request{Path: run.s.config.path("orders"), What: "orders", Query: query}, false)
	if restapi.StatusOf(err) == http.StatusForbidden {
		return nil // the key's user sees products alone
	}
	var newest struct {
		Currency string `json:"currency"`
	}
	if len(p.rows) > 0 && json.Unmarshal(p.rows[0], &newest) == nil && newest.Currency != "" {
		run.currency = newest.Currency
	}
	return err
}

// variations gets the variations of products that come in several, by place.
func (run *productRun) variations(ctx context.Context, products []json.RawMessage) ([][]json.RawMessage, error) {
	all := make([][]json.RawMessage, len(products))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, raw := range products {
		var p struct {
			ID         int64             `json:"id"`
			Status     string            `json:"status"`
			Variations []json.RawMessage `json:"variations"`
		}
		if json.Unmarshal(raw, &p) != nil || len(p.Variations) == 0 || p.Status == trashStatus {
			continue
		}
		group.Go(func() error {
			walk := run.s.walk(list{path: fmt.Sprintf("products/%d/variations", p.ID)}, 0)
			for !walk.done {
				rows, err := walk.next(ctx)
				if restapi.StatusOf(err) == http.StatusNotFound {
					return nil // the product has gone meanwhile
				}
				if err != nil {
					return err
				}
				mu.Lock()
				all[i] = append(all[i], rows...)
				mu.Unlock()
			}
			return nil
		})
	}
	return all, group.Wait()
}

// product makes the row of a product.
func (run *productRun) product(ctx context.Context, raw json.RawMessage) (*entity.Product, error) {
	r := run.rows.Record(raw)
	r.Need("id", "name", "status")
	r.Drop("_links")
	p := run.common(r)
	p.Name = plain(r.Text("name"))
	p.Category = category(r)
	if brands := r.List("brands"); len(brands) > 0 {
		p.Brand = plain(brands[0].Text("name"))
	}
	record.Add(r, p)
	return p, run.rows.End(ctx, r)
}

// variation makes the row of a variation, which has the name and the category of
// its product.
func (run *productRun) variation(ctx context.Context, raw json.RawMessage, parent *entity.Product) error {
	r := run.rows.Record(raw)
	r.Need("id", "status")
	r.Drop("_links")
	p := run.common(r)
	name := []string{parent.Name}
	for _, a := range r.List("attributes") {
		if option := plain(a.Text("option")); option != "" {
			name = append(name, option)
		}
	}
	r.Keep("attributes")
	p.Name, p.Category, p.Brand = strings.Join(name, ", "), parent.Category, parent.Brand
	record.Add(r, p)
	return run.rows.End(ctx, r)
}

func (run *productRun) common(r *record.Record) *entity.Product {
	status := r.Lower("status")
	r.Keep("status")
	p := &entity.Product{ID: r.ID("id"), SKU: r.Text("sku"), Price: r.Decimal("price"), Currency: run.currency, IsActive: entity.Some(status == "publish")}
	p.SourceUpdatedAt = run.s.instant(r, "date_modified")
	run.s.instant(r, "date_created")
	r.Keep("date_created_gmt")
	p.Deleted = status == trashStatus
	return p
}

// category is the first category of a product that says something; payload keeps
// all of them.
func category(r *record.Record) string {
	var name string
	for _, c := range r.List("categories") {
		if name = plain(c.Text("name")); c.Text("slug") != "uncategorized" {
			break
		}
	}
	r.Keep("categories")
	return name
}

// productFields are the fields of products and variations that the documents name.
var productFields = []string{
	"id", "name", "slug", "permalink", "date_*", "type", "status", "featured", "catalog_visibility", "description", "short_description", "sku", "global_unique_id",
	"price", "regular_price", "sale_price", "price_html", "on_sale", "purchasable", "total_sales", "virtual", "downloadable", "downloads", "download_*",
	"external_url", "button_text", "tax_status", "tax_class", "manage_stock", "stock_quantity", "stock_status", "backorders", "backorders_allowed", "backordered",
	"low_stock_amount", "sold_individually", "weight", "dimensions", "shipping_*", "reviews_allowed", "average_rating", "rating_count", "related_ids",
	"upsell_ids", "cross_sell_ids", "parent_id", "purchase_note", "categories", "tags", "brands", "images", "image", "attributes", "default_attributes",
	"variations", "grouped_products", "menu_order", "meta_data", "has_options", "post_password", "_links",
}
