package engine_test

import (
	"fmt"
	"math"
	"math/big"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/chcol"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/paulmach/orb"
	"github.com/shopspring/decimal"

	"winback/pipelines/engine/enginetest"
)

// typeCase is a value that goes into a column and must come out the same.
type typeCase struct {
	kind string
	in   any
	out  any    // nil: the same as in
	text string // what the engine itself takes the value for; empty: not looked at
}

func bigInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return n
}

func ptr[T any](v T) *T { return &v }

func zone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return l
}

// clientTypes has every column type the Go client knows.
func clientTypes() []typeCase {
	moment := time.Date(2011, 12, 9, 12, 50, 0, 123456789, time.UTC)
	day := time.Date(2011, 12, 9, 0, 0, 0, 0, time.UTC)
	id := uuid.MustParse("61f0c404-5cb3-11e7-907b-a6006ad3dba0")
	return []typeCase{
		{kind: "Int8", in: int8(-128)},
		{kind: "Int16", in: int16(-32768)},
		{kind: "Int32", in: int32(-2147483648)},
		{kind: "Int64", in: int64(math.MinInt64)},
		{kind: "UInt8", in: uint8(255)},
		{kind: "UInt16", in: uint16(65535)},
		{kind: "UInt32", in: uint32(math.MaxUint32)},
		{kind: "UInt64", in: uint64(math.MaxUint64)},
		{kind: "Int128", in: bigInt("-170141183460469231731687303715884105728")},
		{kind: "UInt128", in: bigInt("340282366920938463463374607431768211455")},
		{kind: "Int256", in: bigInt("-57896044618658097711785492504343953926634992332820282019728792003956564819968")},
		{kind: "UInt256", in: bigInt("115792089237316195423570985008687907853269984665640564039457584007913129639935")},
		{kind: "Float32", in: float32(1.5)},
		{kind: "Float64", in: math.Pi},
		{kind: "BFloat16", in: float32(1.5)},
		{kind: "Bool", in: true, text: "true"},
		{kind: "String", in: "Ünïcode\x00\n'\\", text: "Ünïcode\x00\n'\\"},
		{kind: "FixedString(5)", in: "ab\x00de"},
		{kind: "UUID", in: id, text: id.String()},
		{kind: "IPv4", in: net.ParseIP("127.0.0.1").To4(), text: "127.0.0.1"},
		{kind: "IPv6", in: net.ParseIP("2001:db8::1"), text: "2001:db8::1"},
		{kind: "Date", in: day, text: "2011-12-09"},
		{kind: "Date32", in: time.Date(1925, 1, 1, 0, 0, 0, 0, time.UTC), text: "1925-01-01"},
		{kind: "DateTime", in: moment.Truncate(time.Second), text: "2011-12-09 12:50:00"},
		{kind: "DateTime('Asia/Tokyo')", in: moment.Truncate(time.Second), out: moment.Truncate(time.Second).In(zone("Asia/Tokyo")), text: "2011-12-09 21:50:00"},
		{kind: "DateTime64(3)", in: moment.Truncate(time.Millisecond), text: "2011-12-09 12:50:00.123"},
		{kind: "DateTime64(6,'UTC')", in: moment.Truncate(time.Microsecond), text: "2011-12-09 12:50:00.123456"},
		{kind: "DateTime64(9,'Europe/London')", in: moment, out: moment.In(zone("Europe/London")), text: "2011-12-09 12:50:00.123456789"},
		{kind: "Time", in: 13*time.Hour + 5*time.Second, text: "13:00:05"},
		{kind: "Time64(3)", in: 13*time.Hour + 5*time.Millisecond, text: "13:00:00.005"},
		{kind: "Decimal32(4)", in: decimal.RequireFromString("-12345.6789"), text: "-12345.6789"},
		{kind: "Decimal(18,4)", in: decimal.RequireFromString("99999999999999.9999"), text: "99999999999999.9999"},
		{kind: "Decimal128(8)", in: decimal.RequireFromString("-123456789012345678.12345678"), text: "-123456789012345678.12345678"},
		{kind: "Decimal256(10)", in: decimal.RequireFromString("123456789012345678901234567890.0000000001"), text: "123456789012345678901234567890.0000000001"},
		{kind: "Enum8('a' = 1, 'b' = -2)", in: "b", text: "b"},
		{kind: "Enum16('x, y' = 1000, 'z' = -2000)", in: "x, y", text: "x, y"},
		{kind: "Nullable(Int64)", in: ptr(int64(7)), text: "7"},
		{kind: "Nullable(String)", in: (*string)(nil), text: `\N`},
		{kind: "Nullable(Decimal(18,4))", in: ptr(decimal.RequireFromString("1.25")), text: "1.25"},
		{kind: "Nullable(DateTime64(6,'UTC'))", in: ptr(moment.Truncate(time.Microsecond))},
		{kind: "Nullable(UUID)", in: (*uuid.UUID)(nil), text: `\N`},
		{kind: "LowCardinality(String)", in: "retail", text: "retail"},
		{kind: "LowCardinality(Nullable(String))", in: (*string)(nil), text: `\N`},
		{kind: "LowCardinality(FixedString(3))", in: "GBP"},
		{kind: "Array(String)", in: []string{"a", "", "c"}, text: "['a','','c']"},
		{kind: "Array(Array(Int32))", in: [][]int32{{1, 2}, {}, {3}}, text: "[[1,2],[],[3]]"},
		{kind: "Array(Nullable(Float64))", in: []*float64{ptr(1.5), nil}, text: "[1.5,NULL]"},
		{kind: "Array(LowCardinality(String))", in: []string{"x", "y", "x"}, text: "['x','y','x']"},
		{kind: "Array(DateTime64(6,'UTC'))", in: []time.Time{moment.Truncate(time.Microsecond)}},
		{kind: "Map(String, String)", in: map[string]string{"k": "v", "": "w"}},
		{kind: "Map(LowCardinality(String), Array(UInt64))", in: map[string][]uint64{"k": {1, 2}}, text: "{'k':[1,2]}"},
		{kind: "Tuple(String, Int64)", in: []any{"a", int64(1)}, text: "('a',1)"},
		{kind: "Tuple(name String, n Nullable(UInt8))", in: map[string]any{"name": "a", "n": ptr(uint8(3))}, text: "('a',3)"},
		{kind: "Array(Tuple(a UInt8, b LowCardinality(String)))", in: []map[string]any{{"a": uint8(1), "b": "x"}}, text: "[(1,'x')]"},
		{kind: "SimpleAggregateFunction(sum, UInt64)", in: uint64(9), text: "9"},
		{kind: "Point", in: orb.Point{1, 2}, text: "(1,2)"},
		{kind: "Ring", in: orb.Ring{{1, 2}, {3, 4}}},
		{kind: "LineString", in: orb.LineString{{1, 2}, {3, 4}}},
		{kind: "Polygon", in: orb.Polygon{{{1, 2}, {3, 4}}}},
		{kind: "MultiLineString", in: orb.MultiLineString{{{1, 2}, {3, 4}}}},
		{kind: "MultiPolygon", in: orb.MultiPolygon{{{{1, 2}, {3, 4}}}}},
		{kind: "IntervalDay", in: int64(3), out: "3 Days", text: "3"},
	}
}

