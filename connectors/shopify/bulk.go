package shopify

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"winback/connectors/restapi"
)

// operation is a bulk operation of the shop.
type operation struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Error   string `json:"errorCode"`
	Roots   string `json:"rootObjectCount"`
	Objects string `json:"objectCount"`
	Size    string `json:"fileSize"`
	URL     string `json:"url"`
}

const (
	startDocument = `mutation($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false) { bulkOperation { id status } userErrors { field message code } } }`
	stopDocument  = `mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } } }`
	pollDocument  = `query($id: ID!) { bulkOperation(id: $id) { id status errorCode rootObjectCount objectCount fileSize url } }`
)

// errNoBulk says that a bulk operation has not come to a good end.
var errNoBulk = errors.New("the bulk operation has failed")

// bulk reads the window by a bulk operation. done is false where the shop has none
// to offer, and pages have to do.
func (r *run) bulk(ctx context.Context) (done bool, err error) {
	op, err := r.s.operate(ctx, r.kind.bulkDocument(r.filter(), r.kind.fields, r.kind.within))
	if errors.Is(err, errNoBulk) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if n, err := strconv.ParseInt(op.Roots, 10, 64); err == nil {
		r.rows.Expect(r.kind.schemas[0], n)
		r.expecting = true
	}
	if op.URL == "" {
		return true, nil // nothing was found
	}
	spool, err := r.s.download(ctx, op)
	if errors.Is(err, errNoBulk) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer spool.close()
	r.rows.Page("bulk operation on " + r.kind.root + ", " + r.window.Name())
	return true, spool.families(r.kind.child, func(records []json.RawMessage) error { return r.kind.make(r, ctx, records) })
}

// operate runs a bulk operation to its end. The shop has room for few: one that
// nobody waits for any more is cancelled.
func (s *source) operate(ctx context.Context, document string) (operation, error) {
	op, err := s.start(ctx, document)
	if err != nil {
		return op, err
	}
	clock := s.client.Clock()
	moved := clock.Now()
	for wait := time.Second; ; wait = min(wait*3/2, 20*time.Second) {
		before := op
		if op, err = s.poll(ctx, op, wait); err != nil {
			s.abandon(ctx, before)
			return op, err
		}
		switch op.Status {
		case "COMPLETED":
			return op, nil
		case "FAILED", "CANCELED", "CANCELING", "EXPIRED":
			if op.Error == denied {
				return op, &deniedError{"the bulk operation was refused: " + scopeAdvice}
			}
			return op, fmt.Errorf("%w: %s %s", errNoBulk, op.Status, op.Error)
		}
		if op != before {
			moved = clock.Now()
		} else if clock.Now().Sub(moved) > standstill {
			s.abandon(ctx, op)
			return op, fmt.Errorf("%w: nothing has come of it for %v", errNoBulk, standstill)
		}
	}
}

// standstill is how long an operation may be at one number of objects. One of a large
// shop counts on for hours.
const standstill = time.Hour

// poll asks after a while how far an operation is.
func (s *source) poll(ctx context.Context, op operation, wait time.Duration) (operation, error) {
	if err := s.client.Clock().Sleep(ctx, wait); err != nil {
		return op, err
	}
	var got struct {
		Operation *operation `json:"bulkOperation"`
	}
	if _, err := s.query(ctx, "a bulk operation", pollDocument, map[string]any{"id": op.ID}, &got); err != nil {
		return op, err
	}
	if got.Operation == nil {
		return op, errNoBulk
	}
	return *got.Operation, nil
}

// abandon cancels an operation, also for a run that has ended. Where that fails, the
// shop ends it by itself some day.
func (s *source) abandon(ctx context.Context, op operation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	var answer json.RawMessage
	_, _ = s.query(ctx, "a bulk operation to cancel", stopDocument, map[string]any{"id": op.ID}, &answer)
}

// goodbye is how long a run that was stopped goes on for.
const goodbye = 5 * time.Second

// start begins a bulk operation, as soon as the shop has room for one.
func (s *source) start(ctx context.Context, document string) (operation, error) {
	began := s.client.Clock().Now()
	for {
		var got struct {
			Run struct {
				Operation operation `json:"bulkOperation"`
				Errors    []struct {
					Message string `json:"message"`
				} `json:"userErrors"`
			} `json:"bulkOperationRunQuery"`
		}
		if _, err := s.query(ctx, "a bulk operation", startDocument, map[string]any{"query": document}, &got); err != nil {
			return operation{}, err
		}
		if len(got.Run.Errors) == 0 {
			return got.Run.Operation, nil
		}
		text := got.Run.Errors[0].Message
		busy := strings.Contains(text, "already in progress") || strings.Contains(text, "limit")
		if !busy || s.client.Clock().Now().Sub(began) > s.client.Patience(ctx) {
			return operation{}, fmt.Errorf("%w: %s", errNoBulk, text)
		}
		if err := s.client.Clock().Sleep(ctx, 10*time.Second); err != nil {
			return operation{}, err
		}
	}
}

// longestLine is the longest record of a file.
const longestLine = 64 << 20

// download gets the file of an operation into a spool. Its address holds a
// signature, and is shown nowhere.
func (s *source) download(ctx context.Context, op operation) (kept *spool, err error) {
	size, _ := strconv.ParseInt(op.Size, 10, 64)
	request := restapi.Request{What: "the file of a bulk operation", Path: op.URL, Foreign: true}
	err = s.client.Do(ctx, request, func(a restapi.Answer) error {
		if kept != nil {
			kept.close() // of a try that broke off
		}
		if kept, err = newSpool(size); err != nil {
			return err
		}
		return kept.fill(a.Body)
	})
	if err != nil && kept != nil {
		kept.close()
	}
	if status := restapi.StatusOf(err); status == 403 || status == 404 || status == 410 {
		return nil, fmt.Errorf("%w: its file has expired", errNoBulk)
	}
	return kept, err
}

// fill takes the lines of a file.
func (p *spool) fill(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 1<<20), longestLine)
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) == 0 {
			continue
		}
		var head struct {
			ID     string `json:"id"`
			Parent string `json:"__parentId"`
		}
		if err := json.Unmarshal(line, &head); err != nil {
			return fmt.Errorf("read the file of a bulk operation: %w", err)
		}
		family := head.Parent
		if family == "" {
			family = head.ID
		}
		if err := p.add(family, line); err != nil {
			return err
		}
	}
	return lines.Err()
}
