package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// JobRuns counts the runs of a job that ended in a state; those that somebody asked
// for have no job. Below counts those that took at most so many seconds as
// DurationBounds says, in its order.
type JobRuns struct {
	Job     string   `ch:"job"`
	State   string   `ch:"state"`
	Runs    uint64   `ch:"runs"`
	Timed   uint64   `ch:"timed"`
	Seconds float64  `ch:"seconds"`
	Below   []uint64 `ch:"below"`
	// Last is when the last of them ended.
	Last time.Time `ch:"last"`
}

// DurationBounds are the bounds, in seconds, by which JobRuns counts durations.
var DurationBounds = [...]float64{1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600}

// Loaded is what came into the warehouse of an entity.
type Loaded struct {
	Source string `ch:"source"`
	Entity string `ch:"entity"`
	Rows   int64  `ch:"loaded_rows"`
	Bytes  int64  `ch:"loaded_bytes"`
}

// Steps are the steps of runs of a kind that ended in a state. Retries are the tries that
// failed before their last ones.
type Steps struct {
	Kind    string `ch:"kind"`
	State   string `ch:"state"`
	Steps   uint64 `ch:"steps"`
	Retries uint64 `ch:"retries"`
}

// Unchanged are the rows of an entity that were read again as they were landed last.
type Unchanged struct {
	Source string `ch:"source"`
	Entity string `ch:"entity"`
	Rows   int64  `ch:"unchanged_rows"`
}

// Waiting are the records of a source that were put aside and of which nothing has
// become.
type Waiting struct {
	Source  string `ch:"source"`
	Dataset string `ch:"dataset"`
	Records uint64 `ch:"records"`
}

// Totals are the books summed up, for those who watch figures.
type Totals struct {
	Runs      []JobRuns
	Loaded    []Loaded
	Unchanged []Unchanged
	Steps     []Steps
	Freshness []Freshness
	Waiting   []Waiting
	Checks    []Check
}

// mostTotals bounds what is told apart.
const mostTotals = 500

// Waiting counts the records that wait of each dataset.
func (b Books) Waiting(ctx context.Context) ([]Waiting, error) {
	return read[Waiting](ctx, b, "the quarantine", fmt.Sprintf(`SELECT source, dataset, countIf(state = 'open') AS records
		FROM ops.quarantine GROUP BY source, dataset ORDER BY source, dataset LIMIT %d`, mostTotals))
}

// Totals sums the books up.
func (b Books) Totals(ctx context.Context) (Totals, error) {
	var t Totals
	var errs [7]error
	most := fmt.Sprintf(" LIMIT %d", mostTotals)
	t.Runs, errs[0] = read[JobRuns](ctx, b, "how many runs there were", `
		SELECT job, state, count() AS runs, countIf(finished_at IS NOT NULL) AS timed, sum(took) AS seconds,
			arrayMap(bound -> arrayCount(t -> t <= bound, groupArrayIf(took, finished_at IS NOT NULL)), {bounds:Array(Float64)}) AS below,
			max(coalesce(finished_at, started_at)) AS last
		FROM (SELECT *, coalesce(toFloat64(dateDiff('ms', started_at, finished_at)), 0) / 1000 AS took FROM ops.runs FINAL WHERE state != 'running')
		GROUP BY job, state ORDER BY job, state`+most, clickhouse.Named("bounds", DurationBounds[:]))
	t.Loaded, errs[1] = read[Loaded](ctx, b, "what was loaded", `SELECT source, entity, sum(rows) AS loaded_rows, sum(bytes) AS loaded_bytes
		FROM ops.loads FINAL WHERE kind != 'covered' AND NOT startsWith(entity, 'ops.') GROUP BY source, entity ORDER BY source, entity`+most)
	t.Waiting, errs[2] = b.Waiting(ctx)
	t.Freshness, errs[3] = b.Freshness(ctx)
	t.Checks, errs[4] = b.FailingChecks(ctx)
	t.Unchanged, errs[5] = read[Unchanged](ctx, b, "what was read again", `SELECT source, entity, sum(unchanged) AS unchanged_rows
		FROM ops.extractions GROUP BY source, entity ORDER BY source, entity`+most)
	t.Steps, errs[6] = read[Steps](ctx, b, "how often steps were tried", `SELECT kind, state, count() AS steps, toUInt64(sum(greatest(attempts, 1) - 1)) AS retries
		FROM ops.steps GROUP BY kind, state ORDER BY kind, state`+most)
	return t, errors.Join(errs[:]...)
}

// Machine is how the engine does.
type Machine struct {
	Version string `ch:"version" json:"version"`
	Uptime  uint32 `ch:"up" json:"uptime_seconds"`
	Memory  int64  `ch:"memory" json:"memory_bytes"`
	Tables  uint64 `ch:"tables" json:"tables"`
	Rows    uint64 `ch:"held_rows" json:"rows"`
	Bytes   uint64 `ch:"held_bytes" json:"bytes_on_disk"`
	Queries int64  `ch:"queries" json:"queries_running"`
}

// Machine asks the engine how it does.
func (b Books) Machine(ctx context.Context) (Machine, error) {
	list, err := read[Machine](ctx, b, "how the engine does", `SELECT version() AS version, toUInt32(uptime()) AS up,
		toInt64((SELECT sum(value) FROM system.metrics WHERE metric = 'MemoryTracking')) AS memory,
		toInt64((SELECT sum(value) FROM system.metrics WHERE metric = 'Query')) AS queries,
		uniqExact(database, table) AS tables, sum(rows) AS held_rows, sum(bytes_on_disk) AS held_bytes
		FROM system.parts WHERE active AND database IN ('raw', 'staging', 'mart', 'ops')`)
	if err != nil || len(list) == 0 {
		return Machine{}, err
	}
	return list[0], nil
}
