package model

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// Touched is what a plan knows of the keys that a build in part would compute anew.
type Touched struct {
	// Keys are touched by what is in the warehouse already, in so many Partitions of
	// the table; those that rows still to come touch are not among them. Both are 0,
	// and Known is false, where that depends on models that are built before.
	Keys       uint64
	Partitions int
	Known      bool
	// AllPartitions is how many the table has.
	AllPartitions int
}

// foreteller asks which keys builds in part would touch. It changes nothing.
type foreteller struct {
	conn       driver.Conn
	project    *Project
	vars       Vars
	settings   map[string]string
	partitions map[string]int // of the tables of models, by full name
}

func (r *Runner) newForeteller(ctx context.Context) (*foreteller, error) {
	f := &foreteller{conn: r.conn, project: r.project, vars: r.options.Vars, partitions: map[string]int{}}
	var err error
	if f.settings, err = readSettings(ctx, r.conn, r.options.Settings); err != nil {
		return nil, err
	}
	rows, err := r.conn.Query(ctx, "select concat(database, '.', table), uniqExact(partition_id) from system.parts where active and database in (?, ?) group by 1", StagingDatabase, MartDatabase)
	if err != nil {
		return nil, fmt.Errorf("count the partitions: %w", check.InWords(err))
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		var n uint64
		if err := rows.Scan(&table, &n); err != nil {
			return nil, fmt.Errorf("count the partitions: %w", err)
		}
		f.partitions[table] = int(n)
	}
	return f, rows.Err()
}

// touched asks for one model that would be built in part. A followed model that is
// going to be built has not told yet what changes in it.
func (f *foreteller) touched(ctx context.Context, m *Model, d decision, changing map[string]bool) (Touched, error) {
	t := Touched{AllPartitions: f.partitions[m.FullName()]}
	for _, name := range m.sql.changed {
		if changing[name] {
			return t, nil
		}
	}
	r := f.project.relations()
	r.changed = func(name string) string { return d.increment.changed[name] }
	r.this = m.Relation
	r.once = onceWord(f.settings)
	query, err := m.compileTouched(f.vars, d.increment.seen, r)
	if err != nil {
		return t, err
	}
	keys := quote.Names(m.Key)
	if len(d.pending) > 0 {
		query = fmt.Sprintf("select %s from (\n%s\n)\nunion all select %s from (%s)", keys, query, keys, m.logged(d.pending))
	}
	ctx = withSettings(ctx, f.settings, m.Settings)
	var ids []string
	// Rows of new keys may make partitions that are not there yet: they are not counted.
	err = f.conn.QueryRow(ctx, strings.Join([]string{
		"with touched as (select distinct ", keys, " from (\n", query, "\n))\n",
		"select (select count() from touched), (select groupUniqArray(_partition_id) from ", m.Relation(), " where (", keys, ") in (select ", keys, " from touched))",
	}, "")).Scan(&t.Keys, &ids)
	if books.IsMissing(err) { // the log of a change is gone: the build finds out, and is a whole one
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("%s: find the touched keys: %w", m.Path, check.InWords(err))
	}
	t.Partitions, t.Known = len(ids), true
	return t, nil
}
