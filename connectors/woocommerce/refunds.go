package woocommerce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
)

// atOnce is how many requests are under way for what belongs to a page.
const atOnce = 2

// refundsOf gets the refunds of orders, by order: up to a hundred with one request,
// or those of one order where the shop is older than 9.0.
func (s *source) refundsOf(ctx context.Context, orders []head) (map[int64][]json.RawMessage, error) {
	var ids []string
	of := map[int64]int64{} // order of each refund
	for _, h := range orders {
		for _, r := range h.Refunds {
			if h.Status != trashStatus && of[r.ID] == 0 {
				of[r.ID] = h.ID
				ids = append(ids, strconv.FormatInt(r.ID, 10))
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	s.mu.Lock()
	oneByOne := s.oneByOne
	s.mu.Unlock()
	if !oneByOne {
		found, ok, err := s.refundsByID(ctx, ids, of)
		if ok || err != nil {
			return found, err
		}
		s.mu.Lock()
		s.oneByOne = true
		s.mu.Unlock()
	}
	return s.refundsByOrder(ctx, orders)
}

// refundsByID asks for refunds by their ids. ok is false where the shop does not
// know such a list, or answers with something else.
func (s *source) refundsByID(ctx context.Context, ids []string, of map[int64]int64) (found map[int64][]json.RawMessage, ok bool, err error) {
	found = map[int64][]json.RawMessage{}
	for len(ids) > 0 {
		n := min(len(ids), sizes[0])
		query := url.Values{"include": {strings.Join(ids[:n], ",")}, "per_page": {strconv.Itoa(sizes[0])}, "orderby": {"id"}, "order": {"asc"}}
		p, err := s.get(ctx, restapi.Request{Path: s.config.path("refunds"), What: "refunds", Query: query}, false)
		if code := restapi.CodeOf(err); code == "rest_no_route" || code == invalidParameter {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		for i, raw := range p.rows {
			order := of[p.ids[i]]
			if order == 0 {
				return nil, false, nil // not what was asked for
			}
			found[order] = append(found[order], raw)
		}
		ids = ids[n:]
	}
	return found, true, nil
}

func (s *source) refundsByOrder(ctx context.Context, orders []head) (map[int64][]json.RawMessage, error) {
	found := map[int64][]json.RawMessage{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, h := range orders {
		if len(h.Refunds) == 0 || h.Status == trashStatus {
			continue
		}
		group.Go(func() error {
			path := fmt.Sprintf("orders/%d/refunds", h.ID)
			p, err := s.get(ctx, restapi.Request{Path: s.config.path(path), What: path, Query: url.Values{"per_page": {strconv.Itoa(sizes[0])}}}, false)
			if restapi.StatusOf(err) == http.StatusNotFound {
				return nil // the order has gone meanwhile
			}
			mu.Lock()
			defer mu.Unlock()
			found[h.ID] = p.rows
			return err
		})
	}
	return found, group.Wait()
}

// refunded is what was paid back for the goods of an order. Where the refunds
// themselves have gone meanwhile, it goes by what the order says of them.
func refunded(h *head, refunds []json.RawMessage) entity.Decimal {
	var sum entity.Decimal
	if len(refunds) == 0 {
		for _, r := range h.Refunds {
			sum += entity.Decimal(portion(r.Total.abs(), h.share().goods, h.share().total))
		}
		return sum
	}
	for _, raw := range refunds {
		var r refund
		if json.Unmarshal(raw, &r) == nil {
			sum += r.forGoods(h.share())
		}
	}
	return sum
}

// refund makes the row of a refund.
func (run *orderRun) refund(ctx context.Context, raw json.RawMessage, h *head) error {
	var parts refund
	r := run.rows.Record(raw)
	r.Need("id", "amount")
	if err := json.Unmarshal(raw, &parts); err != nil {
		r.Wrong("line_items", "is not a list of lines")
	}
	r.Decimal("amount")
	r.Keep("amount", "parent_id")
	r.Drop("_links")
	row := &entity.Refund{
		ID: r.ID("id"), OrderID: strconv.FormatInt(h.ID, 10), At: run.s.instant(r, "date_created"),
		Amount: entity.Some(parts.forGoods(h.share())), Reason: r.Text("reason"),
	}
	row.SourceUpdatedAt = row.At
	record.Add(r, row)
	return run.rows.End(ctx, r)
}
