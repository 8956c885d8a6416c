package woocommerce

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"winback/connectors"
)

// mark is the cursor of lists that are read whole now and then: customers and
// products.
type mark struct {
	// Until is up to when changes are read.
	Until time.Time `json:"until"`
	// Whole is when the last whole reading began.
	Whole time.Time `json:"whole"`
	// Going is where a whole reading goes on.
	Going *place `json:"going,omitempty"`
	// Newest is the greatest id that was seen.
	Newest  int64    `json:"newest,omitempty"`
	Unknown []string `json:"unknown,omitempty"`
}

// place is one in a list.
type place struct {
	List   int   `json:"list"` // which of several
	Offset int   `json:"offset"`
	Last   int64 `json:"last"`
	Read   int   `json:"read"` // rows of the list
}

func lastMark(req connectors.Request) (m mark, again bool, err error) {
	if len(req.Cursors) == 0 {
		return m, false, nil
	}
	if err := json.Unmarshal(req.Cursors[len(req.Cursors)-1], &m); err != nil {
		return m, false, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", req.Dataset, err)
	}
	return m, true, nil
}

func (m mark) extracted() (connectors.Extracted, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return connectors.Extracted{}, fmt.Errorf("write the cursor: %w", err)
	}
	return connectors.Extracted{Cursor: text, More: m.Going != nil}, nil
}

// due says whether everything is to be read now, or read on.
func (s *source) due(m mark, again bool, now time.Time) bool {
	return !again || m.Going != nil || s.config.Reread > 0 && now.Sub(m.Whole) >= s.config.Reread
}

// slicePages is how many pages a slice of a whole reading has.
const slicePages = 20

// part is a slice of a whole reading of some lists, one after the other.
type part struct {
	lists []list
	// each takes the rows of a page.
	each func(ctx context.Context, list int, rows []json.RawMessage) error
	// ended is told at the end of a slice how many rows it should have had.
	ended func(list, rows int)
}

// readOn reads the next slice of a whole reading, and moves the mark.
func (s *source) readOn(ctx context.Context, m *mark, now time.Time, sample int, p part) error {
	if m.Going == nil {
		m.Going, m.Whole, m.Until = &place{}, now, now.Add(-lag)
	}
	at := m.Going
	before := at.Read
	w := s.walk(p.lists[at.List], sample)
	w.offset, w.last = at.Offset, at.Last
	for pages := 0; !w.done && pages < slicePages; pages++ {
		rows, err := w.next(ctx)
		if err != nil {
			return err
		}
		if err := p.each(ctx, at.List, rows); err != nil {
			return err
		}
		at.Read += len(rows)
	}
	m.Newest = max(m.Newest, w.last)
	if !w.done {
		at.Offset, at.Last = w.offset, w.last
		p.ended(at.List, at.Read-before)
		return nil
	}
	p.ended(at.List, w.total-before)
	if *at = (place{List: at.List + 1}); at.List == len(p.lists) {
		m.Going = nil
	}
	return nil
}
