package model

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// A partition that holds as many parts is written anew as one when it is touched;
// the number is raised by up to as many more, other for each partition, so that
// not all of them are written anew on one day.
const compactAbove = 8

// next is what becomes of a partition.
type next struct {
	id     string
	filled bool // it has rows
}

// assemble puts the partitions with rows that differ together aside: of the parts
// of the table (hard links, no copies), less the rows of keys that lack some now,
// plus the new ones.
func (b *builder) assemble(ctx context.Context, d difference) ([]next, error) {
	if d.keys == 0 {
		return nil, nil
	}
	name, keys := b.m.aside(newSuffix), quote.Names(b.m.Key)
	if err := b.exec(ctx, "create the table", b.m.createTable(name)); err != nil {
		return nil, err
	}
	if err := b.linkPartitions(ctx, d.partitions); err != nil {
		return nil, err
	}
	gone := b.keysAmong(keys, b.m.aside(differSuffix)+" where olds > 0")
	if d.gone > 0 {
		if err := b.exec(ctx, "leave the old rows out", fmt.Sprintf("delete from %s where %s", name, gone)); err != nil {
			return nil, err
		}
	}
	query := fmt.Sprintf("select %s from %s where _partition_id in (%s) and (%s or %s in (select row_hash from %s where olds = 0))",
		quote.Names(b.m.columnNames()), b.m.aside(freshSuffix), literals(d.partitions), gone, b.m.rowHash(), b.m.aside(differSuffix))
	if err := b.exec(ctx, "add the new rows", b.m.insertRows(name, query)); err != nil {
		return nil, err
	}
	if err := b.compact(ctx); err != nil {
		return nil, err
	}
	filled, err := b.filledPartitions(ctx)
	if err != nil {
		return nil, err
	}
	result := make([]next, len(d.partitions))
	for i, id := range d.partitions {
		result[i] = next{id, slices.Contains(filled, id)}
	}
	return result, nil
}

// linkPartitions takes those of the partitions over that the table has.
func (b *builder) linkPartitions(ctx context.Context, ids []string) error {
	present, err := b.partitionsWithParts(ctx, b.m.Name)
	if err != nil {
		return err
	}
	var commands []string
	for _, id := range ids {
		if slices.Contains(present, id) {
			commands = append(commands, fmt.Sprintf("attach partition id %s from %s", quote.Literal(id), b.m.Relation()))
		}
	}
	if len(commands) == 0 {
		return nil
	}
	return b.exec(ctx, "take over the partitions", fmt.Sprintf("alter table %s %s", b.m.aside(newSuffix), strings.Join(commands, ", ")))
}

// replacePartitions puts the partitions put together aside in the place of those
// of the table, each in one step.
func (b *builder) replacePartitions(ctx context.Context, partitions []next) error {
	for _, p := range partitions {
		b.log.Debug("replace a partition", "model", b.m.Name, "partition", p.id, "run_id", b.runID)
		if b.beforePartition != nil {
			if err := b.beforePartition(b.m.Name, p.id); err != nil {
				return err
			}
		}
		statement := fmt.Sprintf("alter table %s replace partition id %s from %s", b.m.Relation(), quote.Literal(p.id), b.m.aside(newSuffix))
		if !p.filled {
			statement = fmt.Sprintf("alter table %s drop partition id %s", b.m.Relation(), quote.Literal(p.id))
		}
		if err := b.exec(ctx, "replace a partition", statement); err != nil {
			return err
		}
	}
	return nil
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

// filledPartitions returns the ids of the partitions aside that have rows. A part
// without a mask has; where all have one they are counted.
func (b *builder) filledPartitions(ctx context.Context) (filled []string, err error) {
	var masked []string
	err = b.conn.QueryRow(ctx, `select groupArrayIf(partition_id, whole > 0), groupArrayIf(partition_id, whole = 0) from (
			select partition_id, countIf(rows > 0 and not has_lightweight_delete) as whole
			from system.parts where active and database = ? and table = ? group by partition_id
		)`, b.m.Database, b.m.Name+newSuffix).Scan(&filled, &masked)
	if err != nil {
		return nil, fmt.Errorf("%s: read the partitions: %w", b.m.Path, check.InWords(err))
	}
	if len(masked) == 0 {
		return filled, nil
	}
	var counted []string
	query := fmt.Sprintf("select groupUniqArray(_partition_id) from %s where _partition_id in (%s)", b.m.aside(newSuffix), literals(masked))
	if err := b.conn.QueryRow(ctx, query).Scan(&counted); err != nil {
		return nil, fmt.Errorf("%s: read the partitions: %w", b.m.Path, check.InWords(err))
	}
	return append(filled, counted...), nil
}

// partitionsWithParts returns the ids of the partitions that a table of the model's
// database has parts of, be their rows masked or not.
func (b *builder) partitionsWithParts(ctx context.Context, table string) (ids []string, err error) {
	err = b.conn.QueryRow(ctx, "select groupUniqArray(partition_id) from system.parts where active and database = ? and table = ?", b.m.Database, table).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("%s: read the partitions: %w", b.m.Path, check.InWords(err))
	}
	return ids, nil
}

// measure returns how many partitions and rows the table has.
func (b *builder) measure(ctx context.Context) (partitions int, rows *uint64, err error) {
	ids, err := b.partitionsWithParts(ctx, b.m.Name)
	if err != nil {
		return 0, nil, err
	}
	n, err := b.count(ctx, b.m.Relation())
	return len(ids), &n, err
}
