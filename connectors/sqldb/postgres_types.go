package sqldb

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"winback/connectors/entity"
)

// Numbers of PostgreSQL's types.
const (
	oidBool        = 16
	oidBytea       = 17
	oidName        = 19
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidOID         = 26
	oidJSON        = 114
	oidFloat4      = 700
	oidFloat8      = 701
	oidMoney       = 790
	oidBpchar      = 1042
	oidVarchar     = 1043
	oidDate        = 1082
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidNumeric     = 1700
	oidUUID        = 2950
	oidJSONB       = 3802
)

// arrays are the types of lists by those of their items.
var pgArrays = map[uint32]uint32{
	1000: oidBool, 1005: oidInt2, 1007: oidInt4, 1016: oidInt8, 1009: oidText, 1014: oidBpchar, 1015: oidVarchar, 1003: oidName,
	1021: oidFloat4, 1022: oidFloat8, 1231: oidNumeric, 1182: oidDate, 1115: oidTimestamp, 1185: oidTimestamptz, 2951: oidUUID,
}

// pgColumn returns how values of a type are read. Types that are not listed are
// asked for as text.
func pgColumn(name string, oid uint32, encoding string) column {
	c := column{name: name, oid: oid, binary: true}
	switch oid {
	case oidInt2, oidInt4, oidInt8, oidOID:
		c.kind, c.number, c.scaled, c.text = whole, pgWhole, pgScaledWhole, pgWholeText
		if oid == oidOID {
			c.number = func(raw []byte) (int64, string) { return int64(binary.BigEndian.Uint32(raw)), "" }
			c.text = func(into, raw []byte) []byte {
				return strconv.AppendUint(into, uint64(binary.BigEndian.Uint32(raw)), 10)
			}
		}
	case oidNumeric:
		c.kind, c.scaled, c.text = decimal, pgNumeric, pgNumericText
	case oidFloat4, oidFloat8:
		c.kind, c.scaled, c.text = float, pgFloat, pgFloatText
	case oidBool:
		c.kind, c.number, c.text = truth, func(raw []byte) (int64, string) { return int64(raw[0] & 1), "" }, pgBoolText
	case oidTimestamptz, oidTimestamp:
		c.kind, c.number, c.text = instant, pgMoment, pgInstantText
		if oid == oidTimestamp {
			c.kind, c.text = naive, pgNaiveText
		}
	case oidDate:
		c.kind, c.number, c.text = calendarDay, pgDay, pgDayText
	case oidJSON, oidJSONB:
		c.kind, c.plain, c.text = document, true, appendPlain
		if oid == oidJSONB {
			c.plain, c.text = false, func(into, raw []byte) []byte { return append(into, raw[min(1, len(raw)):]...) } // its version first
		}
	case oidUUID:
		c.kind, c.text = text, pgUUIDText
	case oidBytea:
		c.kind, c.text = binaryBytes, func(into, raw []byte) []byte { return hex.AppendEncode(append(into, `\x`...), raw) }
	case oidMoney:
		c.kind, c.binary, c.text = unfit, false, appendPlain
		c.hint = "is of the type money, whose text depends on the server's language: use sql: " + name + "::numeric"
	default:
		pgTexts(&c, oid, encoding)
	}
	return c
}

// pgTexts fills in texts, lists, and what is asked for as text.
func pgTexts(c *column, oid uint32, encoding string) {
	if item, isList := pgArrays[oid]; isList {
		inner := pgColumn("", item, encoding)
		c.kind = list
		c.items = func(raw []byte, item func([]byte)) { pgItems(raw, &inner, item) }
		c.text = func(into, raw []byte) []byte { return pgListText(into, raw, &inner) }
		return
	}
	c.kind, c.plain, c.text = text, true, appendPlain
	c.binary = oid == oidText || oid == oidVarchar || oid == oidBpchar || oid == oidName
	if oid == oidBpchar {
		c.plain, c.text = false, func(into, raw []byte) []byte { return append(into, trimRight(raw)...) }
	}
	c.checked = encoding == "SQL_ASCII"
}

