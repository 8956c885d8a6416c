package files

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"winback/connectors/mapping"
)

// parquetWriter returns what writes values of a type as JSON: numbers as numbers
// with all their digits, times as iso with Z where they are instants, and bytes as
// text, or as hexadecimal digits where they are none by their type.
func parquetWriter(t parquet.Type) func(into []byte, v parquet.Value) []byte {
	kind := t.Kind()
	if logical := t.LogicalType(); logical != nil {
		switch as := logical.Value.(type) {
		case *format.DecimalType:
			return decimalWriter(kind, int(as.Scale))
		case *format.DateType:
			return func(into []byte, v parquet.Value) []byte {
				return quoted(into, time.Unix(int64(v.Int32())*24*3600, 0).UTC().Format(time.DateOnly))
			}
		case *format.TimeType:
			return clockWriter(kind, unitOf(as.Unit))
		case *format.TimestampType:
			return timestampWriter(unitOf(as.Unit), as.IsAdjustedToUTC)
		case *format.IntType:
			if !as.IsSigned {
				return unsignedWriter(kind)
			}
		case *format.UUIDType:
			return writeUUID
		case *format.Float16Type:
			return writeHalf
		case *format.StringType, *format.EnumType, *format.JsonType:
			return writeBytes
		case *format.BsonType, *format.VariantType, *format.GeometryType, *format.GeographyType:
			return writeHex
		}
	}
	return physicalWriter(kind)
}

// physicalWriter writes values that have no more than a physical type.
func physicalWriter(kind parquet.Kind) func(into []byte, v parquet.Value) []byte {
	switch kind {
	case parquet.Boolean:
		return func(into []byte, v parquet.Value) []byte { return strconv.AppendBool(into, v.Boolean()) }
	case parquet.Int32:
		return func(into []byte, v parquet.Value) []byte { return strconv.AppendInt(into, int64(v.Int32()), 10) }
	case parquet.Int64:
		return func(into []byte, v parquet.Value) []byte { return strconv.AppendInt(into, v.Int64(), 10) }
	case parquet.Int96:
		return writeInt96
	case parquet.Float:
		return func(into []byte, v parquet.Value) []byte { return appendFloat(into, float64(v.Float()), 32) }
	case parquet.Double:
		return func(into []byte, v parquet.Value) []byte { return appendFloat(into, v.Double(), 64) }
	case parquet.FixedLenByteArray:
		return writeHex
	}
	return writeUntyped
}

// writeUntyped writes bytes that may be a text, which the file does not say.
func writeUntyped(into []byte, v parquet.Value) []byte {
	if utf8.Valid(v.ByteArray()) {
		return writeBytes(into, v)
	}
	return writeHex(into, v)
}

func quoted(into []byte, text string) []byte {
	return append(append(append(into, '"'), text...), '"')
}

// appendFloat writes the shortest digits that mean the number. What is none is
// text, so that nulls can say that it means no value.
func appendFloat(into []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return quoted(into, strconv.FormatFloat(f, 'g', -1, bits))
	}
	format := byte('f')
	if f != 0 && (math.Abs(f) < 1e-15 || math.Abs(f) >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(into, f, format, -1, bits)
}

// decimalWriter writes decimals of any physical type.
func decimalWriter(kind parquet.Kind, scale int) func(into []byte, v parquet.Value) []byte {
	return func(into []byte, v parquet.Value) []byte {
		var unscaled big.Int
		switch kind {
		case parquet.Int32:
			unscaled.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			unscaled.SetInt64(v.Int64())
		default:
			unscaled = *bigEndian(v.ByteArray())
		}
		return appendScaled(into, &unscaled, scale)
	}
}

// bigEndian reads a number in two's complement.
func bigEndian(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return n
}

