package sqldb

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// myColumn returns how values of a type are read, as the session hands them over.
func myColumn(name, typ string) column {
	c := column{name: name, typ: strings.ToLower(typ), kind: text, plain: true, text: appendPlain}
	bare, unsigned := strings.CutPrefix(typ, "UNSIGNED ")
	switch bare {
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "YEAR":
		c.kind, c.plain, c.number, c.scaled, c.text = whole, false, myWhole, myScaledWhole, myWholeText
		if unsigned && bare == "BIGINT" {
			c.number, c.scaled, c.text = myLarge, myScaledLarge, myLargeText
		}
	case "BIT":
		c.kind, c.plain, c.number, c.text = whole, false, myBits, myBitsText
		c.scaled = func(raw []byte, scale int) (int64, error) { n, _ := myBits(raw); return scaleWhole(n, scale) }
	case "DECIMAL":
		c.kind = decimal
		c.scaled = func(raw []byte, scale int) (int64, error) { return entity.ParseScaled(raw, scale) }
	case "FLOAT", "DOUBLE":
		c.kind, c.plain, c.scaled, c.text = float, false, myFloat, myFloatText
	case "TIMESTAMP", "DATETIME":
		c.kind = naive
		if bare == "TIMESTAMP" {
			c.kind = instant // the session's zone is UTC
		}
		c.number = myTimes()
	case "DATE":
		c.kind, c.number = calendarDay, myDays()
	case "JSON":
		c.kind = document
	case "SET":
		c.kind = list
		c.items = func(raw []byte, item func([]byte)) {
			for part := range bytes.SplitSeq(raw, []byte(",")) {
				item(part)
			}
		}
	case "BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "VECTOR", "GEOMETRY":
		c.kind, c.plain = binaryBytes, false
		c.text = func(into, raw []byte) []byte { return hex.AppendEncode(append(into, `\x`...), raw) }
	}
	return c
}

// myTimes returns a reader of times that remembers the day last read.
func myTimes() func(raw []byte) (int64, string) {
	var iso mapping.ISOReader
	utc := mapping.NewZone(time.UTC)
	return func(raw []byte) (int64, string) {
		if len(raw) >= 19 {
			if day, micros, ok := iso.Local(raw[:19]); ok {
				return day*microsPerDay + micros + fraction(raw[19:]), ""
			}
		}
		if noDay(raw) {
			return 0, noValue
		}
		m, ok := mapping.ReadISO(raw)
		if !ok {
			return 0, "is no time"
		}
		return m.InstantOf(utc)
	}
}

// noDay says that a day is 0000-00-00, as MySQL writes none.
func noDay(raw []byte) bool { return bytes.HasPrefix(raw, []byte("0000-00-00")) }

// fraction reads .5 as 500000.
func fraction(text []byte) (micros int64) {
	if len(text) == 0 || text[0] != '.' {
		return 0
	}
	unit := int64(100_000)
	for _, c := range text[1:] {
		micros += int64(c-'0') * unit
		unit /= 10
	}
	return micros
}

// myDays returns a reader of days.
func myDays() func(raw []byte) (int64, string) {
	utc := mapping.NewZone(time.UTC)
	return func(raw []byte) (int64, string) {
		if noDay(raw) {
			return 0, noValue
		}
		m, ok := mapping.ReadISO(raw)
		if !ok {
			return 0, "is no day"
		}
		return m.DayOf(utc)
	}
}

func myWhole(raw []byte) (int64, string) { return int64(binary.LittleEndian.Uint64(raw)), "" }

func myScaledWhole(raw []byte, scale int) (int64, error) {
	return scaleWhole(int64(binary.LittleEndian.Uint64(raw)), scale)
}

func myWholeText(into, raw []byte) []byte {
	return strconv.AppendInt(into, int64(binary.LittleEndian.Uint64(raw)), 10)
}

// myLarge reads whole numbers without a sign.
func myLarge(raw []byte) (int64, string) {
	n := binary.LittleEndian.Uint64(raw)
	if n > math.MaxInt64 {
		return 0, "is larger than the contract's whole numbers"
	}
	return int64(n), ""
}

func myScaledLarge(raw []byte, scale int) (int64, error) {
	n, reason := myLarge(raw)
	if reason != "" {
		return 0, entity.ErrDecimalRange
	}
	return scaleWhole(n, scale)
}

func myLargeText(into, raw []byte) []byte {
	return strconv.AppendUint(into, binary.LittleEndian.Uint64(raw), 10)
}

// myBits reads the bits of BIT(n), the highest first.
func myBits(raw []byte) (n int64, reason string) {
	for _, b := range raw {
		n = n<<8 | int64(b)
	}
	return n, ""
}

func myBitsText(into, raw []byte) []byte {
	n, _ := myBits(raw)
	return strconv.AppendUint(into, uint64(n), 10)
}

func myFloat(raw []byte, scale int) (int64, error) {
	var digits [32]byte
	return entity.ParseScaled(myFloatText(digits[:0], raw), scale)
}

// myFloatText writes the shortest digits that mean the number.
func myFloatText(into, raw []byte) []byte {
	if len(raw) == 4 {
		return strconv.AppendFloat(into, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))), 'f', -1, 32)
	}
	return strconv.AppendFloat(into, math.Float64frombits(binary.LittleEndian.Uint64(raw)), 'f', -1, 64)
}
