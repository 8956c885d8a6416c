package alarm

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
)

// Incident is something that is or was wrong, and who was told of it.
type Incident struct {
	ID       string     `ch:"id" json:"id"`
	Kind     Kind       `ch:"kind" json:"kind"`
	Subject  string     `ch:"subject" json:"subject"`
	Text     string     `ch:"text" json:"text"`
	Urgent   bool       `ch:"urgent" json:"urgent"`
	OpenedAt time.Time  `ch:"opened_at" json:"opened_at"`
	ClosedAt *time.Time `ch:"closed_at" json:"closed_at,omitempty"`
	// Told are the channels that were told of it, Recovered those that were told that
	// it is over.
	Told      []string   `ch:"told" json:"told"`
	ToldAt    *time.Time `ch:"told_at" json:"told_at,omitempty"`
	Recovered []string   `ch:"recovered" json:"recovered"`
	// Problem is why it could not be delivered the last time.
	Problem string `ch:"problem" json:"problem,omitempty"`
	// Settled says that it is over, and nobody is left to be told.
	Settled bool `ch:"settled" json:"settled"`
}

// Open says that it is not over.
func (i *Incident) Open() bool { return i.ClosedAt == nil }

// is says whether the incident is about what was found.
func (i *Incident) is(f Finding) bool { return i.Kind == f.Kind && i.Subject == f.Subject }

const tableDDL = `CREATE TABLE IF NOT EXISTS ops.alarms
(
    id         String                         COMMENT 'Incident: kind, subject and when it began',
    kind       LowCardinality(String)         COMMENT 'What kind of alarm',
    subject    String                         COMMENT 'What it is about: a job, a dataset, a check',
    text       String                         COMMENT 'What is wrong',
    urgent     Bool                           COMMENT 'Told in quiet hours too',
    opened_at  DateTime64(6, 'UTC')           COMMENT 'When it was found',
    closed_at  Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was found to be over; null while it is not',
    told       Array(String)                  COMMENT 'Channels that were told of it',
    told_at    Nullable(DateTime64(6, 'UTC')) COMMENT 'When the last of them was',
    recovered  Array(String)                  COMMENT 'Channels that were told that it is over',
    problem    String                         COMMENT 'Why it could not be delivered the last time',
    settled    Bool                           COMMENT 'It is over, and nobody is left to be told',
    written_at DateTime64(6, 'UTC')           COMMENT 'When this version of the row was written'
)
ENGINE = ReplacingMergeTree(written_at) ORDER BY id COMMENT 'One row an alarm (read with FINAL)'`

// CreateTable makes the table of alarms where it is missing.
func CreateTable(ctx context.Context, conn driver.Conn) error {
	for _, ddl := range []string{"CREATE DATABASE IF NOT EXISTS ops", tableDDL} {
		if err := conn.Exec(ctx, ddl); err != nil {
			return fmt.Errorf("create ops.alarms: %w", err)
		}
	}
	return nil
}

// incidentColumns are those of an Incident.
const incidentColumns = "id, kind, subject, text, urgent, opened_at, closed_at, told, told_at, recovered, problem, settled"

// Incidents lists what is wrong and what somebody is still to be told of, the newest
// first, a thousand at most; all also what was settled. There are none before the
// table is made.
func Incidents(ctx context.Context, conn driver.Conn, all bool) ([]Incident, error) {
	condition := "NOT settled"
	if all {
		condition = "1"
	}
	list := []Incident{}
	err := conn.Select(ctx, &list, "SELECT "+incidentColumns+" FROM ops.alarms FINAL WHERE "+condition+" ORDER BY opened_at DESC, id LIMIT 1000")
	if err != nil && !books.IsMissing(err) {
		return nil, fmt.Errorf("read ops.alarms: %w", err)
	}
	return list, nil
}

// write brings incidents into the table as they stand.
func write(ctx context.Context, conn driver.Conn, list []*Incident) error {
	rows := make([]map[string]any, len(list))
	for i, n := range list {
		rows[i] = map[string]any{
			"id": n.ID, "kind": n.Kind, "subject": n.Subject, "text": n.Text, "urgent": n.Urgent, "opened_at": books.Time(n.OpenedAt),
			"closed_at": timeOrNull(n.ClosedAt), "told": orEmpty(n.Told), "told_at": timeOrNull(n.ToldAt), "recovered": orEmpty(n.Recovered),
			"problem": n.Problem, "settled": n.Settled, "written_at": books.Time(time.Now()),
		}
	}
	return books.Add(ctx, conn, "ops.alarms", rows...)
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func timeOrNull(t *time.Time) any {
	if t == nil {
		return nil
	}
	return books.Time(*t)
}
