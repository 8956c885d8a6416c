package model

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
)

// modelsDDL is the table of what is built: the last good build of each model.
const modelsDDL = `create table if not exists ops.models (
	model String comment 'Name of the model or seed',
	relation String comment 'Full name of its table or view',
	materialized LowCardinality(String) comment 'table, view or seed',
	fingerprint String comment 'Identity of everything the build came from',
	definition String comment 'Identity of its SQL, properties and seed rows',
	compiled String comment 'Identity of its SQL and checks with the values of the project in them',
	inputs Map(String, String) comment 'What it was built from: version of each model and of each entity''s raw data',
	rows Nullable(UInt64) comment 'Rows of the table; unknown for a view',
	as_of Date comment 'Last day that the build describes',
	run_id String comment 'Run that built it',
	built_at DateTime64(6, 'UTC') comment 'When the build became visible to readers',
	duration_ms UInt64 comment 'Time the build and its checks took, in milliseconds',
	version String comment 'Identity of its rows for the models that read it; stays when a build changed nothing',
	undated String comment 'Identity of its SQL with the values of the project other than the day'
) engine = ReplacingMergeTree(built_at) order by model
comment 'The last good build of every model: a model is built again when its identity changes'`

// modelsColumns are the columns that came to ops.models later, which a warehouse
// of an older program lacks.
var modelsColumns = []string{"version", "undated"}

// CreateTables creates the databases of models and their tables in ops, where they
// are missing.
func CreateTables(ctx context.Context, conn driver.Conn) error {
	statements := []string{
		"create database if not exists ops",
		"create database if not exists " + StagingDatabase,
		"create database if not exists " + MartDatabase,
		modelsDDL,
		changesDDL,
		reportedDDL,
		toldDDL,
	}
	for _, statement := range statements {
		if err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("create ops.models: %w", err)
		}
	}
	additions := []books.Addition{{Table: "reported", Column: "cause", Statement: "alter table ops.reported add column if not exists cause String comment 'What moved the figure; empty when it was told for the first time' after reason"}}
	for _, column := range modelsColumns {
		additions = append(additions, books.Addition{Table: "models", Column: column, Statement: "alter table ops.models add column if not exists " + column + " String"})
	}
	if err := books.Complete(ctx, conn, additions...); err != nil {
		return err
	}
	if err := conn.Exec(ctx, restatedDDL); err != nil { // reads what the tables have by now
		return fmt.Errorf("create ops.restated: %w", err)
	}
	return nil
}

// build is what ops.models keeps of a model's last good build.
type build struct {
	fingerprint, definition, compiled string
	inputs                            map[string]string
	rows                              *uint64
	builtAt                           time.Time
	duration                          time.Duration

	// version identifies the rows for the models that read them, undated the SQL
	// without the day; asOf is the last day that the build describes.
	version, undated string
	asOf             time.Time
	relation         string // the table's full name
	materialized     Materialization
}

// state is what the warehouse holds when a run starts.
type state struct {
	builds map[string]build
	// relations are the tables and views that exist, "mart.customers".
	relations map[string]bool
	// held are how many rows tables hold, those of raw data too.
	held map[string]uint64
	// checked are the checks of their own that need not run again while their data
	// stays the same: name to fingerprint of the data judged. Red ones run until
	// they are mended, so that a run stays red as long as its data is.
	checked map[string]string
	// steps are what the change logs hold, by model.
	steps map[string][]step
}

// holds says that a model's table or view is in the warehouse.
func (s *state) holds(m *Model) bool { return s.relations[m.FullName()] }

func readState(ctx context.Context, conn driver.Conn) (*state, error) {
	s := &state{builds: map[string]build{}, relations: map[string]bool{}, held: map[string]uint64{}, checked: map[string]string{}, steps: map[string][]step{}}
	for what, read := range map[string]func(context.Context, driver.Conn) error{
		"ops.models":    s.readBuilds,
		"system.tables": s.readRelations,
		"ops.checks":    s.readChecked,
		"ops.changes":   s.readSteps,
	} {
		// A warehouse that no run has touched yet has none of these tables.
		if err := read(ctx, conn); err != nil && !books.IsMissing(err) {
			return nil, fmt.Errorf("read %s: %w", what, err)
		}
	}
	return s, nil
}

