package sqldb

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// cursor is what an extraction leaves for the next one.
type cursor struct {
	// Mapping and Order tell whether the cursor is of the same mapping and order of
	// reading; if not, reading begins anew.
	Mapping string `json:"mapping"`
	Order   string `json:"order"`
	// Done says that the end was reached. Without it the next slice goes on.
	Done bool `json:"done"`
	// Unmarked says that the slice ended among the rows without a change mark.
	Unmarked bool `json:"unmarked,omitempty"`
	// After are the values of the order columns of the last row read; From instead is
	// the first value of the first of them that was not read.
	After []string `json:"after,omitempty"`
	From  string   `json:"from,omitempty"`
	// Settled is the first mark that the next run reads again, as rows with marks from
	// there on may still appear; "" where none can behind the place.
	Settled string `json:"settled,omitempty"`
	// At is when the rows were looked at, by the server's clock.
	At time.Time `json:"at"`
}

// orderName tells orders of reading apart.
func (n *binding) orderName() string {
	var names []string
	for _, c := range n.order() {
		names = append(names, c.sql)
	}
	if n.mark >= 0 {
		return "changes: " + strings.Join(names, ", ")
	}
	return strings.Join(names, ", ")
}

// lastCursor returns the newest of the cursors that fits the binding, or nil.
// changed says that there is a newest one, of another mapping.
func (n *binding) lastCursor(list []json.RawMessage) (last *cursor, changed bool, err error) {
	if len(list) == 0 {
		return nil, false, nil
	}
	last = &cursor{}
	if err := json.Unmarshal(list[len(list)-1], last); err != nil {
		return nil, false, fmt.Errorf("read the cursor of %s: %w", n.plan.name, err)
	}
	if last.Mapping != n.plan.fingerprint || last.Order != n.orderName() {
		return nil, true, nil
	}
	return last, false, nil
}

// behind returns where reading goes on after a cursor: the next slice at its place,
// the next run so much before it that transactions which were open then are seen.
func (c *cursor) behind() (after []string, from string) {
	if c.Done && c.Settled != "" {
		return nil, c.Settled
	}
	return c.After, c.From
}

// settled returns the mark before which no further row appears after a view of one
// moment that was read up to a place; "" if that is the place itself.
func (n *binding) settled(place string, at time.Time) string {
	column, overlap := &n.order()[0].column, n.plan.overlap
	reached, ok := parseMark(column, place)
	if !ok {
		return ""
	}
	moment := at.Add(-overlap.Time).UnixMicro()
	var settled int64
	switch column.kind {
	case whole:
		return column.mark(reached - overlap.Number)
	case instant:
		settled = moment
	case calendarDay:
		settled = mapping.FloorDiv(moment+offsetAt(n.plan.location, moment), microsPerDay)
	default:
		settled = n.local(moment)
	}
	if reached < settled {
		return ""
	}
	return column.mark(settled)
}

// local returns the time that clocks of the plan's zone show at a moment. Where
// clocks are changed it is an hour less, as they show some hours twice.
func (n *binding) local(moment int64) int64 {
	local := moment + offsetAt(n.plan.location, moment)
	if n.plan.location == time.UTC || n.plan.location.String() == "UTC" {
		return local
	}
	return local - time.Hour.Microseconds()
}

// parseMark reads what column.mark writes, and what servers write for it.
func parseMark(c *column, text string) (int64, bool) {
	if c.kind == whole {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	m, ok := mapping.ReadISO([]byte(text))
	if !ok {
		return 0, false
	}
	utc := mapping.NewZone(time.UTC)
	if c.kind == calendarDay {
		n, reason := m.DayOf(utc)
		return n, reason == ""
	}
	n, reason := m.InstantOf(utc)
	return n, reason == ""
}

// markOf returns the mark of a moment.
func (n *binding) markOf(t time.Time) string {
	column := &n.columns[n.mark]
	switch column.kind {
	case instant:
		return column.mark(t.UnixMicro())
	case calendarDay:
		return column.mark(int64(entity.DateOf(t.In(n.plan.location))))
	}
	return column.mark(t.UnixMicro() + offsetAt(n.plan.location, t.UnixMicro()))
}

// monthAfter returns the beginning of the month after the one that a mark is in,
// as a mark; "" where marks are no times.
func (n *binding) monthAfter(place string) string {
	column := &n.columns[n.mark]
	at, ok := parseMark(column, place)
	if column.kind == whole || !ok {
		return ""
	}
	if column.kind == calendarDay {
		at *= microsPerDay
	}
	year, month, _ := time.UnixMicro(at).UTC().Date()
	next := time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	if column.kind == calendarDay {
		next /= microsPerDay
	}
	return column.mark(next)
}
