package ledger

import "winback/pipelines/books"

// tables are the ones that this package writes. Models and checks keep theirs.
var tables = []string{
	`CREATE TABLE IF NOT EXISTS ops.runs
(
    run_id      String                           COMMENT 'Id of the run; sorts by start',
    command     String                           COMMENT 'What was asked for',
    as_of       Date32                           COMMENT 'Day the marts describe, inclusive',
    started_at  DateTime64(6, 'UTC')             COMMENT 'Start',
    finished_at Nullable(DateTime64(6, 'UTC'))   COMMENT 'End; null while it runs and when the process was killed',
    state       LowCardinality(String)           COMMENT 'running, done, partly, failed or interrupted',
    message     String                           COMMENT 'What went wrong, if anything',
    written_at  DateTime64(6, 'UTC')             COMMENT 'When this version of the row was written',
    job         LowCardinality(String)           COMMENT 'Job of the schedule that it was made for; empty where somebody asked for it',
    slot        Nullable(DateTime64(6, 'UTC'))   COMMENT 'Time of the schedule that it was made for'
)
ENGINE = ReplacingMergeTree(written_at) ORDER BY run_id COMMENT 'One row a run (read with FINAL)'`,

	`CREATE TABLE IF NOT EXISTS ops.steps
(
    run_id      String                 COMMENT 'Run that the step belongs to',
    kind        LowCardinality(String) COMMENT 'extract, load, model or check',
    name        String                 COMMENT 'What was extracted, loaded, built or checked',
    state       LowCardinality(String) COMMENT 'done, failed or skipped',
    rows        Int64                  COMMENT 'Rows written',
    bytes       Int64                  COMMENT 'Bytes written',
    started_at  DateTime64(6, 'UTC')   COMMENT 'Start',
    duration_ms Int64                  COMMENT 'Milliseconds it took',
    message     String                 COMMENT 'What went wrong, if anything',
    attempts    UInt16 DEFAULT 1       COMMENT 'How often it was tried',
    earlier     Array(String)          COMMENT 'Errors of the tries before the last one, which may pass by themselves'
)
ENGINE = MergeTree ORDER BY (run_id, kind, name) COMMENT 'One row a step of a run'`,

	`CREATE TABLE IF NOT EXISTS ops.extractions
(
    run_id      String                 COMMENT 'Run that read the source',
    source      LowCardinality(String) COMMENT 'Source',
    dataset     LowCardinality(String) COMMENT 'Dataset of the source',
    entity      LowCardinality(String) COMMENT 'Entity the records are of',
    read        Int64                  COMMENT 'Records read',
    expected    Int64                  COMMENT 'Records that the source says there were; 0 where it does not',
    landed      Int64                  COMMENT 'Rows landed',
    unchanged   Int64                  COMMENT 'Read again as they were landed last, and not landed again',
    duplicates  Int64                  COMMENT 'The same content again',
    quarantined Int64                  COMMENT 'Records that did not fit',
    ignored     Int64                  COMMENT 'Left out by a rule of the configuration',
    deleted     Int64                  COMMENT 'Records landed earlier that the source has no more',
    slices      Int64                  COMMENT 'Commits that the dataset came in',
    started_at  DateTime64(6, 'UTC')   COMMENT 'Start'
)
ENGINE = MergeTree ORDER BY (source, dataset, entity, run_id) COMMENT 'What a run read of each entity, one row where it read anything'`,

	`CREATE TABLE IF NOT EXISTS ops.loads
(
    path      String                 COMMENT 'File, relative to the landing zone',
    checksum  String                 COMMENT 'Checksum of the file',
    source    LowCardinality(String) COMMENT 'Source the rows are from',
    entity    LowCardinality(String) COMMENT 'Entity the rows are of',
    run_id    String                 COMMENT 'Run that landed the file, or compaction that wrote it',
    kind      LowCardinality(String) DEFAULT 'landed' COMMENT 'landed: rows of that run; merged: rows of many runs, loaded together; covered: rows that came before, nothing new',
    rows      Int64                  COMMENT 'Rows in it',
    bytes     Int64                  COMMENT 'Size of the file',
    loaded_at DateTime64(6, 'UTC')   COMMENT 'When it was loaded'
)
ENGINE = ReplacingMergeTree(loaded_at) ORDER BY path COMMENT 'One row a landing file that is in the warehouse'`,

	`CREATE TABLE IF NOT EXISTS ops.quarantine_records
(
    id           String                         COMMENT 'Name of the record for winback quarantine: group and number',
    run_id       String                         COMMENT 'Run that met the record',
    source       LowCardinality(String)         COMMENT 'Source it came from',
    dataset      LowCardinality(String)         COMMENT 'Dataset of the source',
    number       Int64                          COMMENT 'Number within the run and dataset, from 1',
    entity       LowCardinality(String)         COMMENT 'Entity it was meant for',
    input        String                         COMMENT 'File or page',
    line         Int64                          COMMENT 'Line or record number in it, from 1; 0 if not known',
    column       String                         COMMENT 'Column of the source, or field of the contract',
    value        String                         COMMENT 'Value that does not fit',
    reason       String                         COMMENT 'What is wrong with it',
    record       String                         COMMENT 'The whole record, as far as known (may hold personal data)',
    kept         Bool                           COMMENT 'The record went on, without the value',
    at           DateTime64(6, 'UTC')           COMMENT 'When it was put aside',
    state        LowCardinality(String)         COMMENT 'open, replayed (fitted later), resolved (its input was read again) or discarded',
    state_at     Nullable(DateTime64(6, 'UTC')) COMMENT 'When something last became of it',
    state_by     String                         COMMENT 'Who asked for that',
    state_run    String                         COMMENT 'Run that did it',
    state_reason String                         COMMENT 'Why it still does not fit, or is not wanted',
    tries        Int64                          COMMENT 'How often it was tried again',
    revision     Int64                          COMMENT 'Grows when something becomes of the records of the run and dataset'
)
ENGINE = ReplacingMergeTree(revision) ORDER BY (source, dataset, run_id, number)
COMMENT 'Records that did not fit, one row each and revision; read ops.quarantine'`,

	`CREATE TABLE IF NOT EXISTS ops.verifications
(
    verified_at DateTime64(6, 'UTC')    COMMENT 'When winback verify ran; the last one counts',
    number      UInt32                  COMMENT 'Place of the line in the report, from 1',
    subject     String                  COMMENT 'Published case',
    what        String                  COMMENT 'Number of it',
    source      String                  COMMENT 'Who published it',
    through     String                  COMMENT 'What computed it: a mart, or a package of the program',
    published   Float64                 COMMENT 'Published number',
    decimals    UInt8                   COMMENT 'So many decimals of it have to be the same',
    computed    Nullable(Float64)       COMMENT 'Computed number; null unless the state is ok or differs',
    state       LowCardinality(String)  COMMENT 'ok, differs, skipped (the data are not here) or broken (it could not be computed)',
    message     String                  COMMENT 'Why it was skipped or is broken',
    version     String                  COMMENT 'Version of winback'
)
ENGINE = MergeTree ORDER BY (verified_at, number)
COMMENT 'Published numbers beside those that the program computes, one row each and time that winback verify ran'`,

	`CREATE TABLE IF NOT EXISTS ops.tasks
(
    source       LowCardinality(String) COMMENT 'Source into whose system it was written',
    customer_key String                 COMMENT 'Customer whom it is about',
    list_on      Date32                 COMMENT 'Day of the list of candidates',
    task_id      String                 COMMENT 'Id in the system',
    manager_id   String                 COMMENT 'Who is to do it',
    due_on       Date32                 COMMENT 'Day by which',
    records      Array(String)          COMMENT 'Records of the customer in the system',
    written_at   DateTime64(6, 'UTC')   COMMENT 'When it was written, or found there'
)
ENGINE = ReplacingMergeTree(written_at) ORDER BY (source, customer_key, list_on)
COMMENT 'Tasks that winback push wrote, one row a source, customer and list (read with FINAL)'`,
	QueriesTable,
}