func appendPlain(into, raw []byte) []byte { return append(into, raw...) }

func trimRight(raw []byte) []byte {
	for len(raw) > 0 && raw[len(raw)-1] == ' ' {
		raw = raw[:len(raw)-1]
	}
	return raw
}

func pgWhole(raw []byte) (int64, string) {
	switch len(raw) {
	case 8:
		return int64(binary.BigEndian.Uint64(raw)), ""
	case 4:
		return int64(int32(binary.BigEndian.Uint32(raw))), ""
	}
	return int64(int16(binary.BigEndian.Uint16(raw))), ""
}

func pgScaledWhole(raw []byte, scale int) (int64, error) {
	n, _ := pgWhole(raw)
	return scaleWhole(n, scale)
}

// scaleWhole returns a whole number as a count of 10^-scale.
func scaleWhole(n int64, scale int) (int64, error) {
	unit := int64(1)
	for range scale {
		unit *= 10
	}
	const most = 1_000_000_000_000_000_000
	if n > (most-1)/unit || n < -(most-1)/unit {
		return 0, entity.ErrDecimalRange
	}
	return n * unit, nil
}

func pgWholeText(into, raw []byte) []byte {
	n, _ := pgWhole(raw)
	return strconv.AppendInt(into, n, 10)
}

func pgBoolText(into, raw []byte) []byte { return strconv.AppendBool(into, raw[0] != 0) }

func pgFloat(raw []byte, scale int) (int64, error) {
	var digits [32]byte
	return entity.ParseScaled(pgFloatText(digits[:0], raw), scale)
}

// pgFloatText writes the shortest digits that mean the number.
func pgFloatText(into, raw []byte) []byte {
	if len(raw) == 4 {
		return strconv.AppendFloat(into, float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), 'f', -1, 32)
	}
	return strconv.AppendFloat(into, math.Float64frombits(binary.BigEndian.Uint64(raw)), 'f', -1, 64)
}

// PostgreSQL counts from 2000-01-01.
const (
	pgEpochDays   = 10_957
	pgEpochMicros = pgEpochDays * microsPerDay
)

const infinite = "is infinity, which is no time; nulls: [infinity, -infinity] takes it for none"

func pgMoment(raw []byte) (int64, string) {
	n := int64(binary.BigEndian.Uint64(raw))
	if n == math.MaxInt64 || n == math.MinInt64 {
		return 0, infinite
	}
	return n + pgEpochMicros, ""
}

func pgDay(raw []byte) (int64, string) {
	n := int32(binary.BigEndian.Uint32(raw))
	if n == math.MaxInt32 || n == math.MinInt32 {
		return 0, infinite
	}
	return int64(n) + pgEpochDays, ""
}

func pgInstantText(into, raw []byte) []byte {
	return pgTime(into, raw, "2006-01-02 15:04:05.999999-07")
}
func pgNaiveText(into, raw []byte) []byte { return pgTime(into, raw, "2006-01-02 15:04:05.999999") }

func pgTime(into, raw []byte, layout string) []byte {
	n := int64(binary.BigEndian.Uint64(raw))
	switch n {
	case math.MaxInt64:
		return append(into, "infinity"...)
	case math.MinInt64:
		return append(into, "-infinity"...)
	}
	return pgEra(into, time.UnixMicro(n+pgEpochMicros).UTC(), layout)
}

func pgDayText(into, raw []byte) []byte {
	n := int32(binary.BigEndian.Uint32(raw))
	switch n {
	case math.MaxInt32:
		return append(into, "infinity"...)
	case math.MinInt32:
		return append(into, "-infinity"...)
	}
	return pgEra(into, time.Unix((int64(n)+pgEpochDays)*86_400, 0).UTC(), time.DateOnly)
}

// pgEra writes years before the first as PostgreSQL reads them.
func pgEra(into []byte, t time.Time, layout string) []byte {
	if t.Year() > 0 {
		return t.AppendFormat(into, layout)
	}
	return append(t.AddDate(1-2*t.Year(), 0, 0).AppendFormat(into, layout), " BC"...)
}

