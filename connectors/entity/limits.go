package entity

import "fmt"

// What the warehouse holds. One day beyond it, as the 9999-12-31 that stands for
// "never" in many systems, would keep a whole part file from being loaded.
const (
	firstDay, lastDay         = -25_567, 120_530 // 1900-01-01, 2299-12-31
	microsADay                = 86_400_000_000
	firstInstant, lastInstant = firstDay * microsADay, (lastDay+1)*microsADay - 1
)

// Limits returns the smallest and the largest value that a field holds, in the
// units of a batch; ok is false where any value does.
func (f *Field) Limits() (low, high int64, ok bool) {
	switch f.Kind {
	case Day:
		return firstDay, lastDay, true
	case Timestamp:
		return firstInstant, lastInstant, true
	case Dec:
		return -maxUnscaled, maxUnscaled, true
	}
	return 0, 0, false
}

// OutOfRange says what is wrong with a value beyond a field's limits, "" if it is
// within.
func (f *Field) OutOfRange(value int64) string {
	low, high, ok := f.Limits()
	switch {
	case !ok || value >= low && value <= high:
		return ""
	case f.Kind == Dec:
		return fmt.Sprintf("%s has more than %d digits", f.Name, decimalDigits)
	}
	return f.Name + " is outside 1900-01-01 to 2299-12-31, which is what the warehouse holds"
}

const decimalDigits = 18
