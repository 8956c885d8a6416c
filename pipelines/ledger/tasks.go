package ledger

import (
	"context"
	"fmt"
	"time"

	"winback/pipelines/books"
)

// Task is a task that was written into the system of a source.
type Task struct {
	Source, Customer string
	List             time.Time // day of the list
	ID               string    // in the system
	Manager, Due     string
	Records          []string // of the customer in the system
	WrittenAt        time.Time
}

// WriteTasks notes tasks; one that was noted before is noted once.
func (l *Ledger) WriteTasks(ctx context.Context, tasks []Task) error {
	if len(tasks) == 0 {
		return nil
	}
	rows := make([][]any, len(tasks))
	for i, t := range tasks {
		rows[i] = []any{t.Source, t.Customer, t.List.Format(time.DateOnly), t.ID, t.Manager, t.Due, t.Records, books.Time(t.WrittenAt)}
	}
	return l.insert(ctx, "tasks", "source, customer_key, list_on, task_id, manager_id, due_on, records, written_at", rows)
}

// TasksSince returns the tasks of a source that are of lists of a day or later, the
// oldest first. Books without the table have none.
func (l *Ledger) TasksSince(ctx context.Context, source string, day time.Time) ([]Task, error) {
	var tables uint64
	if err := l.conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = 'ops' AND name = 'tasks'").Scan(&tables); err != nil {
		return nil, fmt.Errorf("look for ops.tasks: %w", err)
	}
	if tables == 0 {
		return nil, nil
	}
	rows, err := l.conn.Query(ctx, `SELECT source, customer_key, toDate(list_on), task_id, manager_id, toString(due_on), records, written_at
		FROM ops.tasks FINAL WHERE source = ? AND list_on >= ? ORDER BY list_on, customer_key`, source, day.Format(time.DateOnly))
	if err != nil {
		return nil, fmt.Errorf("read ops.tasks: %w", err)
	}
	defer rows.Close()
	var tasks []Task
	for rows.Next() {
		var t Task
		if err := rows.Scan(&t.Source, &t.Customer, &t.List, &t.ID, &t.Manager, &t.Due, &t.Records, &t.WrittenAt); err != nil {
			return nil, fmt.Errorf("read ops.tasks: %w", err)
		}
		tasks = append(tasks, t)
	}
	return tasks, rows.Err()
}
