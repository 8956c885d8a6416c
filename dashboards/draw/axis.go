package draw

import (
	"math"
	"time"

	"winback/dashboards/board"
	"winback/dashboards/value"
)

// tick is a label on an axis; At is its place, 0 to 1.
type tick struct {
	At    float64
	Label string
}

// scale maps values to 0 … 1.
type scale struct{ lo, hi float64 }

func (s scale) at(v float64) float64 {
	if s.hi <= s.lo {
		return 0.5
	}
	return (v - s.lo) / (s.hi - s.lo)
}

// extent is the range of what was seen.
type extent struct {
	lo, hi float64
	seen   bool
}

func (e *extent) see(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	if !e.seen {
		e.lo, e.hi, e.seen = v, v, true
	}
	e.lo, e.hi = math.Min(e.lo, v), math.Max(e.hi, v)
}

// valueScale is the axis of values: settings win, bars begin at zero, and the
// ends are whole steps.
func valueScale(e extent, c board.Field, fromZero bool) (scale, []tick) {
	if c.Custom.AxisSoftMin != nil {
		e.see(*c.Custom.AxisSoftMin)
	}
	if c.Custom.AxisSoftMax != nil {
		e.see(*c.Custom.AxisSoftMax)
	}
	if fromZero || !e.seen {
		e.see(0)
	}
	if c.Min != nil {
		e.lo = math.Min(*c.Min, e.hi)
	}
	if c.Max != nil {
		e.hi = math.Max(*c.Max, e.lo)
	}
	if e.hi == e.lo {
		e.see(0)
		if e.hi == e.lo {
			e.hi = 1
		}
	}
	step := niceStep((e.hi - e.lo) / 4)
	if whole(c) && step < 1 {
		step = 1
	}
	s := scale{math.Floor(e.lo/step+1e-9) * step, math.Ceil(e.hi/step-1e-9) * step}
	if e.lo >= 0 {
		s.lo = math.Max(s.lo, 0)
	}
	if c.Min != nil {
		s.lo = *c.Min
	}
	if c.Max != nil {
		s.hi = *c.Max
	}
	return s, valueTicks(s, step, c)
}

func whole(c board.Field) bool { return c.Decimals != nil && *c.Decimals == 0 }

func valueTicks(s scale, step float64, c board.Field) []tick {
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	if math.Abs(step*math.Pow(10, float64(decimals))-math.Round(step*math.Pow(10, float64(decimals)))) > 1e-6 {
		decimals++ // 2.5
	}
	if c.Unit == "percentunit" {
		decimals = max(0, decimals-2)
	}
	var ticks []tick
	for v := math.Ceil(s.lo/step-1e-9) * step; v <= s.hi+step/1e6 && len(ticks) < 12; v += step {
		ticks = append(ticks, tick{s.at(v), axisLabel(v, step, c.Unit, decimals)})
	}
	return ticks
}

// axisLabel writes a step of an axis without needless decimals.
func axisLabel(v, step float64, unit string, decimals int) string {
	if math.Abs(v) < step/1e6 {
		v = 0
	}
	text := value.Number(v, unit, -1)
	if v == 0 {
		text = value.Number(0, unit, 0)
	} else if text.Suffix == "" || text.Suffix == "%" {
		text = value.Number(v, unit, min(decimals, 6))
	} else {
		text.Number = trimZeros(text.Number)
	}
	return text.String()
}

func trimZeros(s string) string {
	dot := false
	for _, r := range s {
		dot = dot || r == '.'
	}
	for dot && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// niceStep rounds a step up to 1, 2, 2.5 or 5 of a power of ten.
func niceStep(raw float64) float64 {
	if raw <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, n := range []float64{1, 2, 2.5, 5} {
		if raw <= n*power*(1+1e-9) {
			return n * power
		}
	}
	return 10 * power
}

// numberTicks are the labels of an axis of numbers that does not begin at a
// whole step.
func numberTicks(s scale, unit string) []tick {
	return valueTicks(s, niceStep((s.hi-s.lo)/6), board.Field{Unit: unit})
}

// timeTicks labels moments: each month's name where they are months, days or
// hours else.
func timeTicks(times []time.Time, s scale) []tick {
	if len(times) == 0 {
		return nil
	}
	layout := timeLayout(times)
	var ticks []tick
	for i, at := range times {
		label := at.Format(layout)
		if i > 0 && label == times[i-1].Format(layout) {
			continue
		}
		ticks = append(ticks, tick{s.at(float64(at.UnixMilli())), label})
	}
	return ticks
}

// timeLayout is how the moments of an axis are written.
func timeLayout(times []time.Time) string {
	months, days := true, true
	for _, at := range times {
		months = months && at.Day() == 1 && at.Hour() == 0
		days = days && at.Hour() == 0 && at.Minute() == 0
	}
	span := times[len(times)-1].Sub(times[0])
	switch {
	case months && span > 10*365*24*time.Hour:
		return "2006"
	case months:
		return "Jan ’06"
	case days, span > 72*time.Hour:
		if span > 300*24*time.Hour {
			return "2 Jan ’06"
		}
		return "2 Jan"
	}
	return "15:04"
}
