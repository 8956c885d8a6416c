package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"winback/connectors/entity"
)

// Sweeps says what is looked for. Where the shop hides what is older than 60 days,
// nothing of that list is: it would all seem to be deleted.
func (s *source) Sweeps(dataset string) ([]*entity.Schema, time.Duration) {
	k := kindOf(dataset)
	if k == nil || k.walled && s.walled() {
		return nil, 0
	}
	return slices.Clone(k.schemas), s.config.Sweep
}

// LeavesOut says that what is older than a configured day was never landed.
func (s *source) LeavesOut() bool { return !s.config.Since.IsZero() }

// Sweep lists the keys of an entity that the shop has now.
func (s *source) Sweep(ctx context.Context, dataset string, e *entity.Schema, has func(key ...string)) error {
	k := kindOf(dataset)
	if k == nil {
		return fmt.Errorf("there is no dataset %s", dataset)
	}
	if k.walled {
		if _, err := s.greet(ctx); err != nil {
			return err
		}
		if s.walled() {
			return errors.New(wallText)
		}
	}
	fields, within := "id", ""
	switch e {
	case lineSchema:
		within = "id isGiftCard"
	case refundSchema:
		fields = "id refunds { id }"
	case productSchema:
		within = "id"
	}
	return s.keys(ctx, k, fields, within, func(raw json.RawMessage) error { return keysOf(e, k.child, raw, has) })
}

// keysOf tells the keys that a record stands for.
func keysOf(e *entity.Schema, child string, raw json.RawMessage, has func(key ...string)) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("read the keys of %s: %w", e.FullName(), err)
	}
	id := numberOf(raw)
	switch e {
	case lineSchema:
		line := 0
		for _, child := range childrenOf(fields, child) {
			if !child.Gift {
				line++
				has(id, strconv.Itoa(line))
			}
		}
		return nil
	case refundSchema:
		var refunds []keyed
		_ = json.Unmarshal(fields["refunds"], &refunds) // null is none
		for _, refund := range refunds {
			has(number(refund.ID))
		}
		return nil
	case productSchema:
		for _, child := range childrenOf(fields, child) {
			has(number(child.ID))
		}
	}
	has(id)
	return nil
}

type keyed struct {
	ID   string `json:"id"`
	Gift bool   `json:"isGiftCard"`
}

func childrenOf(fields map[string]json.RawMessage, child string) []keyed {
	var list struct {
		Nodes []keyed `json:"nodes"`
	}
	_ = json.Unmarshal(fields[child], &list) // joined by us
	return list.Nodes
}

// keys reads all records with few fields, by a bulk operation.
func (s *source) keys(ctx context.Context, k *kind, fields, within string, each func(raw json.RawMessage) error) error {
	op, err := s.operate(ctx, k.bulkDocument("", fields, within))
	if err != nil || op.URL == "" {
		return err
	}
	spool, err := s.download(ctx, op)
	if err != nil {
		return err
	}
	defer spool.close()
	child := k.child
	if within == "" {
		child = ""
	}
	return spool.families(child, func(records []json.RawMessage) error {
		for _, raw := range records {
			if err := each(raw); err != nil {
				return err
			}
		}
		return nil
	})
}
