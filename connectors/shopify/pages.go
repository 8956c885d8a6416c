package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// smallest is the smallest page to ask for.
const smallest = 5

// pages reads the window page by page. Cursors are of the sort key's value: what
// changes meanwhile leaves the window, and moves nothing.
func (r *run) pages(ctx context.Context) error {
	document := r.kind.pageDocument()
	for after := any(nil); ; {
		var got map[string]list
		hidden, err := r.s.query(ctx, r.kind.root, document, map[string]any{"n": r.size(), "after": after, "q": r.filter()}, &got)
		if errors.Is(err, errTooDear) && r.shrink() {
			continue
		}
		if err != nil {
			return err
		}
		r.s.tellHidden(r.req, r.kind, hidden)
		page := got[r.kind.root]
		records, err := r.whole(ctx, page.Nodes)
		if err != nil {
			return err
		}
		r.rows.Page(r.kind.root + ", " + r.window.Name())
		if err := r.kind.make(r, ctx, records); err != nil {
			return err
		}
		if !page.Info.More {
			return nil
		}
		if after == any(page.Info.End) {
			return fmt.Errorf("read %s: the shop answers with the same page again", r.kind.root)
		}
		after = page.Info.End
	}
}

// size is how many records to ask for at a time.
func (r *run) size() int {
	if r.req.Sample > 0 {
		return smallest
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if n := r.s.sizes[r.kind.root]; n > 0 {
		return n
	}
	return r.kind.first
}

// shrink halves the page, if it can.
func (r *run) shrink() bool {
	n := r.size()
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.sizes[r.kind.root] = max(n/2, smallest)
	return n > smallest
}

// whole completes records that have more children than came with them.
func (r *run) whole(ctx context.Context, records []json.RawMessage) ([]json.RawMessage, error) {
	if r.kind.child == "" {
		return records, nil
	}
	for i, raw := range records {
		var fields map[string]json.RawMessage
		var children list
		if json.Unmarshal(raw, &fields) != nil || json.Unmarshal(fields[r.kind.child], &children) != nil || !children.Info.More {
			continue
		}
		var id string
		_ = json.Unmarshal(fields["id"], &id)
		for children.Info.More {
			var got struct {
				Node map[string]json.RawMessage `json:"node"`
			}
			if _, err := r.s.query(ctx, r.kind.child+" of a record", r.kind.childDocument(), map[string]any{"id": id, "after": children.Info.End}, &got); err != nil {
				return nil, err
			}
			var more list
			if err := json.Unmarshal(got.Node[r.kind.child], &more); err != nil {
				break // the record has gone meanwhile
			}
			children.Nodes, children.Info = append(children.Nodes, more.Nodes...), more.Info
		}
		records[i] = joined(fields, r.kind.child, children.Nodes)
	}
	return records, nil
}

// joined is a record with its children.
func joined(fields map[string]json.RawMessage, child string, children []json.RawMessage) json.RawMessage {
	if children == nil {
		children = []json.RawMessage{}
	}
	fields[child], _ = json.Marshal(map[string]any{"nodes": children}) // of JSON
	text, _ := json.Marshal(fields)
	return text
}