func pgUUIDText(into, raw []byte) []byte {
	for i, part := range [][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if i > 0 {
			into = append(into, '-')
		}
		into = hex.AppendEncode(into, raw[part[0]:part[1]])
	}
	return into
}

// pgItems hands over the items of a list of any number of dimensions, as texts.
func pgItems(raw []byte, inner *column, item func([]byte)) {
	pgEach(raw, func(value []byte) {
		if value != nil {
			item(inner.text(nil, value))
		}
	})
}

// pgEach hands over the items of a list, nil for NULL.
func pgEach(raw []byte, item func(value []byte)) {
	if len(raw) < 12 {
		return
	}
	dimensions := int(binary.BigEndian.Uint32(raw))
	raw = raw[min(12+8*dimensions, len(raw)):]
	for len(raw) >= 4 {
		size := int32(binary.BigEndian.Uint32(raw))
		raw = raw[4:]
		if size < 0 {
			item(nil)
			continue
		}
		item(raw[:size])
		raw = raw[size:]
	}
}

// pgListText writes a list as JSON.
func pgListText(into, raw []byte, inner *column) []byte {
	into = append(into, '[')
	first := true
	pgEach(raw, func(value []byte) {
		if !first {
			into = append(into, ',')
		}
		first = false
		if value == nil {
			into = append(into, "null"...)
			return
		}
		into = appendJSON(into, inner, value)
	})
	return append(into, ']')
}

const (
	numericNegative = 0x4000
	numericNaN      = 0xC000
)

// pgNumeric reads an exact number: digits of base 10,000, the first of which counts
// 10,000 to the power of weight.
func pgNumeric(raw []byte, scale int) (int64, error) {
	digits, weight, sign := pgNumericParts(raw)
	if sign >= numericNaN {
		return 0, entity.ErrDecimalSyntax
	}
	last := weight + scale/4 // place of the last group that counts
	var n int64
	for i := 0; i <= last; i++ {
		if n >= maxNumeric/10_000 {
			return 0, entity.ErrDecimalRange
		}
		n *= 10_000
		if 2*i < len(digits) {
			n += int64(binary.BigEndian.Uint16(digits[2*i:]))
		}
	}
	if next := last + 1; next >= 0 && 2*next < len(digits) && binary.BigEndian.Uint16(digits[2*next:]) >= 5_000 {
		n++
	}
	if n >= maxNumeric {
		return 0, entity.ErrDecimalRange
	}
	if sign == numericNegative {
		n = -n
	}
	return n, nil
}

const maxNumeric = 1_000_000_000_000_000_000

func pgNumericParts(raw []byte) (digits []byte, weight int, sign uint16) {
	return raw[8:], int(int16(binary.BigEndian.Uint16(raw[2:]))), binary.BigEndian.Uint16(raw[4:])
}

// pgNumericText writes an exact number with all its digits.
func pgNumericText(into, raw []byte) []byte {
	digits, weight, sign := pgNumericParts(raw)
	switch sign {
	case numericNaN:
		return append(into, "NaN"...)
	case 0xD000:
		return append(into, "Infinity"...)
	case 0xF000:
		return append(into, "-Infinity"...)
	case numericNegative:
		into = append(into, '-')
	}
	group := func(i int) uint16 {
		if i < 0 || 2*i >= len(digits) {
			return 0
		}
		return binary.BigEndian.Uint16(digits[2*i:])
	}
	into = strconv.AppendUint(into, uint64(group(0))*boolInt(weight >= 0), 10)
	for i := 1; i <= weight; i++ {
		into = appendGroup(into, group(i))
	}
	scale := int(binary.BigEndian.Uint16(raw[6:]))
	if scale == 0 {
		return into
	}
	into = append(into, '.')
	from := len(into)
	for i := weight + 1; len(into)-from < scale; i++ {
		into = appendGroup(into, group(i))
	}
	return into[:from+scale]
}

func boolInt(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// appendGroup writes four digits.
func appendGroup(into []byte, n uint16) []byte {
	return append(into, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}