// QueriesTable makes ops.queries, which package querylog writes.
const QueriesTable = `CREATE TABLE IF NOT EXISTS ops.queries
(
    id           String                 COMMENT 'Id of the query, as the client chose it or as it was made',
    user         LowCardinality(String) COMMENT 'Who asked; where the login failed, who they said to be',
    address      String                 COMMENT 'Where from',
    client       LowCardinality(String) COMMENT 'What the program calls itself',
    database     LowCardinality(String) COMMENT 'Where names without a database were looked for',
    kind         LowCardinality(String) COMMENT 'select, insert, create, …; other; empty where no statement was read, as after a login that failed',
    state        LowCardinality(String) COMMENT 'done, failed, refused (not allowed, or not now) or cancelled',
    code         Int32                  COMMENT 'Code of the error, as ClickHouse numbers them; 0 for none',
    error        LowCardinality(String) COMMENT 'Name of the error; its text would repeat the statement',
    started_at   DateTime64(6, 'UTC')   COMMENT 'When it came',
    duration_ms  Float64                COMMENT 'Milliseconds until it was answered whole',
    read_rows    UInt64                 COMMENT 'Rows read',
    read_bytes   UInt64                 COMMENT 'Bytes read',
    written_rows UInt64                 COMMENT 'Rows written',
    result_rows  UInt64                 COMMENT 'Rows of the result',
    result_bytes UInt64                 COMMENT 'Bytes of the result, before it was formatted',
    fingerprint  UInt64                 COMMENT 'The same for statements that differ in texts and numbers only',
    query        String                 COMMENT 'The statement, with ? for texts and numbers'
)
ENGINE = MergeTree PARTITION BY toDate(started_at) ORDER BY started_at
COMMENT 'What clients of winback serve asked, one row a statement'`

