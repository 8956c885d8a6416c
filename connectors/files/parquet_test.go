package files

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/deprecated"
)

// parquetOf writes rows as Parquet.
func parquetOf[T any](t testing.TB, rows []T, options ...parquet.WriterOption) string {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// linesOf reads a Parquet file as lines of JSON.
func linesOf(t testing.TB, file string) string {
	t.Helper()
	r, err := newParquetReader(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// one writes a file with one row of one column, of any type.
func one(t testing.TB, node parquet.Node, value parquet.Value) string {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewWriter(&out, parquet.NewSchema("t", parquet.Group{"v": node}))
	if _, err := w.WriteRows([]parquet.Row{{value.Level(0, 0, 0)}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestParquet_Types(t *testing.T) {
	tests := []struct {
		name  string
		node  parquet.Node
		value parquet.Value
		want  string
	}{
		{"boolean", parquet.Leaf(parquet.BooleanType), parquet.BooleanValue(true), "true"},
		{"int32", parquet.Int(32), parquet.Int32Value(-5), "-5"},
		{"int64", parquet.Int(64), parquet.Int64Value(math.MinInt64), "-9223372036854775808"},
		{"plain int64", parquet.Leaf(parquet.Int64Type), parquet.Int64Value(7), "7"},
		{"uint32", parquet.Uint(32), parquet.Int32Value(-1), "4294967295"},
		{"uint64", parquet.Uint(64), parquet.Int64Value(-1), "18446744073709551615"},
		{"int96", parquet.Leaf(parquet.Int96Type), parquet.Int96Value(deprecated.Int96{1_000_000_000, 0, 2_460_342}), `"2024-02-01T00:00:01Z"`},
		{"float", parquet.Leaf(parquet.FloatType), parquet.FloatValue(0.1), "0.1"},
		{"double", parquet.Leaf(parquet.DoubleType), parquet.DoubleValue(1234.5), "1234.5"},
		{"large double", parquet.Leaf(parquet.DoubleType), parquet.DoubleValue(1e22), "1e+22"},
		{"no number", parquet.Leaf(parquet.DoubleType), parquet.DoubleValue(math.NaN()), `"NaN"`},
		{"decimal of int32", parquet.Decimal(2, 9, parquet.Int32Type), parquet.Int32Value(-5), "-0.05"},
		{"decimal of int64", parquet.Decimal(4, 18, parquet.Int64Type), parquet.Int64Value(123456789012345678), "12345678901234.5678"},
		{"decimal of fixed bytes", parquet.Decimal(2, 20, parquet.FixedLenByteArrayType(9)),
			parquet.FixedLenByteArrayValue([]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x85}), "-1.23"},
		{"decimal of bytes", parquet.Decimal(3, 30, parquet.ByteArrayType), parquet.ByteArrayValue([]byte{0x04, 0xD2}), "1.234"},
		{"date", parquet.Date(), parquet.Int32Value(19754), `"2024-02-01"`},
		{"date before 1970", parquet.Date(), parquet.Int32Value(-1), `"1969-12-31"`},
		{"time ms", parquet.Time(parquet.Millisecond), parquet.Int32Value(36_915_250), `"10:15:15.25"`},
		{"time ns", parquet.Time(parquet.Nanosecond), parquet.Int64Value(36_915_000_000_001), `"10:15:15.000000001"`},
		{"timestamp ms", parquet.Timestamp(parquet.Millisecond), parquet.Int64Value(1706781600123), `"2024-02-01T10:00:00.123Z"`},
		{"timestamp us", parquet.Timestamp(parquet.Microsecond), parquet.Int64Value(-1), `"1969-12-31T23:59:59.999999Z"`},
		{"timestamp ns", parquet.Timestamp(parquet.Nanosecond), parquet.Int64Value(1706781600000000001), `"2024-02-01T10:00:00.000000001Z"`},
		{"local timestamp", parquet.TimestampAdjusted(parquet.Microsecond, false), parquet.Int64Value(1706781600000000), `"2024-02-01T10:00:00"`},
		{"uuid", parquet.UUID(), parquet.FixedLenByteArrayValue([]byte("0123456789abcdef")), `"30313233-3435-3637-3839-616263646566"`},
		{"string", parquet.String(), parquet.ByteArrayValue([]byte("Чай \"x\"\n\\")), `"Чай \"x\"\u000a\\"`},
		{"bytes", parquet.Leaf(parquet.ByteArrayType), parquet.ByteArrayValue([]byte("text")), `"text"`},
		{"bytes that are no text", parquet.Leaf(parquet.ByteArrayType), parquet.ByteArrayValue([]byte{0xFF, 0}), `"ff00"`},
		{"bytes that are a text", parquet.Leaf(parquet.ByteArrayType), parquet.ByteArrayValue([]byte("Ada")), `"Ada"`},
		{"fixed bytes", parquet.Leaf(parquet.FixedLenByteArrayType(2)), parquet.FixedLenByteArrayValue([]byte{0xAB, 1}), `"ab01"`},
		{"enum", parquet.Enum(), parquet.ByteArrayValue([]byte("paid")), `"paid"`},
		{"json", parquet.JSON(), parquet.ByteArrayValue([]byte(`{"a":1}`)), `"{\"a\":1}"`},
		{"dictionary", parquet.Encoded(parquet.String(), &parquet.RLEDictionary), parquet.ByteArrayValue([]byte("x")), `"x"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, want := linesOf(t, one(t, test.node, test.value)), `{"v":`+test.want+"}\n"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

type parquetOrder struct {
	ID       int64             `parquet:"id"`
	At       int64             `parquet:"at,timestamp(microsecond)"`
	Total    int64             `parquet:"total,decimal(2:18)"`
	Customer *parquetPerson    `parquet:"customer,optional"`
	Lines    []parquetLine     `parquet:"lines,list"`
	Bare     []int32           `parquet:"bare"`
	Labels   map[string]string `parquet:"labels"`
}

type parquetPerson struct {
	Name   string   `parquet:"name,dict"`
	Phones []string `parquet:"phones,list"`
}

type parquetLine struct {
	SKU   *string  `parquet:"sku,optional"`
	Price float64  `parquet:"price"`
	Notes []string `parquet:"notes,list"`
}

func parquetOrders() []parquetOrder {
	sku := "S-1"
	return []parquetOrder{
		{ID: 1, At: 1706781600000000, Total: 123450, Customer: &parquetPerson{Name: "Ada", Phones: []string{"1", "2"}},
			Lines: []parquetLine{{SKU: &sku, Price: 1.5, Notes: []string{"a"}}, {Price: 2}}, Bare: []int32{7, 8}, Labels: map[string]string{"k": "v"}},
		{ID: 2, At: 1706781600000000, Total: -5},
		{ID: 3, At: 1706781600000000, Customer: &parquetPerson{Name: "Bob"}, Lines: []parquetLine{{SKU: &sku, Price: 3, Notes: []string{"b", "c"}}}},
	}
}

func TestParquet_Nested(t *testing.T) {
	want := `{"id":1,"at":"2024-02-01T10:00:00Z","total":1234.50,"customer":{"name":"Ada","phones":["1","2"]},"lines":[{"sku":"S-1","price":1.5,"notes":["a"]},{"sku":null,"price":2,"notes":[]}],"bare":[7,8],"labels":{"k":"v"}}
{"id":2,"at":"2024-02-01T10:00:00Z","total":-0.05,"customer":null,"lines":[],"bare":[],"labels":{}}
{"id":3,"at":"2024-02-01T10:00:00Z","total":0.00,"customer":{"name":"Bob","phones":[]},"lines":[{"sku":"S-1","price":3,"notes":["b","c"]}],"bare":[],"labels":{}}
`
	codecs := map[string]compress.Codec{"plain": &parquet.Uncompressed, "snappy": &parquet.Snappy, "gzip": &parquet.Gzip,
		"brotli": &parquet.Brotli, "zstd": &parquet.Zstd, "lz4_raw": &parquet.Lz4Raw}
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			file := parquetOf(t, parquetOrders(), parquet.Compression(codec), parquet.MaxRowsPerRowGroup(2))
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(linesOf(t, file), "\n")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

const parquetConfig = `
datasets:
  orders:
    files: "*"
    entities:
      shop.orders:
        fields: {id: id, ordered_at: {column: at, layout: dmy}, items_total: {column: total, decimal_comma: true}, email: customer.name, coupon: "customer.phones[-1]"}
      shop.order_lines:
        each: lines
        fields: {order_id: ^.id, line_no: {auto: line_number}, product_id: {column: sku, default: none}, price: {column: price, decimal_comma: true}, name: "notes[]"}
`

func TestParquet_Orders(t *testing.T) {
	file := parquetOf(t, parquetOrders())
	want := `shop.order_lines NAME:1: order_id=1 line_no=1 product_id=S-1 name=["a"] price=1.5
shop.order_lines NAME:1: order_id=1 line_no=2 product_id=none price=2
shop.order_lines NAME:3: order_id=3 line_no=1 product_id=S-1 name=["b","c"] price=3
shop.orders NAME:1: payload={"bare":[7,8],"labels":{"k":"v"}} id=1 email=Ada ordered_at=2024-02-01T10:00:00Z currency=GBP items_total=1234.5 coupon=2 line_count=2
shop.orders NAME:2: payload={"bare":[],"labels":{}} id=2 ordered_at=2024-02-01T10:00:00Z currency=GBP items_total=-0.05 line_count=0
shop.orders NAME:3: payload={"bare":[],"labels":{}} id=3 email=Bob ordered_at=2024-02-01T10:00:00Z currency=GBP items_total=0 line_count=1
count shop.order_lines: 3 read, 0 ignored, 0 duplicates
count shop.orders: 3 read, 0 ignored, 0 duplicates
`
	for name, text := range map[string]string{"o.parquet": file, "o.bin": file, "o.parquet.gz": packed(t, file), "o.zip": zipped(t, members("p", file))} {
		f := newFolder(t, parquetConfig, map[string]string{name: text})
		got := strings.ReplaceAll(f.mustExtract().text(), strings.ReplaceAll(name, "zip", "zip/p"), "NAME")
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(withoutCustomer(got), "\n")); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// withoutCustomer drops what the payload keeps of a group that is read by path.
func withoutCustomer(text string) string {
	for _, customer := range []string{`"customer":{"name":"Ada","phones":["1","2"]},`, `"customer":{"name":"Bob","phones":[]},`} {
		text = strings.ReplaceAll(text, customer, "")
	}
	return text
}

// A damaged file is put aside with a sentence wherever the damage is, and nothing
// of it stops the others.
func TestParquet_Damaged(t *testing.T) {
	var rows []parquetOrder
	for i := range 200 {
		rows = append(rows, parquetOrder{ID: int64(i), Labels: map[string]string{"k": fmt.Sprint(i * i)}})
	}
	whole := parquetOf(t, rows)
	plain := newFolder(t, parquetConfig, map[string]string{"b.parquet": whole})
	count := len(plain.mustExtract().rows["shop.orders"])
	for at := 4; at < len(whole); at += max(len(whole)/30, 1) {
		bytes := []byte(whole)
		bytes[at] ^= 0x5A
		f := newFolder(t, parquetConfig, map[string]string{"a.parquet": string(bytes), "b.parquet": whole})
		if got := len(f.mustExtract().rows["shop.orders"]); got < count {
			t.Fatalf("damage at %d: %d rows", at, got)
		}
	}
	tests := []struct{ name, text, want string }{
		{"cut off", whole[:len(whole)/2], "its end is missing"},
		{"only its begin", "PAR1", "too short"},
		{"encrypted", "PARE" + whole[4:], "encrypted"},
		{"no Parquet", parquetOf(t, []struct{ Other int64 }{{1}}), "columns"},
	}
	for _, test := range tests {
		f := newFolder(t, parquetConfig, map[string]string{"a.parquet": test.text})
		if m := f.mustExtract(); len(m.rejects) != 1 || !strings.Contains(m.rejects[0].Reason, test.want) {
			t.Errorf("%s: got %+v", test.name, m.rejects)
		}
	}
}
