package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"winback/connectors/restapi"
)

// lineNames is the field that the names of a deal's line items are put into.
const lineNames = "line_item_names"

// enrich adds to records what the answer they came with does not have: histories
// and links to those of a search, and links that are too many for a list.
func (x *extraction) enrich(ctx context.Context, o *object, records []json.RawMessage, searched bool) ([]json.RawMessage, error) {
	if len(records) == 0 {
		return nil, nil
	}
	var err error
	if searched && len(o.history) > 0 {
		if records, err = x.batches(ctx, o, records); err != nil {
			return nil, err
		}
	}
	if len(x.linksOf(o)) == 0 {
		return records, nil
	}
	parsed := make([]map[string]json.RawMessage, len(records))
	for i, raw := range records {
		if err := json.Unmarshal(raw, &parsed[i]); err != nil {
			return nil, fmt.Errorf("read a record of %s: %w", o.name, err)
		}
	}
	if err := x.link(ctx, o, parsed, searched); err != nil {
		return nil, err
	}
	if o.name == deals.name && !x.noLines {
		if err := x.nameLines(ctx, parsed); err != nil {
			return nil, err
		}
	}
	for i := range parsed {
		if records[i], err = json.Marshal(parsed[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// batches reads the records again, with their histories.
func (x *extraction) batches(ctx context.Context, o *object, records []json.RawMessage) ([]json.RawMessage, error) {
	var ids []string
	for _, raw := range records {
		ids = append(ids, foundOf(o, raw).id)
	}
	chunks := slices.Collect(slices.Chunk(ids, historySize))
	got := make([][]json.RawMessage, len(chunks))
	group, within := errgroup.WithContext(ctx)
	for i, chunk := range chunks {
		group.Go(func() (err error) {
			got[i], err = x.batch(within, o, chunk)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(got...), err
}

// linksOf are the types that an object is asked links to.
func (x *extraction) linksOf(o *object) []string {
	if o.name == deals.name && !x.noLines {
		return append(slices.Clone(o.links), lineItems.name)
	}
	return o.links
}

// links are the links of a record as lists show them.
type links map[string]struct {
	Results []linkTo        `json:"results"`
	Paging  json.RawMessage `json:"paging,omitempty"`
}

type linkTo struct {
	ID string `json:"id"`
}

// link puts links into records that have none, or not all of them.
func (x *extraction) link(ctx context.Context, o *object, records []map[string]json.RawMessage, searched bool) error {
	group, within := errgroup.WithContext(ctx)
	var mu sync.Mutex
	all := make([]links, len(records))
	for _, to := range x.linksOf(o) {
		var ids []string
		for i, r := range records {
			if all[i] == nil {
				all[i] = links{}
				if err := json.Unmarshal(r["associations"], &all[i]); err != nil && r["associations"] != nil {
					return fmt.Errorf("read the links of %s: %w", o.name, err)
				}
			}
			if searched || len(all[i][to].Paging) > 0 {
				ids = append(ids, text(r["id"]))
			}
		}
		if len(ids) == 0 {
			continue
		}
		group.Go(func() error {
			found, err := x.linked(within, o, to, ids)
			mu.Lock()
			defer mu.Unlock()
			for i, r := range records {
				if list, ok := found[text(r["id"])]; ok && err == nil {
					one := all[i][to]
					one.Results, one.Paging = nil, nil
					for _, id := range list {
						one.Results = append(one.Results, linkTo{id})
					}
					all[i][to] = one
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, r := range records {
		written, err := json.Marshal(all[i])
		if err != nil {
			return err
		}
		r["associations"] = written
	}
	return nil
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// nameLines puts the names of line items into deals.
func (x *extraction) nameLines(ctx context.Context, records []map[string]json.RawMessage) error {
	byDeal := make([][]string, len(records))
	var ids []string
	for i, r := range records {
		var l links
		if err := json.Unmarshal(r["associations"], &l); err != nil {
			return fmt.Errorf("read the links of deals: %w", err)
		}
		for _, to := range l[lineItems.name].Results {
			byDeal[i] = append(byDeal[i], to.ID)
			ids = append(ids, to.ID)
		}
	}
	slices.Sort(ids)
	names := map[string]string{}
	for chunk := range slices.Chunk(slices.Compact(ids), batchSize) {
		items, err := x.batch(ctx, lineItems, chunk)
		if err != nil {
			return err
		}
		for _, raw := range items {
			var item struct {
				ID         string            `json:"id"`
				Properties map[string]string `json:"properties"`
			}
			if err := json.Unmarshal(raw, &item); err != nil {
				return fmt.Errorf("read a line item: %w", err)
			}
			names[item.ID] = item.Properties["name"]
		}
	}
	for i, r := range records {
		var list []string
		for _, id := range byDeal[i] {
			if name := names[id]; name != "" && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
		written, err := json.Marshal(list)
		if err != nil {
			return err
		}
		r[lineNames] = written
	}
	return nil
}

// tryLines finds out whether line items are open to the token.
func (x *extraction) tryLines(ctx context.Context) error {
	_, _, err := get[page](ctx, x.source, restapi.Request{What: "the list of line items", Path: "crm/v3/objects/line_items?limit=1"})
	if err != nil && !closed(err) {
		return err
	}
	if x.noLines = err != nil; x.noLines {
		x.tellPartial(lineItems.name, "deals have no products: the token lacks the scope "+lineItems.scope)
	}
	return nil
}