func TestClient_Types(t *testing.T) {
	w := enginetest.Start(t)
	db := w.Database(t, "types")
	conn, ctx := w.Conn(t), bounded(t)
	for i, c := range clientTypes() {
		t.Run(c.kind, func(t *testing.T) {
			table := fmt.Sprintf("%s.t%d", db, i)
			engine := "MergeTree ORDER BY tuple()"
			if strings.HasPrefix(c.kind, "Interval") {
				engine = "Memory"
			}
			if err := conn.Exec(ctx, "CREATE TABLE "+table+" (n UInt8, c "+c.kind+", after String) ENGINE = "+engine); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(c.kind, "Interval") { // the client only reads these
				w.Exec(t, "INSERT INTO "+table+" SELECT 1, toIntervalDay(3), 'end' FROM numbers(3)")
			} else {
				insertThree(t, conn, table, c.in)
			}
			rows, err := conn.Query(ctx, "SELECT c, toString(c), after FROM "+table)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			want := c.out
			if want == nil {
				want = c.in
			}
			n := 0
			for ; rows.Next(); n++ {
				got := reflect.New(reflect.TypeOf(want))
				var text *string
				var after string
				if err := rows.Scan(got.Interface(), &text, &after); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got.Elem().Interface(), comparers()...); diff != "" {
					t.Errorf("(-sent +received)\n%s", diff)
				}
				if text == nil {
					text = ptr(`\N`)
				}
				if c.text != "" && *text != c.text || after != "end" {
					t.Errorf("the engine has %q and after it %q, want %q", *text, after, c.text)
				}
			}
			if err := rows.Err(); err != nil || n != 3 {
				t.Errorf("%d rows, error %v", n, err)
			}
		})
	}
}