func (s *state) readBuilds(ctx context.Context, conn driver.Conn) error {
	later, err := laterColumns(ctx, conn)
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `select model, fingerprint, definition, compiled, inputs, rows, built_at, duration_ms,
		as_of, relation, toString(materialized), `+later+` from ops.models final`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var b build
		var milliseconds uint64
		var materialized string
		err := rows.Scan(&name, &b.fingerprint, &b.definition, &b.compiled, &b.inputs, &b.rows, &b.builtAt, &milliseconds,
			&b.asOf, &b.relation, &materialized, &b.version, &b.undated)
		if err != nil {
			return err
		}
		if b.materialized = Materialization(materialized); b.version == "" {
			b.version = b.fingerprint
		}
		b.duration = time.Duration(milliseconds) * time.Millisecond
		s.builds[name] = b
	}
	return rows.Err()
}

// laterColumns returns the later columns of ops.models as a select list; those
// that the table does not have yet are empty.
func laterColumns(ctx context.Context, conn driver.Conn) (string, error) {
	var has []string
	err := conn.QueryRow(ctx, "select groupArray(name) from system.columns where database = 'ops' and table = 'models'").Scan(&has)
	parts := slices.Clone(modelsColumns)
	for i, name := range parts {
		if !slices.Contains(has, name) {
			parts[i] = "'' as " + name
		}
	}
	return strings.Join(parts, ", "), err
}

func (s *state) readRelations(ctx context.Context, conn driver.Conn) error {
	rows, err := conn.Query(ctx, "select database, name, ifNull(total_rows, 0) from system.tables where database in ('raw', 'staging', 'mart')")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var database, name string
		var held uint64
		if err := rows.Scan(&database, &name, &held); err != nil {
			return err
		}
		if s.held[database+"."+name] = held; database != "raw" {
			s.relations[database+"."+name] = true
		}
	}
	return rows.Err()
}

func (s *state) readChecked(ctx context.Context, conn driver.Conn) error {
	rows, err := conn.Query(ctx, `select model, argMax(fingerprint, checked_at) as judged from ops.checks
		where kind = 'query' group by model
		having argMax(status, checked_at) = 'passed' or argMax((severity, status), checked_at) = ('warn', 'failed')`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, fingerprint string
		if err := rows.Scan(&name, &fingerprint); err != nil {
			return err
		}
		s.checked[name] = fingerprint
	}
	return rows.Err()
}

// leftovers returns under which names aside the model's tables are there.
func (s *state) leftovers(m *Model) map[string]bool {
	found := map[string]bool{}
	for _, suffix := range asideSuffixes {
		if s.relations[m.FullName()+suffix] {
			found[suffix] = true
		}
	}
	return found
}

// buildRow is a row of ops.models.
type buildRow struct {
	Model        string            `json:"model"`
	Relation     string            `json:"relation"`
	Materialized Materialization   `json:"materialized"`
	Fingerprint  string            `json:"fingerprint"`
	Definition   string            `json:"definition"`
	Compiled     string            `json:"compiled"`
	Inputs       map[string]string `json:"inputs"`
	Rows         *uint64           `json:"rows"`
	AsOf         string            `json:"as_of"`
	RunID        string            `json:"run_id"`
	BuiltAt      string            `json:"built_at"`
	DurationMS   int64             `json:"duration_ms"`
	Version      string            `json:"version"`
	Undated      string            `json:"undated"`
}

// recordBuild adds the build to ops.models.
func recordBuild(ctx context.Context, conn driver.Conn, m *Model, b build, runID string, asOf time.Time) error {
	err := books.Add(ctx, conn, "ops.models", buildRow{
		Model: m.Name, Relation: m.FullName(), Materialized: m.Materialized, Fingerprint: b.fingerprint,
		Definition: b.definition, Compiled: b.compiled, Inputs: b.inputs, Rows: b.rows, AsOf: asOf.Format(time.DateOnly),
		RunID: runID, BuiltAt: books.Time(b.builtAt), DurationMS: b.duration.Milliseconds(), Version: b.version, Undated: b.undated,
	})
	if err != nil {
		return fmt.Errorf("record the build of %s: %w", m.Name, err)
	}
	return nil
}
