package amocrm

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"winback/connectors/record"
	"winback/connectors/window"
)

// bin is where the deleted records of a list are told.
type bin struct {
	list *list
	kind string // as events name it
	gone func(r *record.Record)
}

// ownDeletions is kept in the cursor of lists of which records are deleted.
type ownDeletions struct {
	// Gone is the second up to which deletions are known.
	Gone int64 `json:"gone"`
	// Reasons are the names of lost reasons: the account forgets those it deletes.
	Reasons map[string]string `json:"reasons,omitempty"`
}

// deletions marks what was put into the recycle bin, or deleted, since a run last
// looked, and reads again what was restored. Before the end of a first run nothing
// is looked for: the list as it is has what there is.
func (x *extraction) deletions(ctx context.Context, rows *record.Rows, w window.Window, bins []bin) (ownDeletions, error) {
	kept, err := own[ownDeletions](x.req)
	if err != nil || x.req.Range != nil || x.req.Sample > 0 {
		return kept, err
	}
	if kept.Gone == 0 {
		kept.Gone = x.now().Unix()
		return kept, nil
	}
	if !w.Last() {
		return kept, nil
	}
	from, until := kept.Gone-int64((eventLag+overlap)/time.Second), x.now().Unix()
	for _, b := range bins {
		if err := x.deletionsOf(ctx, rows, b, from, until); err != nil {
			return kept, err
		}
	}
	kept.Gone = until
	return kept, nil
}

func (x *extraction) deletionsOf(ctx context.Context, rows *record.Rows, b bin, from, until int64) error {
	gone := map[string]json.RawMessage{}
	if x.account.filters {
		err := x.changed(ctx, binOf(b.list), from, until, func(records []json.RawMessage) error {
			for _, raw := range records {
				gone[stampOf(raw).ID.String()] = raw
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	events, err := x.events(ctx, asked{types: []string{b.kind + "_deleted", b.kind + "_restored"}, entity: b.kind}, from, until)
	if err != nil {
		return err
	}
	restored := map[string]bool{}
	for _, e := range events {
		id := e.EntityID.String()
		if restored[id] = e.Type == b.kind+"_restored"; restored[id] {
			delete(gone, id)
			continue
		}
		if gone[id] == nil {
			text, err := json.Marshal(map[string]any{"id": e.EntityID, "updated_at": e.CreatedAt, "is_deleted": true})
			if err != nil {
				return err
			}
			gone[id] = text
		}
	}
	for _, id := range slices.Sorted(maps.Keys(gone)) {
		if err := x.records(ctx, rows, b.list.path+", recycle bin", []json.RawMessage{gone[id]}, b.gone); err != nil {
			return err
		}
	}
	return x.again(ctx, rows, b, restored)
}

// again reads what came back from the recycle bin.
func (x *extraction) again(ctx context.Context, rows *record.Rows, b bin, restored map[string]bool) error {
	maps.DeleteFunc(restored, func(_ string, back bool) bool { return !back })
	return x.byID(ctx, b.list, slices.Sorted(maps.Keys(restored)), func(records []json.RawMessage) error {
		return x.records(ctx, rows, b.list.path+", restored", records, func(r *record.Record) { x.add(b.list, r) })
	})
}

// add makes a row of a record that can be deleted.
func (x *extraction) add(l *list, r *record.Record) {
	if l == leads {
		x.addDeal(r)
		return
	}
	addCustomer(x.account, l, r)
}