func insertThree(t *testing.T, conn clickhouse.Conn, table string, value any) {
	t.Helper()
	batch, err := conn.PrepareBatch(bounded(t), "INSERT INTO "+table)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := batch.Append(uint8(1), value, "end"); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

// comparers say when two values are the same: times also in their zone.
func comparers() []cmp.Option {
	return []cmp.Option{
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location().String() == b.Location().String() }),
		cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b *big.Int) bool { return a == b || a != nil && b != nil && a.Cmp(b) == 0 }),
		cmp.Comparer(func(a, b net.IP) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	}
}

func TestClient_SemiStructuredTypes(t *testing.T) {
	w := enginetest.Start(t)
	db := w.Database(t, "semistructured")
	conn, ctx := w.Conn(t), bounded(t)
	exec := func(sql string) {
		t.Helper()
		if err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	t.Run("Variant", func(t *testing.T) {
		exec("CREATE TABLE " + db + ".v (c Variant(String, Int64, Array(UInt8))) ENGINE = MergeTree ORDER BY tuple()")
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+db+".v")
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []any{chcol.NewVariantWithType("a", "String"), chcol.NewVariantWithType(int64(7), "Int64"), nil} {
			if err := batch.Append(v); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
		got := readColumn[chcol.Variant](t, conn, "SELECT c FROM "+db+".v")
		if len(got) != 3 || got[0].Any() != "a" || got[1].Any() != int64(7) || !got[2].Nil() {
			t.Errorf("read %v", got)
		}
	})
	t.Run("Dynamic", func(t *testing.T) {
		exec("CREATE TABLE " + db + ".d (c Dynamic) ENGINE = MergeTree ORDER BY tuple()")
		exec("INSERT INTO " + db + ".d SELECT 'a'::Dynamic UNION ALL SELECT 7::Int64::Dynamic")
		got := readColumn[chcol.Dynamic](t, conn, "SELECT c FROM "+db+".d ORDER BY dynamicType(c)")
		if len(got) != 2 || got[0].Any() != int64(7) || got[1].Any() != "a" {
			t.Errorf("read %v", got)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		exec("CREATE TABLE " + db + ".j (c JSON(a.b Int64)) ENGINE = MergeTree ORDER BY tuple()")
		exec(`INSERT INTO ` + db + `.j FORMAT JSONEachRow {"c": {"a": {"b": 1}, "s": "x"}}`)
		got := readColumn[clickhouse.JSON](t, conn, "SELECT c FROM "+db+".j")
		if len(got) != 1 {
			t.Fatalf("read %v", got)
		}
		if b, ok := clickhouse.ExtractJSONPathAs[int64](&got[0], "a.b"); !ok || b != 1 {
			t.Errorf("a.b = %v, %v", b, ok)
		}
	})
	t.Run("Nested", func(t *testing.T) {
		exec("CREATE TABLE " + db + ".n (c Nested(a UInt8, b String)) ENGINE = MergeTree ORDER BY tuple()")
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+db+".n")
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append([]uint8{1, 2}, []string{"x", "y"}); err != nil {
			t.Fatal(err)
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
		got := readColumn[[]string](t, conn, "SELECT c.b FROM "+db+".n")
		if diff := cmp.Diff([][]string{{"x", "y"}}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func readColumn[T any](t *testing.T, conn clickhouse.Conn, sql string) []T {
	t.Helper()
	rows, err := conn.Query(bounded(t), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
