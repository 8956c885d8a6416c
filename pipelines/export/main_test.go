package export

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// ask makes the target and the opener of a query, with the conversions that its
// types need.
func ask(t *testing.T, conn driver.Conn, path, sql string) (Target, Opener) {
	t.Helper()
	target := Target{Path: path, Title: "rows", Columns: columnsOf(t, conn, sql)}
	expressions := make([]string, len(target.Columns))
	for i, column := range target.Columns {
		expressions[i] = column.Expression("`" + column.Name + "`")
	}
	return target, func(format string) (io.ReadCloser, error) {
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_block_size": 8192}))
		return conn.QueryFormat(ctx, format, "select "+strings.Join(expressions, ", ")+" from ("+sql+")")
	}
}

func columnsOf(t *testing.T, conn driver.Conn, sql string) []Column {
	t.Helper()
	rows, err := conn.Query(t.Context(), "describe table ("+sql+")")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns []Column
	for rows.Next() {
		texts := make([]string, len(rows.Columns()))
		targets := make([]any, len(texts))
		for i := range texts {
			targets[i] = &texts[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, Column{Name: texts[0], Type: texts[1], Description: "What " + texts[0] + " means"})
	}
	return columns
}

// write exports a query and returns the file and the result.
func write(t *testing.T, name, sql string, change ...func(*Target)) (string, Result) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	target, open := ask(t, enginetest.Start(t).Conn(t), path, sql)
	for _, change := range change {
		change(&target)
	}
	result, err := Write(context.Background(), target, open)
	if err != nil {
		t.Fatal(err)
	}
	return path, result
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// everyType has a column of every type that ClickHouse has, by name.
const everyType = `select
	toInt8(-1) as i8, toUInt64(18446744073709551615) as u64, toInt128('-170141183460469231731687303715884105728') as i128,
	toFloat32(0.1) as f32, 1e300 as f64, cast('nan' as Float64) as nan, true as yes,
	'Zoë "the" boss' as text, toFixedString('ab', 4) as fixed, toLowCardinality('lc') as low, cast('open' as Enum8('open' = 1)) as enum,
	toDate('2024-02-29') as day, toDate32('1950-01-02') as old_day,
	toDateTime('2024-07-01 12:00:00', 'Europe/London') as second, toDateTime64('2024-07-01 12:00:00.5', 6, 'UTC') as micro,
	toDecimal32('-0.05', 2) as d32, toDecimal64('1234567.8900', 4) as d64, toDecimal128('12345678901234567890.1234', 4) as d128,
	toDecimal256('-99999999999999999999999999999999999999999999.5', 1) as d256,
	toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') as uuid, toIPv4('10.0.0.1') as ip4, toIPv6('::1') as ip6,
	['a', 'b'] as list, [toDecimal64(1.5, 2), 2] as amounts, cast([] as Array(String)) as nobody, [[1], [2, 3]] as nested,
	map('shop', '7') as ids, tuple(1, 'x') as pair, cast(null as Nullable(String)) as nothing, null as void,
	cast('lc' as LowCardinality(Nullable(String))) as maybe`
