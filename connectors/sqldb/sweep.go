package sqldb

import (
	"context"
	"slices"

	"winback/connectors"
	"winback/connectors/entity"
)

// Sweep reads the key fields of all rows.
func (s *source) Sweep(ctx context.Context, dataset string, e *entity.Schema, has func(key ...string)) error {
	p, err := s.plan(dataset)
	if err != nil {
		return err
	}
	keys := p.keysOnly()
	sink := &keySink{schema: e, has: has}
	x := &extraction{source: s, req: connectors.Request{Dataset: dataset}, sink: sink, began: s.clock.Now()}
	if err := x.open(ctx, keys); err != nil {
		return s.explain(p, err)
	}
	defer x.close()
	_, err = x.readAll(ctx, []span{{}})
	if err != nil {
		return s.explain(p, err)
	}
	return nil
}

// keysOnly returns a plan that makes nothing but the keys of rows, and has no end
// before the table's.
func (p *plan) keysOnly() *plan {
	config := *p.config
	config.ChangedAt, config.AppendOnly, config.Deleted = "", false, ""
	keys := *p
	keys.config, keys.payload.Mode = &config, "none"
	keys.fields = slices.DeleteFunc(slices.Clone(p.fields), func(f field) bool { return !f.to.Key })
	keys.sweeping = true
	return &keys
}

// keySink takes the keys of rows.
type keySink struct {
	schema *entity.Schema
	has    func(key ...string)
	free   []*entity.Batch
}

// NewBatch returns an empty batch.
func (k *keySink) NewBatch(s *entity.Schema) *entity.Batch {
	if last := len(k.free) - 1; last >= 0 {
		b := k.free[last]
		k.free = k.free[:last]
		return b
	}
	return entity.NewBatch(s)
}

// Write tells the keys of a batch.
func (k *keySink) Write(_ context.Context, b *entity.Batch) error {
	b.Align()
	key := make([]string, len(k.schema.Keys))
	for row := range b.Rows() {
		for i, at := range k.schema.Keys {
			key[i] = b.Columns[at].TextOf(row)
		}
		k.has(key...)
	}
	b.Reset()
	k.free = append(k.free, b)
	return nil
}

// Reject leaves out rows whose key does not fit: they were never landed.
func (k *keySink) Reject(context.Context, connectors.Reject) error { return nil }

// Count does nothing: a sweep lands no rows.
func (k *keySink) Count(*entity.Schema, connectors.Counts) {}

// Input numbers nothing.
func (k *keySink) Input(string) int32 { return 0 }
