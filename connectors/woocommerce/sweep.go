package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
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

// LeavesOut says that what is older than a configured day was never landed.
func (s *source) LeavesOut() bool { return !s.config.Since.IsZero() }

// Sweep lists the keys of an entity that the shop has now.
func (s *source) Sweep(ctx context.Context, _ string, e *entity.Schema, has func(key ...string)) error {
	switch e {
	case orderSchema, lineSchema, refundSchema, cartSchema:
		return s.sweepOrders(ctx, e, has)
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

// orderKeys are the keys that the list of orders has, of all that is made from it: the
// list is long, and walked once for all of them.
type orderKeys struct {
	at      time.Time
	orders  []orderKey
	refunds []string
	taken   map[*entity.Schema]bool
}

type orderKey struct {
	id    int64
	lines int32
	order bool // not a cart, nor deleted
	cart  bool
}

// keysGoodFor is how long the keys of one walk may stand for those of now.
const keysGoodFor = time.Hour

// sweepOrders hands over the keys of an entity that is made from orders. Each is handed
// over once from a walk: who asks again wants to know anew.
func (s *source) sweepOrders(ctx context.Context, e *entity.Schema, has func(key ...string)) error {
	keys := s.swept
	if keys == nil || keys.taken[e] || s.client.Clock().Now().Sub(keys.at) > keysGoodFor {
		var err error
		if keys, err = s.orderKeys(ctx); err != nil {
			return err
		}
		s.swept = keys
	}
	if e == cartSchema {
		if err := s.sweepDrafts(ctx, has); err != nil {
			return err
		}
	}
	keys.taken[e] = true
	keys.list(e, has)
	if len(keys.taken) == madeOfOrders {
		s.swept = nil
	}
	return nil
}

// madeOfOrders is how many entities are.
const madeOfOrders = 4

func (k *orderKeys) list(e *entity.Schema, has func(key ...string)) {
	if e == refundSchema {
		for _, id := range k.refunds {
			has(id)
		}
		return
	}
	for _, o := range k.orders {
		id := strconv.FormatInt(o.id, 10)
		switch {
		case e == lineSchema && o.order:
			for i := range o.lines {
				has(id, strconv.Itoa(int(i)+1))
			}
		case e == orderSchema && o.order, e == cartSchema && o.cart:
			has(id)
		}
	}
}

// orderKeys walks the list of orders.
func (s *source) orderKeys(ctx context.Context) (*orderKeys, error) {
	keys := &orderKeys{at: s.client.Clock().Now(), taken: map[*entity.Schema]bool{}}
	var wrong error
	err := s.sweep(ctx, "orders", "id,status,created_via,line_items,fee_lines,refunds", anyStatus, func(k keyed) {
		id, err := k.ID.Int64()
		if err != nil && wrong == nil {
			wrong = fmt.Errorf("read the keys of orders: %w", err)
		}
		o := orderKey{id: id, lines: int32(len(k.Lines) + len(k.Fees)), cart: atCheckout(k.Status, k.Via)}
		_, o.order = s.status(k.Status, false, o.cart)
		keys.orders = append(keys.orders, o)
		for _, r := range k.Refunds {
			keys.refunds = append(keys.refunds, r.ID.String())
		}
	})
	return keys, errors.Join(err, wrong)
}

// sweepDrafts hands over the carts that have a list of their own, where the shop knows
// of it.
func (s *source) sweepDrafts(ctx context.Context, has func(key ...string)) error {
	err := s.sweep(ctx, "orders", "id,status,created_via", draftStatus, func(k keyed) {
		if atCheckout(k.Status, k.Via) {
			has(k.ID.String())
		}
	})
	if isInvalid(err) {
		return nil
	}
	return err
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