// appendScaled writes n / 10^scale.
func appendScaled(into []byte, n *big.Int, scale int) []byte {
	digits := n.String()
	if digits[0] == '-' {
		into, digits = append(into, '-'), digits[1:]
	}
	scale = max(scale, 0)
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	into = append(into, digits[:len(digits)-scale]...)
	if scale > 0 {
		into = append(append(into, '.'), digits[len(digits)-scale:]...)
	}
	return into
}

// unitOf returns how many of a unit are a second.
func unitOf(unit format.TimeUnit) int64 {
	switch unit.Value.(type) {
	case *format.MicroSeconds:
		return 1e6
	case *format.NanoSeconds:
		return 1e9
	}
	return 1e3
}

func timestampWriter(perSecond int64, instant bool) func(into []byte, v parquet.Value) []byte {
	layout := "2006-01-02T15:04:05.999999999"
	if instant {
		layout += "Z07:00"
	}
	return func(into []byte, v parquet.Value) []byte {
		n := v.Int64()
		seconds := mapping.FloorDiv(n, perSecond)
		return quoted(into, time.Unix(seconds, (n-seconds*perSecond)*(1e9/perSecond)).UTC().Format(layout))
	}
}

func clockWriter(kind parquet.Kind, perSecond int64) func(into []byte, v parquet.Value) []byte {
	return func(into []byte, v parquet.Value) []byte {
		n := int64(0)
		if kind == parquet.Int32 {
			n = int64(v.Int32())
		} else {
			n = v.Int64()
		}
		return quoted(into, time.Unix(0, 0).UTC().Add(time.Duration(n*(1e9/perSecond))).Format("15:04:05.999999999"))
	}
}

// Int96 is how older programs write instants: nanoseconds of the day, and the
// number of the day counted as astronomers do.
const julianEpoch = 2_440_588

func writeInt96(into []byte, v parquet.Value) []byte {
	n := v.Int96()
	nanos, day := int64(uint64(n[1])<<32|uint64(n[0])), int64(int32(n[2]))-julianEpoch
	return quoted(into, time.Unix(day*24*3600, nanos).UTC().Format("2006-01-02T15:04:05.999999999Z07:00"))
}

func unsignedWriter(kind parquet.Kind) func(into []byte, v parquet.Value) []byte {
	if kind == parquet.Int32 {
		return func(into []byte, v parquet.Value) []byte { return strconv.AppendUint(into, uint64(v.Uint32()), 10) }
	}
	return func(into []byte, v parquet.Value) []byte { return strconv.AppendUint(into, v.Uint64(), 10) }
}

func writeUUID(into []byte, v parquet.Value) []byte {
	id, err := uuid.FromBytes(v.ByteArray())
	if err != nil {
		return writeHex(into, v)
	}
	return quoted(into, id.String())
}

// writeHalf writes a floating number of 16 bits.
func writeHalf(into []byte, v parquet.Value) []byte {
	b := v.ByteArray()
	if len(b) != 2 {
		return writeHex(into, v)
	}
	bits := binary.LittleEndian.Uint16(b)
	mantissa, exponent := float64(bits&0x3FF), int(bits>>10&0x1F)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(mantissa, -24)
	case 31:
		f = math.Inf(1)
		if mantissa > 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mantissa+1024, exponent-25)
	}
	if bits>>15 == 1 {
		f = -f
	}
	return appendFloat(into, f, 32)
}

// writeBytes writes bytes as text. Those that are none are found when the field is
// read, so they are left as they are.
func writeBytes(into []byte, v parquet.Value) []byte {
	into = append(into, '"')
	for _, c := range v.ByteArray() {
		switch {
		case c == '"' || c == '\\':
			into = append(into, '\\', c)
		case c < ' ':
			into = append(append(into, `\u00`...), hexDigits[c>>4], hexDigits[c&15])
		default:
			into = append(into, c)
		}
	}
	return append(into, '"')
}

const hexDigits = "0123456789abcdef"

func writeHex(into []byte, v parquet.Value) []byte {
	return quoted(into, hex.EncodeToString(v.ByteArray()))
}
