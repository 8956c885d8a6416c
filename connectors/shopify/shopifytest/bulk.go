package shopifytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// bulk is a bulk operation: its file is written when it is begun, and there to be
// had when it was asked after twice.
type bulk struct {
	id          int64
	polls       int
	roots, rows int
	file        []byte
	cancelled   bool
}

// begin starts a bulk operation.
func (s *Shop) begin(f selection) map[string]any {
	document, _ := f.args["query"].(string)
	refuse := func(text string) map[string]any {
		return map[string]any{"bulkOperation": nil, "userErrors": []any{map[string]any{"field": []string{"query"}, "message": text, "code": "INVALID"}}}
	}
	_, fields, err := parse(document)
	if err != nil || len(fields) != 1 {
		return refuse(fmt.Sprintf("Bulk queries must contain one root: %v", err))
	}
	if f.args["groupObjects"] != false {
		return refuse("say how objects are to be grouped")
	}
	running := 0
	for _, b := range s.bulks {
		if b.polls < 2 && !b.cancelled {
			running++
		}
	}
	if running >= 5 {
		return refuse("A bulk query operation for this app and shop is already in progress")
	}
	e := &execution{shop: s}
	b := &bulk{id: s.id()}
	s.write(e, b, fields[0])
	if len(e.problems) > 0 {
		return refuse(e.problems[0].message)
	}
	s.bulks = append(s.bulks, b)
	return map[string]any{"bulkOperation": map[string]any{"id": gid("BulkOperation", b.id), "status": "CREATED"}, "userErrors": []any{}}
}

// write writes the file: records and their children in any order.
func (s *Shop) write(e *execution, b *bulk, f selection) {
	root := node(f)
	if root == nil {
		e.undefined(f.name, "edges { node }")
		return
	}
	var lines [][]byte
	var child *selection
	var plain []selection
	for i, inner := range root.fields {
		if len(inner.fields) == 1 && inner.fields[0].name == "edges" {
			child = &root.fields[i]
			continue
		}
		if hasConnection(inner.fields) {
			e.undefined(inner.name, "a connection within a list")
			return
		}
		plain = append(plain, inner)
	}
	add := func(value map[string]any) {
		text, _ := json.Marshal(value)
		at := s.chance.below(len(lines) + 1)
		lines = append(lines, text)
		lines[at], lines[len(lines)-1] = lines[len(lines)-1], lines[at]
	}
	for _, found := range e.found(f) {
		o := found.object()
		b.roots++
		add(e.object(o, plain, nil))
		if child == nil {
			continue
		}
		children, _ := o.fields[child.name].(connection)
		for _, c := range children {
			value := e.object(c, node(*child).fields, nil)
			value["__parentId"] = o.fields["id"]
			add(value)
		}
	}
	if b.rows = len(lines); b.rows > 0 {
		b.file = append(bytes.Join(lines, []byte("\n")), '\n')
	}
}

// node are the fields of edges { node }.
func node(f selection) *selection {
	if len(f.fields) != 1 || f.fields[0].name != "edges" || len(f.fields[0].fields) != 1 {
		return nil
	}
	return &f.fields[0].fields[0]
}

func hasConnection(fields []selection) bool {
	for _, f := range fields {
		if f.name == "edges" || f.name == "nodes" || hasConnection(f.fields) {
			return true
		}
	}
	return false
}

// cancel ends a bulk operation.
func (s *Shop) cancel(f selection) map[string]any {
	for _, b := range s.bulks {
		if gid("BulkOperation", b.id) == f.args["id"] {
			b.cancelled = true
			return map[string]any{"bulkOperation": map[string]any{"id": f.args["id"], "status": "CANCELING"}, "userErrors": []any{}}
		}
	}
	return map[string]any{"bulkOperation": nil, "userErrors": []any{map[string]any{"field": []string{"id"}, "message": "Bulk operation does not exist"}}}
}

// Cancelled is how many bulk operations were cancelled, of how many begun.
func (s *Shop) Cancelled() (cancelled, begun int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.bulks {
		if b.cancelled {
			cancelled++
		}
	}
	return cancelled, len(s.bulks)
}

// operation says how far a bulk operation is.
func (s *Shop) operation(e *execution, f selection) any {
	for _, b := range s.bulks {
		if gid("BulkOperation", b.id) != f.args["id"] {
			continue
		}
		if b.polls++; s.options.Polled != nil {
			s.options.Polled()
		}
		all := fields{
			"id": f.args["id"], "status": "RUNNING", "errorCode": nil, "createdAt": stamp(s.now()), "completedAt": nil, "objectCount": count(b.rows), "rootObjectCount": count(b.roots),
			"fileSize": nil, "url": nil, "partialDataUrl": nil,
		}
		switch {
		case b.polls < 2, s.options.BulkFails == "never ends":
		case s.options.BulkFails != "" && s.options.BulkFails != "no file":
			all["status"], all["errorCode"] = s.options.BulkFails, "TIMEOUT"
		default:
			all["status"], all["completedAt"] = "COMPLETED", stamp(s.now())
			if b.rows > 0 {
				all["fileSize"] = count(len(b.file))
				all["url"] = fmt.Sprintf("%s/bulk/%d.jsonl?sig=%s", s.server.URL, b.id, signature)
			}
		}
		return e.object(&object{"BulkOperation", all}, f.fields, nil)
	}
	return nil
}

// file is the file of an operation, for whoever has its signed address; a token has
// no business there.
func (s *Shop) file(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Shopify-Access-Token") != "" || r.URL.Query().Get("sig") != signature || s.options.BulkFails == "no file" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	for _, b := range s.bulks {
		if strings.HasSuffix(r.URL.Path, fmt.Sprintf("/%d.jsonl", b.id)) {
			w.Header().Set("Content-Type", "application/jsonl")
			_, _ = w.Write(b.file)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}
