// Package value writes values for people: Grafana's units, value mappings,
// thresholds and colours.
package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text is a number in its unit: 1.23 and " K", "₽" before it.
type Text struct{ Prefix, Number, Suffix string }

// String is the whole of it.
func (t Text) String() string { return t.Prefix + t.Number + t.Suffix }

// Number writes a number in one of Grafana's units. decimals below zero chooses
// them: three significant digits.
func Number(v float64, unit string, decimals int) Text {
	if v == 0 {
		v = 0 // no minus before nothing
	}
	name, rest, _ := strings.Cut(unit, ":")
	switch name {
	case "currency":
		return money(v, rest, decimals)
	case "prefix":
		return Text{Prefix: rest, Number: fixed(v, decimals)}
	case "suffix":
		return Text{Number: fixed(v, decimals), Suffix: " " + rest}
	case "count":
		n, scale := scaled(v, 1000, []string{"", "K", "M", "B", "T"})
		return Text{Number: fixed(n, decimals), Suffix: scale + " " + rest}
	case "time":
		return Text{Number: moment(time.UnixMilli(int64(v)).UTC(), rest)}
	}
	if sign, ok := strings.CutPrefix(unit, "currency"); ok {
		return currency(v, sign, decimals)
	}
	return plainUnit(v, unit, decimals)
}

func plainUnit(v float64, unit string, decimals int) Text {
	switch unit {
	case "", "none":
		return Text{Number: fixed(v, decimals)}
	case "short":
		n, scale := scaled(v, 1000, []string{"", " K", " Mil", " Bil", " Tri"})
		return Text{Number: fixed(n, decimals), Suffix: scale}
	case "sishort":
		n, scale := scaled(v, 1000, []string{"", " k", " M", " G", " T"})
		return Text{Number: fixed(n, decimals), Suffix: scale}
	case "percent":
		return Text{Number: fixed(v, decimals), Suffix: "%"}
	case "percentunit":
		return Text{Number: fixed(v*100, decimals), Suffix: "%"}
	case "locale":
		return Text{Number: grouped(v, decimals)}
	case "s", "ms", "m", "h", "d":
		return duration(v, unit, decimals)
	case "dtdurations":
		return Text{Number: longDuration(v, max(decimals, 0))}
	case "bytes":
		n, scale := scaled(v, 1024, []string{" B", " KiB", " MiB", " GiB", " TiB"})
		return Text{Number: fixed(n, decimals), Suffix: scale}
	case "decbytes":
		n, scale := scaled(v, 1000, []string{" B", " kB", " MB", " GB", " TB"})
		return Text{Number: fixed(n, decimals), Suffix: scale}
	case "bool_yes_no":
		return Text{Number: map[bool]string{true: "Yes", false: "No"}[v != 0]}
	case "dateTimeAsIso":
		return Text{Number: time.UnixMilli(int64(v)).UTC().Format("2006-01-02 15:04:05")}
	}
	return Text{Number: fixed(v, decimals), Suffix: " " + unit}
}

// Auto returns how many decimals show three significant digits.
func Auto(v float64) int {
	if v == math.Trunc(v) {
		return 0
	}
	return max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
}

// fixed writes a number with its decimals, never with an exponent.
func fixed(v float64, decimals int) string {
	if decimals < 0 {
		decimals = min(Auto(v), 6)
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-")
	}
	return text
}

