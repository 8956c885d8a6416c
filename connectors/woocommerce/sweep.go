package woocommerce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"winback/connectors/entity"
)

// Sweeps says what is looked for.
func (s *source) Sweeps(dataset string) ([]*entity.Schema, time.Duration) {
	switch dataset {
	case ordersDataset:
		return []*entity.Schema{orderSchema, lineSchema, refundSchema, cartSchema}, s.config.Sweep
	case productsDataset:
		return []*entity.Schema{productSchema}, s.config.Sweep
	case customersDataset:
		return []*entity.Schema{customerSchema}, s.config.Sweep
	}
	return nil, 0
}

// keyed is what a sweep looks at of a record.
type keyed struct {
	ID         json.Number       `json:"id"`
	Status     string            `json:"status"`
	Via        string            `json:"created_via"`
	Variations []json.RawMessage `json:"variations"`
	Lines      []any             `json:"line_items"`
	Fees       []any             `json:"fee_lines"`
	Refunds    []struct {
		ID json.Number `json:"id"`
	} `json:"refunds"`
}

// Sweep lists the keys of an entity that the shop has now.
func (s *source) Sweep(ctx context.Context, _ string, e *entity.Schema, has func(key ...string)) error {
	switch e {
	case orderSchema:
		return s.sweep(ctx, "orders", "id,status,created_via", anyStatus, func(k keyed) {
			if _, isOrder := s.status(k.Status, false, atCheckout(k.Status, k.Via)); isOrder {
				has(k.ID.String())
			}
		})
	case lineSchema:
		return s.sweep(ctx, "orders", "id,line_items,fee_lines", anyStatus, func(k keyed) {
			for i := range len(k.Lines) + len(k.Fees) {
				has(k.ID.String(), strconv.Itoa(i+1))
			}
		})
	case refundSchema:
		return s.sweep(ctx, "orders", "id,refunds", anyStatus, func(k keyed) {
			for _, r := range k.Refunds {
				has(r.ID.String())
			}
		})
	case cartSchema:
		return s.sweepCarts(ctx, has)
	case productSchema:
		return s.sweep(ctx, "products", "id,variations", anyStatus, func(k keyed) {
			has(k.ID.String())
			for _, id := range k.Variations {
				has(string(id))
			}
		})
	case customerSchema:
		return s.sweepList(ctx, list{path: "customers", query: url.Values{"role": {"all"}, "_fields": {"id"}}}, func(k keyed) { has(k.ID.String()) })
	}
	return fmt.Errorf("%s is not swept", e.FullName())
}

func (s *source) sweepCarts(ctx context.Context, has func(key ...string)) error {
	for _, status := range []string{anyStatus, draftStatus} {
		err := s.sweep(ctx, "orders", "id,status,created_via", status, func(k keyed) {
			if atCheckout(k.Status, k.Via) {
				has(k.ID.String())
			}
		})
		if err != nil && !(status == draftStatus && isInvalid(err)) {
			return err
		}
	}
	return nil
}

func (s *source) sweep(ctx context.Context, path, fields, status string, each func(keyed)) error {
	return s.sweepList(ctx, list{path: path, query: url.Values{"status": {status}, "_fields": {fields}}}, each)
}

func (s *source) sweepList(ctx context.Context, l list, each func(keyed)) error {
	for w := s.walk(l, 0); !w.done; {
		rows, err := w.next(ctx)
		if err != nil {
			return err
		}
		for _, raw := range rows {
			var k keyed
			if err := json.Unmarshal(raw, &k); err != nil {
				return fmt.Errorf("read the keys of %s: %w", l.path, err)
			}
			each(k)
		}
	}
	return nil
}
