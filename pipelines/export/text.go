package export

import (
	"math/big"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// appender appends the text of an array's value to dst. A null has no text.
type appender func(dst []byte, i int) []byte

// listSeparator stands between the values of a list.
const listSeparator = ", "

// texts returns how the values of an array are written: numbers in full and
// exact, dates as 2006-01-02, points in time as RFC 3339 in their own zone, the
// values of a list with a comma between.
func texts(a arrow.Array) appender {
	appendValue := values(a)
	return func(dst []byte, i int) []byte {
		if a.IsNull(i) {
			return dst
		}
		return appendValue(dst, i)
	}
}

func values(a arrow.Array) appender {
	switch a := a.(type) {
	case *array.String:
		return func(dst []byte, i int) []byte { return append(dst, a.Value(i)...) }
	case *array.Boolean:
		return func(dst []byte, i int) []byte { return strconv.AppendBool(dst, a.Value(i)) }
	case *array.Float32:
		return func(dst []byte, i int) []byte { return strconv.AppendFloat(dst, float64(a.Value(i)), 'g', -1, 32) }
	case *array.Float64:
		return func(dst []byte, i int) []byte { return strconv.AppendFloat(dst, a.Value(i), 'g', -1, 64) }
	case *array.Date32:
		return func(dst []byte, i int) []byte { return a.Value(i).ToTime().AppendFormat(dst, time.DateOnly) }
	case *array.Timestamp:
		at := instants(a)
		return func(dst []byte, i int) []byte { return at(i).AppendFormat(dst, time.RFC3339Nano) }
	case *array.List:
		return lists(a)
	case *array.Map:
		return maps(a)
	case *array.Null:
		return func(dst []byte, _ int) []byte { return dst }
	}
	if appendNumber := numbers(a); appendNumber != nil {
		return appendNumber
	}
	return func(dst []byte, i int) []byte { return append(dst, a.ValueStr(i)...) }
}

// numbers returns how exact numbers are written, nil for an array of others.
func numbers(a arrow.Array) appender {
	switch a := a.(type) {
	case *array.Int8:
		return whole(a.Value)
	case *array.Int16:
		return whole(a.Value)
	case *array.Int32:
		return whole(a.Value)
	case *array.Int64:
		return whole(a.Value)
	case *array.Uint8:
		return whole(a.Value)
	case *array.Uint16:
		return whole(a.Value)
	case *array.Uint32:
		return whole(a.Value)
	case *array.Uint64:
		return func(dst []byte, i int) []byte { return strconv.AppendUint(dst, a.Value(i), 10) }
	case *array.Decimal32:
		scale := a.DataType().(arrow.DecimalType).GetScale()
		return func(dst []byte, i int) []byte { return appendScaled(dst, int64(a.Value(i)), scale) }
	case *array.Decimal64:
		scale := a.DataType().(arrow.DecimalType).GetScale()
		return func(dst []byte, i int) []byte { return appendScaled(dst, int64(a.Value(i)), scale) }
	case *array.Decimal128:
		return decimals128(a)
	case *array.Decimal256:
		scale := a.DataType().(arrow.DecimalType).GetScale()
		return func(dst []byte, i int) []byte { return appendBig(dst, a.Value(i).BigInt(), scale) }
	}
	return nil
}

func whole[N int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](value func(int) N) appender {
	return func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(value(i)), 10) }
}

func decimals128(a *array.Decimal128) appender {
	scale := a.DataType().(arrow.DecimalType).GetScale()
	return func(dst []byte, i int) []byte {
		n := a.Value(i)
		if low := int64(n.LowBits()); n.HighBits() == low>>63 {
			return appendScaled(dst, low, scale)
		}
		return appendBig(dst, n.BigInt(), scale)
	}
}

// appendScaled appends n ÷ 10^scale, without zeros that say nothing.
func appendScaled(dst []byte, n int64, scale int32) []byte {
	var digits [24]byte
	return appendDecimal(dst, strconv.AppendInt(digits[:0], n, 10), scale)
}

func appendBig(dst []byte, n *big.Int, scale int32) []byte {
	return appendDecimal(dst, n.Append(nil, 10), scale)
}

// appendDecimal puts the point into the digits of a whole number.
func appendDecimal(dst, digits []byte, scale int32) []byte {
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	point := len(digits) - int(scale)
	switch {
	case point > 0:
		dst = append(dst, digits[:point]...)
		digits = digits[point:]
	default:
		dst = append(dst, '0')
	}
	end := len(digits)
	for end > 0 && digits[end-1] == '0' {
		end--
	}
	if end == 0 || scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for ; point < 0; point++ {
		dst = append(dst, '0')
	}
	return append(dst, digits[:end]...)
}

// instants returns the points in time of an array, in their own zone.
func instants(a *array.Timestamp) func(i int) time.Time {
	kind := a.DataType().(*arrow.TimestampType)
	zone, err := time.LoadLocation(kind.TimeZone)
	if err != nil {
		zone = time.UTC // an instant is the same in every zone
	}
	return func(i int) time.Time { return a.Value(i).ToTime(kind.Unit).In(zone) }
}

func lists(a *array.List) appender {
	appendItem := texts(a.ListValues())
	return func(dst []byte, i int) []byte {
		from, to := a.ValueOffsets(i)
		for at := from; at < to; at++ {
			if at > from {
				dst = append(dst, listSeparator...)
			}
			dst = appendItem(dst, int(at))
		}
		return dst
	}
}

// maps writes "key: value, key: value".
func maps(a *array.Map) appender {
	appendKey, appendItem := texts(a.Keys()), texts(a.Items())
	return func(dst []byte, i int) []byte {
		from, to := a.ValueOffsets(i)
		for at := from; at < to; at++ {
			if at > from {
				dst = append(dst, listSeparator...)
			}
			dst = append(appendKey(dst, int(at)), ": "...)
			dst = appendItem(dst, int(at))
		}
		return dst
	}
}
