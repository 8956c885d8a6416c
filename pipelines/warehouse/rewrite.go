package warehouse

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// A statement that rewrites rows is done in the background, and whoever asked for it
// waits. On a full disk the engine puts it off until there is room, and says nothing:
// somebody would wait for ever.

// rewriting matches statements that wait for rows to be rewritten.
var rewriting = regexp.MustCompile(`(?is)^\s*delete\s|\bmutations_sync\b`)

// Exec runs a statement. One that rewrites rows, for which there is no room, ends with
// a *DiskFullError; the engine does the rest of it when there is room again.
func (w *Warehouse) Exec(ctx context.Context, statement string, args ...any) error {
	if !rewriting.MatchString(statement) {
		return w.Conn.Exec(ctx, statement, args...)
	}
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go w.watchRoom(waiting, stop)
	err := w.Conn.Exec(waiting, statement, args...)
	var full *DiskFullError
	if err != nil && ctx.Err() == nil && errors.As(context.Cause(waiting), &full) {
		return full
	}
	return err
}

// lookForRoom is how often it is looked whether there is room.
const lookForRoom = 2 * time.Second

// watchRoom ends a statement that waits for room: when it was so twice in a row, as a
// rewriting that is just beginning looks like it too.
func (w *Warehouse) watchRoom(ctx context.Context, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(lookForRoom)
	defer ticker.Stop()
	for lacking := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		lack, err := w.lacksRoom(ctx)
		if err != nil || lack == "" {
			lacking = 0
			continue
		}
		if lacking++; lacking > 1 {
			stop(&DiskFullError{Home: w.home, Cause: errors.New(lack)})
			return
		}
	}
}

// lacksRoom says how much room is lacking to rewrite what is to be rewritten; "" while
// there is enough, or something is being rewritten.
func (w *Warehouse) lacksRoom(ctx context.Context) (string, error) {
	// The engine asks for a tenth more than a part takes, and for a mebibyte at least.
	const question = `
		with pending as (
			select database, table, arrayJoin(parts_to_do_names) as name from system.mutations where not is_done
		)
		select
			toUInt64(max(greatest(1.1 * parts.bytes_on_disk, 1048576))) as needed,
			assumeNotNull((select min(unreserved_space) from system.disks)) as free,
			assumeNotNull((select count() from system.merges where is_mutation)) as going
		from system.parts as parts
		inner join pending on pending.database = parts.database and pending.table = parts.table and pending.name = parts.name
		where parts.active`
	var needed, free, going uint64
	if err := w.QueryRow(ctx, question).Scan(&needed, &free, &going); err != nil {
		return "", err
	}
	if going > 0 || free >= needed {
		return "", nil
	}
	return fmt.Sprintf("%.1f MB are free, and %.1f MB are needed to rewrite rows", float64(free)/1e6, float64(needed)/1e6), nil
}
