package pipelines

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// textColumns are the columns of a table that may hold what somebody wrote.
type textColumns struct {
	database, table string
	all             []string // any kind of text
	plain           []string // texts that may be emptied: they are in no key
}

func (t textColumns) name() string {
	return quote.Table(t.database, t.table)
}

// hash identifies a row by what is written in it.
func (t textColumns) hash() string { return "sipHash64(" + t.texts(", ") + ")" }

// text is all that is written in a row, a line a column.
func (t textColumns) text() string { return "concat(" + t.texts(`, '\n', `) + ", '')" }

func (t textColumns) texts(separator string) string {
	texts := make([]string, len(t.all))
	for i, column := range t.all {
		texts[i] = "ifNull(toString(" + quote.Name(column) + "), '')"
	}
	return strings.Join(texts, separator)
}

// textTables lists the tables for which a condition holds, with their texts.
func (e *erasing) textTables(ctx context.Context, condition string) ([]textColumns, error) {
	rows, err := e.warehouse.Query(ctx, `SELECT database, table, name, type IN ('String', 'LowCardinality(String)', 'Nullable(String)') AND NOT (is_in_sorting_key OR is_in_primary_key OR is_in_partition_key) AS plain
		FROM system.columns WHERE type LIKE '%String%' AND default_kind IN ('', 'DEFAULT') AND (database, table) IN (
			SELECT database, name FROM system.tables WHERE engine LIKE '%MergeTree' AND database IN ('raw', 'staging', 'mart', 'ops') AND `+condition+`)
		ORDER BY database, table, position`)
	if err != nil {
		return nil, fmt.Errorf("list columns with text: %w", err)
	}
	defer rows.Close()
	var list []textColumns
	for rows.Next() {
		var database, table, column string
		var plain bool
		if err := rows.Scan(&database, &table, &column, &plain); err != nil {
			return nil, fmt.Errorf("list columns with text: %w", err)
		}
		if n := len(list); n == 0 || list[n-1].database != database || list[n-1].table != table {
			list = append(list, textColumns{database: database, table: table})
		}
		t := &list[len(list)-1]
		t.all = append(t.all, column)
		if plain {
			t.plain = append(t.plain, column)
		}
	}
	return list, rows.Err()
}

// fromBooks empties texts of the books that mention somebody who was forgotten (records
// that did not fit, samples of checks, statements, messages), and removes such rows from
// the models' change logs, which everybody has read by now.
func (e *erasing) fromBooks(ctx context.Context) error {
	books, err := e.textTables(ctx, "(database = 'ops' AND name NOT IN ('loads', 'extractions', 'layout', 'owner') OR database = 'staging' AND name LIKE '%\\_\\_changes')")
	if err != nil {
		return err
	}
	for _, t := range books {
		hashes, err := e.mentioning(ctx, t)
		if err != nil {
			return err
		}
		if len(hashes) == 0 {
			continue
		}
		do := "DELETE"
		if t.database == warehouse.Ops && len(t.plain) > 0 {
			sets := make([]string, len(t.plain))
			for i, column := range t.plain {
				sets[i] = quote.Name(column) + " = '(erased on request)'"
			}
			do = "UPDATE " + strings.Join(sets, ", ")
		}
		for some := range slices.Chunk(hashes, hashesAtOnce) {
			if err := e.warehouse.Exec(ctx, fmt.Sprintf("ALTER TABLE %s %s WHERE %s IN (%s) SETTINGS mutations_sync = 2", t.name(), do, t.hash(), hashList(some))); err != nil {
				return fmt.Errorf("erase from %s.%s: %w", t.database, t.table, err)
			}
		}
		e.receipt.Books[t.database+"."+t.table] = int64(len(hashes))
	}
	return e.fromTasks(ctx)
}