// additions bring the tables of an older program up to date, and make the views.
var additions = []books.Addition{
	{Table: "runs", Column: "slot", Statement: `ALTER TABLE ops.runs
		ADD COLUMN IF NOT EXISTS job LowCardinality(String) COMMENT 'Job of the schedule that it was made for; empty where somebody asked for it',
		ADD COLUMN IF NOT EXISTS slot Nullable(DateTime64(6, 'UTC')) COMMENT 'Time of the schedule that it was made for'`},
	{Table: "steps", Column: "attempts", Statement: `ALTER TABLE ops.steps
		ADD COLUMN IF NOT EXISTS attempts UInt16 DEFAULT 1 COMMENT 'How often it was tried',
		ADD COLUMN IF NOT EXISTS earlier Array(String) COMMENT 'Errors of the tries before the last one, which may pass by themselves'`},
	{Table: "loads", Column: "kind", Statement: `ALTER TABLE ops.loads ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'landed'
		COMMENT 'landed: rows of that run; merged: rows of many runs, loaded together; covered: rows that came before, nothing new' AFTER run_id`},
	{Table: "extractions", Column: "unchanged", Statement: `ALTER TABLE ops.extractions
		ADD COLUMN IF NOT EXISTS unchanged Int64 COMMENT 'Read again as they were landed last, and not landed again' AFTER landed`},
	{Table: "quarantine", Statement: quarantineView},
	{Table: "freshness", Statement: freshnessView},
}

// quarantineView shows the records as they stand.
const quarantineView = `CREATE VIEW IF NOT EXISTS ops.quarantine AS
SELECT * EXCEPT (revision) FROM ops.quarantine_records FINAL
COMMENT 'Records that did not fit, one row each, with what became of them'`

// freshnessView says of when the data of each dataset are.
const freshnessView = `CREATE VIEW IF NOT EXISTS ops.freshness AS
SELECT
    splitByChar('.', name)[1] AS source,
    substring(name, length(source) + 2) AS dataset,
    maxIf(started_at, s.state = 'done') AS read_at,
    argMax(s.state, started_at) AS state,
    if(state = 'done', '', argMax(s.message, started_at)) AS message
FROM ops.steps AS s
WHERE kind = 'extract'
GROUP BY name
COMMENT 'When each dataset was last read with success (1970 for never), and what came of the last attempt'`

// QuarantineColumns are the columns of ops.quarantine_records.
func QuarantineColumns() []string {
	return []string{
		"id", "run_id", "source", "dataset", "number", "entity", "input", "line", "column", "value", "reason", "record", "kept", "at",
		"state", "state_at", "state_by", "state_run", "state_reason", "tries", "revision",
	}
}
