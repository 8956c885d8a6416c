package asterisk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/mapping"
	"winback/connectors/sqldb"
)

// table is a log that is kept in a table of a database.
type table struct {
	name string
	// times are the columns that may hold the time by which the table is read: the
	// first that is there does. Of ids, one must be there.
	times, ids []string
	// wanted are the columns that are read, those that are there.
	wanted []string
	zone   *time.Location
	parse  func(f fields) *piece
}

// cdrTable is a table of detail records. They are written when a leg has ended and
// read by its begin, which is what the usual indexes are for.
func cdrTable(name string, location *time.Location) table {
	zone := mapping.NewZone(location)
	return table{
		name: name, times: []string{"calldate", "start"}, ids: []string{"uniqueid", "linkedid"}, wanted: columnNames, zone: location,
		parse: func(f fields) *piece {
			p := legOf(f, zone)
			if p.leg != nil {
				p.at = p.leg.start
			}
			return p
		},
	}
}

// queueTable is a table that the queue log is written to (realtime).
func queueTable(name string, location *time.Location) table {
	zone := mapping.NewZone(location)
	return table{
		name: name, times: []string{"time"}, ids: []string{"callid"}, zone: location,
		wanted: []string{"time", "callid", "queuename", "agent", "event", "data", "data1", "data2", "data3", "data4", "data5"},
		parse: func(f fields) *piece {
			at, reason := instant(f.get("time"), zone)
			if at.IsZero() {
				return &piece{wrong: "time " + reason}
			}
			data := strings.Split(f.get("data"), "|") // one column in old exchanges
			if slices.Contains(f.names, "data1") {
				data = []string{f.get("data1"), f.get("data2"), f.get("data3"), f.get("data4"), f.get("data5")}
			}
			return eventOf(at, append([]string{f.get("callid"), f.get("queuename"), f.get("agent"), f.get("event")}, data...))
		},
	}
}

// tableFeed reads a table in the order of its times, some hours at a time.
type tableFeed struct {
	table
	db       *sqldb.Texts
	columns  []string // that are read
	ordering []string // by which rows of the same time are told apart
	by       string   // column of the time
	last     place
	from     string // where to read on, as the table writes times
	pieces   []*piece
}

// firstDay is earlier than any call, and later than the zero dates of MySQL.
const firstDay = "1990-01-01 00:00:00"

// openTable logs in and finds out what the table has.
func openTable(ctx context.Context, c *Database, clock connectors.Clock, t table, done []place) (*tableFeed, error) {
	db, err := sqldb.OpenTexts(ctx, c.Kind, c.Server, c.Socket, c.Timeout, clock)
	if err != nil {
		return nil, err
	}
	f := &tableFeed{table: t, db: db, from: firstDay}
	if len(done) > 0 {
		f.last = done[0]
		f.from = f.written(f.last.From)
	}
	if err := f.look(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return f, nil
}

func (f *tableFeed) look(ctx context.Context) error {
	have, err := f.db.Columns(ctx, f.name)
	if err != nil {
		return err
	}
	among := func(names []string) (found []string) {
		for _, name := range names {
			if slices.Contains(have, name) {
				found = append(found, name)
			}
		}
		return found
	}
	for _, needed := range [][]string{f.times, f.ids} {
		if len(among(needed)) == 0 {
			return fmt.Errorf("table %s has no column %s: is it the right table?", f.name, strings.Join(needed, " or "))
		}
	}
	f.by, f.columns, f.ordering = among(f.times)[0], among(f.wanted), among([]string{"id", "uniqueid", "sequence"})
	return nil
}

func (f *tableFeed) close() { f.db.Close() }

// written is an instant on the clocks of the table's zone. In the hour that comes
// twice when they go back it is the first one.
func (f *tableFeed) written(at time.Time) string {
	local, before := at.In(f.zone), at.Add(-time.Hour).In(f.zone)
	if local.Hour() == before.Hour() {
		local = before
	}
	return local.Format("2006-01-02 15:04:05.000000")
}

// since is the condition for times from a text on.
func (f *tableFeed) since(text string) string { return f.db.Name(f.by) + " >= '" + text + "'" }

// value asks for one value of the rows from a time on.
func (f *tableFeed) value(ctx context.Context, expression, from string) (value string, err error) {
	query := "select " + f.db.Text(expression) + " from " + f.db.Table(f.name) + " where " + f.since(from)
	err = f.db.Select(ctx, f.name, query, func(row []string) error {
		value = row[0]
		return nil
	})
	return value, err
}

func (f *tableFeed) count(ctx context.Context, from string) (int64, error) {
	text, err := f.value(ctx, "count(*)", from)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// fresh looks whether the table has other rows than it had.
func (f *tableFeed) fresh(ctx context.Context) (bool, error) {
	rows, err := f.count(ctx, f.from)
	return rows != f.last.Rows, err
}

// next reads on when what was read is used up.
func (f *tableFeed) next(ctx context.Context) (*piece, error) {
	for len(f.pieces) == 0 {
		from, err := f.value(ctx, "min("+f.db.Name(f.by)+")", f.from)
		if from == "" || err != nil {
			return nil, err
		}
		if err := f.read(ctx, from); err != nil {
			return nil, err
		}
	}
	p := f.pieces[0]
	f.pieces = f.pieces[1:]
	return p, nil
}

// span is how much time is read by one statement.
const span = 6 * time.Hour

// read reads the rows of a few hours.
func (f *tableFeed) read(ctx context.Context, from string) error {
	begin, err := time.Parse("2006-01-02 15:04:05.999999", from[:min(len(from), 26)])
	if err != nil {
		return fmt.Errorf("read %s: %s %q is no time", f.name, f.by, from)
	}
	until := begin.Add(span).Format(time.DateTime)
	list := make([]string, len(f.columns))
	for i, name := range f.columns {
		list[i] = f.db.Text(f.db.Name(name))
	}
	order := []string{f.db.Name(f.by)}
	for _, name := range f.ordering {
		order = append(order, f.db.Name(name))
	}
	query := "select " + strings.Join(list, ", ") + " from " + f.db.Table(f.name) + " where " + f.since(from) +
		" and " + f.db.Name(f.by) + " < '" + until + "' order by " + strings.Join(order, ", ")
	line := int64(0)
	f.from = until
	return f.db.Select(ctx, f.name, query, func(row []string) error {
		p := f.parse(fields{f.columns, row})
		line++
		p.text, p.place = strings.Join(row, "|"), place{name: "table " + f.name + " from " + from, Line: line}
		p.again = !p.at.IsZero() && !p.at.After(f.last.Upto)
		f.pieces = append(f.pieces, p)
		return nil
	})
}

// mark has the table read again from a time on.
func (f *tableFeed) mark(ctx context.Context, from, upto time.Time) ([]place, error) {
	p := place{From: from.UTC(), Upto: upto.UTC(), Rows: -1} // where there is more, there is something new
	var err error
	if len(f.pieces) == 0 && !f.db.Torn() { // else the count may have rows that came when they had been passed
		p.Rows, err = f.count(ctx, f.written(from))
	}
	return []place{p}, err
}
