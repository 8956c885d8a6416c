package entity

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Opt is a value that may be missing. A missing value is null in Parquet and
// in the warehouse, never 0, never an empty text, never 1970.
type Opt[T any] struct {
	V  T
	OK bool
}

// Some returns a value that is there.
func Some[T any](v T) Opt[T] { return Opt[T]{V: v, OK: true} }

// Decimal is an exact decimal number with four digits after the point,
// held as a count of ten-thousandths: 12.5 is Decimal(125000).
// It holds every number of decimal(18,4).
type Decimal int64

// Rate is an exact decimal number with eight digits after the point, held as
// a count of hundred-millionths. Exchange rates need the digits.
type Rate int64

// Time is an instant in microseconds since 1970-01-01 00:00:00 UTC.
type Time int64

// Date is a calendar date in days since 1970-01-01, without a zone.
type Date int32

// Scales of the decimal types, in digits after the point.
const (
	DecimalScale = 4
	RateScale    = 8
)

// ErrDecimalSyntax says that a text is not a decimal number.
var ErrDecimalSyntax = errors.New("not a decimal number")

// ErrDecimalRange says that a number has more digits than decimal(18) holds.
var ErrDecimalRange = errors.New("number out of the range of decimal(18)")

// maxUnscaled is the largest magnitude of a decimal with 18 digits.
const maxUnscaled = 999_999_999_999_999_999

// ParseDecimal reads a decimal number with an optional sign and "." as its
// point, such as "-12.5" or "1e3". Digits beyond the fourth are rounded half
// away from zero.
func ParseDecimal(text string) (Decimal, error) {
	n, err := ParseScaled(text, DecimalScale)
	return Decimal(n), err
}

// ParseScaled reads a decimal number as a count of 10^-scale. It takes a
// string or bytes so that readers need not copy a field to parse it.
func ParseScaled[T string | []byte](text T, scale int) (int64, error) {
	i, negative := 0, false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative, i = text[0] == '-', 1
	}
	var (
		unscaled   uint64
		fraction   = -1 // digits after the point so far, -1 before it
		seen       bool
		roundUp    bool
		rounded    bool
		overflowed bool
	)
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			seen = true
			if fraction >= scale {
				if !rounded {
					roundUp, rounded = c >= '5', true
				}
				continue
			}
			if unscaled > maxUnscaled/10 {
				overflowed = true
			}
			unscaled = unscaled*10 + uint64(c-'0')
			if fraction >= 0 {
				fraction++
			}
		case c == '.' && fraction < 0:
			fraction = 0
		case (c == 'e' || c == 'E') && seen:
			return parseExponent(string(text), scale)
		default:
			return 0, ErrDecimalSyntax
		}
	}
	if !seen {
		return 0, ErrDecimalSyntax
	}
	for f := max(fraction, 0); f < scale; f++ {
		if unscaled > maxUnscaled/10 {
			overflowed = true
		}
		unscaled *= 10
	}
	if roundUp {
		unscaled++
	}
	if overflowed || unscaled > maxUnscaled {
		return 0, ErrDecimalRange
	}
	if negative {
		return -int64(unscaled), nil
	}
	return int64(unscaled), nil
}

// parseExponent rewrites 1.25E+3 as plain digits and reads those: spreadsheets
// export large and small numbers that way, and a float would lose digits.
func parseExponent(text string, scale int) (int64, error) {
	at := strings.IndexAny(text, "eE")
	exponent, err := strconv.Atoi(text[at+1:])
	if err != nil {
		return 0, ErrDecimalSyntax
	}
	if exponent > 40 {
		return 0, ErrDecimalRange
	}
	mantissa := text[:at]
	sign := ""
	if mantissa[0] == '-' || mantissa[0] == '+' {
		sign, mantissa = mantissa[:1], mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	point := len(whole) + exponent
	digits := whole + fraction
	switch {
	case point < -40:
		digits, point = "0", 1
	case point < 0:
		digits, point = strings.Repeat("0", -point)+digits, 0
	case point > len(digits):
		digits += strings.Repeat("0", point-len(digits))
	}
	return ParseScaled(sign+"0"+digits[:point]+"."+digits[point:], scale)
}

// String writes the number in plain digits without trailing zeros: "12.5".
func (d Decimal) String() string { return FormatScaled(int64(d), DecimalScale) }

// String writes the rate in plain digits without trailing zeros.
func (r Rate) String() string { return FormatScaled(int64(r), RateScale) }

// FormatScaled writes a number that has scale digits after its point, without trailing zeros.
func FormatScaled(n int64, scale int) string {
	sign := ""
	magnitude := uint64(n)
	if n < 0 {
		sign, magnitude = "-", -magnitude
	}
	digits := strconv.FormatUint(magnitude, 10)
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	whole, fraction := digits[:len(digits)-scale], strings.TrimRight(digits[len(digits)-scale:], "0")
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

// Mul returns d × other rounded half away from zero, or ErrDecimalRange.
func (d Decimal) Mul(other Decimal) (Decimal, error) {
	const unit = 10_000
	a, b := int64(d), int64(other)
	if a == 0 || b == 0 {
		return 0, nil
	}
	whole, rest := a/unit, a%unit
	if limit := int64(math.MaxInt64) / abs(b); abs(whole) >= limit {
		return 0, ErrDecimalRange
	}
	// rest × b may take more than 63 bits, 10^4 × 10^18, so b is split too.
	bWhole, bRest := b/unit, b%unit
	product := whole*b + rest*bWhole + roundDiv(rest*bRest, unit)
	if product > maxUnscaled || product < -maxUnscaled {
		return 0, ErrDecimalRange
	}
	return Decimal(product), nil
}

func roundDiv(n, by int64) int64 {
	if n < 0 {
		return (n - by/2) / by
	}
	return (n + by/2) / by
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// TimeOf returns the instant of t, cut to microseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMicro()) }

// Go returns the instant as a time in UTC.
func (t Time) Go() time.Time { return time.UnixMicro(int64(t)).UTC() }

// String writes the instant as RFC 3339 in UTC.
func (t Time) String() string { return t.Go().Format(time.RFC3339Nano) }

// DateOf returns the calendar date that t shows in its own zone.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

// Go returns midnight of the date in UTC.
func (d Date) Go() time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// String writes the date as 2006-01-02.
func (d Date) String() string { return d.Go().Format(time.DateOnly) }

// Kind is the type of a field as the contract names it.
type Kind uint8

// The kinds of fields. Each has one Parquet type and one ClickHouse type.
const (
	Text Kind = iota
	Enum      // lower-case words; unknown ones are kept
	Int
	Dec // Decimal, or Rate by the field's scale
	Bool
	Timestamp // Time
	Day       // Date
	TextList
	TextMap
	JSON
)

var kindNames = [...]string{"text", "enum", "int", "decimal", "bool", "timestamp", "date", "text list", "text map", "json"}

// String returns the kind's name as the reference pages write it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}