// grouped writes thousands apart: 1,234,567.891.
func grouped(v float64, decimals int) string {
	text := fixed(v, decimals)
	if decimals < 0 {
		if text = fixed(v, 3); strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
	}
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	whole, part, _ := strings.Cut(text, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if part != "" {
		whole += "." + part
	}
	return sign + whole
}

// scaled divides a number until it is below a step of the scale.
func scaled(v, step float64, names []string) (float64, string) {
	at := 0
	for math.Abs(v) >= step && at < len(names)-1 {
		v, at = v/step, at+1
	}
	if math.Abs(v) >= step*0.9995 && at < len(names)-1 { // 999.99 K is 1 Mil when rounded
		v, at = v/step, at+1
	}
	return v, names[at]
}

var signs = map[string]string{"USD": "$", "EUR": "€", "GBP": "£", "RUB": "₽", "JPY": "¥", "UAH": "₴", "INR": "₹", "BRL": "R$", "CHF": "CHF", "ILS": "₪", "CNY": "¥", "KRW": "₩", "ZAR": "R", "CZK": "czk", "PLN": "zł"}

var signsAfter = map[string]string{"DKK": "kr", "SEK": "kr", "NOK": "kr", "TRY": "₺", "VND": "đ"}

var moneyScale = []string{"", "K", "M", "B", "T"}

// currency writes a unit such as currencyEUR.
func currency(v float64, code string, decimals int) Text {
	n, scale := scaled(math.Abs(v), 1000, moneyScale)
	text := Text{Number: fixed(n, decimals), Suffix: scale}
	if after, ok := signsAfter[code]; ok {
		text.Suffix += after
	} else if sign, ok := signs[code]; ok {
		text.Prefix = sign
	} else {
		text.Prefix = code + " "
	}
	if v < 0 {
		text.Prefix = "-" + text.Prefix
	}
	return text
}

// money writes a unit such as currency:₽ or currency:financial:₽:suffix.
func money(v float64, rest string, decimals int) Text {
	if sign, ok := strings.CutPrefix(rest, "financial:"); ok {
		sign, suffix := strings.CutSuffix(sign, ":suffix")
		if decimals < 0 {
			decimals = 2
		}
		text := Text{Prefix: sign, Number: grouped(math.Abs(v), decimals)}
		if suffix {
			text = Text{Number: text.Number, Suffix: sign}
		}
		if v < 0 {
			text.Prefix = "-" + text.Prefix
		}
		return text
	}
	n, scale := scaled(math.Abs(v), 1000, moneyScale)
	text := Text{Prefix: rest, Number: fixed(n, decimals), Suffix: scale}
	if v < 0 {
		text.Prefix = "-" + text.Prefix
	}
	return text
}

// steps of durations, each in seconds.
var durations = []struct {
	seconds   float64
	one, many string
}{
	{365 * 86400, "year", "years"}, {7 * 86400, "week", "weeks"}, {86400, "day", "days"}, {3600, "hour", "hours"}, {60, "min", "mins"}, {1, "s", "s"}, {0.001, "ms", "ms"},
}

// duration writes a duration in the unit that fits: 90 s as 1.50 mins.
func duration(v float64, unit string, decimals int) Text {
	seconds := v * map[string]float64{"s": 1, "ms": 0.001, "m": 60, "h": 3600, "d": 86400}[unit]
	for _, d := range durations {
		if math.Abs(seconds) >= d.seconds || d.seconds == 0.001 {
			n := seconds / d.seconds
			text := fixed(n, decimals)
			name := d.many
			if text == "1" {
				name = d.one
			}
			if v == 0 {
				return Text{Number: "0", Suffix: " " + map[string]string{"s": "s", "ms": "ms", "m": "mins", "h": "hours", "d": "days"}[unit]}
			}
			return Text{Number: text, Suffix: " " + name}
		}
	}
	return Text{}
}

// longDuration writes 90061 s as "1 day, 1 hour" with one decimal.
func longDuration(seconds float64, decimals int) string {
	rest, parts := int64(math.Abs(seconds)), []string{}
	for _, d := range []struct {
		seconds int64
		name    string
	}{{365 * 86400, "year"}, {30 * 86400, "month"}, {7 * 86400, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}} {
		n := rest / d.seconds
		rest -= n * d.seconds
		if n == 0 && len(parts) == 0 {
			continue
		}
		if n > 0 {
			name := d.name
			if n > 1 {
				name += "s"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
		if len(parts) > decimals {
			break
		}
	}
	if len(parts) == 0 {
		return "0 seconds"
	}
	return strings.Join(parts, ", ")
}

// moment writes a time by a pattern such as YYYY-MM-DD.
func moment(at time.Time, pattern string) string {
	layout := strings.NewReplacer("YYYY", "2006", "YY", "06", "MMMM", "January", "MMM", "Jan", "MM", "01", "DD", "02", "D", "2",
		"dddd", "Monday", "ddd", "Mon", "HH", "15", "mm", "04", "ss", "05").Replace(pattern)
	return at.Format(layout)
}

// Time writes a moment of a field with a unit; without one it is a day when it
// falls on midnight.
func Time(at time.Time, unit string) string {
	if pattern, ok := strings.CutPrefix(unit, "time:"); ok {
		return moment(at.UTC(), pattern)
	}
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return at.UTC().Format(time.DateOnly)
	}
	return at.UTC().Format("2006-01-02 15:04")
}