// fromTasks removes the tasks that were written about somebody who was forgotten: they
// name no address, but the customer's key and the records in the CRM.
func (e *erasing) fromTasks(ctx context.Context) error {
	rows, err := e.warehouse.Query(ctx, "SELECT customer_key, count() FROM ops.tasks GROUP BY customer_key")
	if err != nil {
		return fmt.Errorf("read ops.tasks: %w", err)
	}
	defer rows.Close()
	var keys []string
	var removed int64
	for rows.Next() {
		var key string
		var n uint64
		if err := rows.Scan(&key, &n); err != nil {
			return fmt.Errorf("read ops.tasks: %w", err)
		}
		if e.people.Customer(key) {
			keys, removed = append(keys, quote.Literal(key)), removed+int64(n)
		}
	}
	if err := rows.Err(); err != nil || len(keys) == 0 {
		return err
	}
	if err := e.warehouse.Exec(ctx, "ALTER TABLE ops.tasks DELETE WHERE customer_key IN ("+strings.Join(keys, ", ")+") SETTINGS mutations_sync = 2"); err != nil {
		return fmt.Errorf("erase from ops.tasks: %w", err)
	}
	e.receipt.Books["ops.tasks"] += removed
	return nil
}

// mentioning returns the hashes of the rows that mention somebody who was forgotten.
func (e *erasing) mentioning(ctx context.Context, t textColumns) ([]uint64, error) {
	rows, err := e.warehouse.Query(ctx, fmt.Sprintf("SELECT %s, %s FROM %s", t.hash(), t.text(), t.name()))
	if err != nil {
		return nil, fmt.Errorf("read %s.%s: %w", t.database, t.table, err)
	}
	defer rows.Close()
	var hashes []uint64
	for rows.Next() {
		var hash uint64
		var text string
		if err := rows.Scan(&hash, &text); err != nil {
			return nil, fmt.Errorf("read %s.%s: %w", t.database, t.table, err)
		}
		if e.people.Mentions(text) {
			hashes = append(hashes, hash)
		}
	}
	return hashes, rows.Err()
}

// RemainsError says where something of somebody was found who was to be forgotten.
type RemainsError struct{ Tables []string }

func (e *RemainsError) Error() string {
	return "something of them is still in " + strings.Join(e.Tables, ", ")
}

// search looks for the e-mail addresses and phone numbers that were found in every table
// that holds text. What still has them is built whole; what then has them is an error.
func (e *erasing) search(ctx context.Context) error {
	wanted := e.people.Found()
	if len(wanted) == 0 {
		return nil
	}
	holding, err := e.holding(ctx, wanted)
	if err == nil && len(holding) > 0 {
		full := e.o.Full
		e.o.Full = true
		err = e.rebuildModels(ctx)
		e.o.Full = full
		if err == nil {
			err = e.fromBooks(ctx)
		}
		if err == nil {
			holding, err = e.holding(ctx, wanted)
		}
	}
	if err == nil && len(holding) > 0 {
		err = &RemainsError{Tables: holding}
	}
	return err
}

// wantedAtOnce is how many texts are searched for at once: the engine takes 255.
const wantedAtOnce = 200

// holding returns the tables that hold one of the texts.
func (e *erasing) holding(ctx context.Context, wanted []string) ([]string, error) {
	tables, err := e.textTables(ctx, "1")
	if err != nil {
		return nil, err
	}
	var holding []string
	for _, t := range tables {
		holds, err := e.holds(ctx, t, wanted)
		if err != nil {
			return nil, fmt.Errorf("search %s.%s: %w", t.database, t.table, err)
		}
		if holds {
			holding = append(holding, t.database+"."+t.table)
		}
	}
	e.receipt.Searched = len(tables)
	return holding, nil
}

// holds says whether a table holds one of the texts.
func (e *erasing) holds(ctx context.Context, t textColumns, wanted []string) (bool, error) {
	for some := range slices.Chunk(wanted, wantedAtOnce) {
		quoted := make([]string, len(some))
		for i, text := range some {
			quoted[i] = quote.Literal(text)
		}
		var n uint64
		err := e.warehouse.QueryRow(ctx, fmt.Sprintf("SELECT count() FROM %s WHERE multiSearchAnyCaseInsensitive(%s, [%s])", t.name(), t.text(), strings.Join(quoted, ", "))).Scan(&n)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}
