package model

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"winback/pipelines/check"
	"winback/pipelines/model/quote"
)

// A partition that holds as many parts is written anew as one when it is touched;
// the number is raised by up to as many more, other for each partition, so that
// not all of them are written anew on one day.
const compactAbove = 8

// replacePartitions puts the fresh rows of the keys that differ in the place of
// their old ones. The partitions they are in are put together aside, of the parts
// of the table (hard links, no copies), less the old rows, plus the fresh ones.
// Each then replaces its own in one step. It returns how many there were.
func (b *builder) replacePartitions(ctx context.Context) (int, error) {
	condition := b.m.keysIn(quote.Names(b.m.Key), differSuffix)
	before, err := b.partitionsOf(ctx, b.m.Relation()+" where "+condition)
	if err != nil {
		return 0, err
	}
	after, err := b.partitionsOf(ctx, b.m.aside(freshSuffix)+" where "+condition)
	if err != nil {
		return 0, err
	}
	present, err := b.partitionsOf(ctx, b.m.Relation())
	if err != nil {
		return 0, err
	}
	touched := slices.Compact(slices.Sorted(slices.Values(append(before, after...))))
	if err := b.assemble(ctx, touched, present, len(before) > 0, condition); err != nil {
		return 0, err
	}
	filled, err := b.partitionsOf(ctx, b.m.aside(newSuffix))
	if err != nil {
		return 0, err
	}
	for _, id := range touched {
		b.log.Debug("replace a partition", "model", b.m.Name, "partition", id, "run_id", b.runID)
		if b.beforePartition != nil {
			if err := b.beforePartition(b.m.Name, id); err != nil {
				return 0, err
			}
		}
		statement := fmt.Sprintf("alter table %s replace partition id %s from %s", b.m.Relation(), quote.Literal(id), b.m.aside(newSuffix))
		if !slices.Contains(filled, id) {
			statement = fmt.Sprintf("alter table %s drop partition id %s", b.m.Relation(), quote.Literal(id))
		}
		if err := b.exec(ctx, "replace a partition", statement); err != nil {
			return 0, err
		}
	}
	return len(touched), nil
}

// assemble puts the touched partitions together aside.
func (b *builder) assemble(ctx context.Context, touched, present []string, anyOld bool, condition string) error {
	name := b.m.aside(newSuffix)
	if err := b.exec(ctx, "create the table", b.m.createTable(name)); err != nil {
		return err
	}
	for _, id := range touched {
		if !slices.Contains(present, id) {
			continue
		}
		err := b.exec(ctx, "take over a partition", fmt.Sprintf("alter table %s attach partition id %s from %s", name, quote.Literal(id), b.m.Relation()))
		if err != nil {
			return err
		}
	}
	if anyOld {
		if err := b.exec(ctx, "leave the old rows out", fmt.Sprintf("delete from %s where %s", name, condition)); err != nil {
			return err
		}
	}
	columns := quote.Names(b.m.columnNames())
	err := b.exec(ctx, "add the new rows", b.m.insertRows(name, fmt.Sprintf("select %s from %s where %s", columns, b.m.aside(freshSuffix), condition)))
	if err != nil {
		return err
	}
	return b.compact(ctx)
}

// compact writes partitions of many parts anew, without the rows that were left
// out.
func (b *builder) compact(ctx context.Context) error {
	rows, err := b.conn.Query(ctx, "select partition_id, count() from system.parts where active and database = ? and table = ? group by partition_id",
		b.m.Database, b.m.Name+newSuffix)
	if err != nil {
		return fmt.Errorf("%s: read the parts: %w", b.m.Path, check.InWords(err))
	}
	defer rows.Close()
	var crowded []string
	for rows.Next() {
		var id string
		var parts uint64
		if err := rows.Scan(&id, &parts); err != nil {
			return fmt.Errorf("%s: read the parts: %w", b.m.Path, err)
		}
		h := fnv.New32a()
		h.Write([]byte(id)) //nolint:errcheck // never fails
		if parts > compactAbove+uint64(h.Sum32()%compactAbove) {
			crowded = append(crowded, id)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: read the parts: %w", b.m.Path, check.InWords(err))
	}
	for _, id := range crowded {
		err := b.exec(ctx, "compact a partition", fmt.Sprintf("optimize table %s partition id %s final", b.m.aside(newSuffix), quote.Literal(id)))
		if err != nil {
			return err
		}
	}
	return nil
}

// partitionsOf returns the ids of the partitions that the rows are in.
func (b *builder) partitionsOf(ctx context.Context, relation string) (ids []string, err error) {
	if err := b.conn.QueryRow(ctx, "select groupUniqArray(_partition_id) from "+relation).Scan(&ids); err != nil {
		return nil, fmt.Errorf("%s: read the partitions: %w", b.m.Path, check.InWords(err))
	}
	return ids, nil
}

// measure returns how many partitions and rows the table has.
func (b *builder) measure(ctx context.Context) (partitions int, rows *uint64, err error) {
	ids, err := b.partitionsOf(ctx, b.m.Relation())
	if err != nil {
		return 0, nil, err
	}
	n, err := b.count(ctx, b.m.Relation())
	return len(ids), &n, err
}
