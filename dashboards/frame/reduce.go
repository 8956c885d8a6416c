package frame

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Reduce makes one value of a field's, as Grafana's calculation of that id does.
// Nulls do not count. It is nil when nothing is left.
func (f *Field) Reduce(id string) any {
	switch id {
	case "", "lastNotNull", "last":
		return f.edge(true, id == "last")
	case "firstNotNull", "first":
		return f.edge(false, id == "first")
	case "countAll":
		return float64(len(f.Values))
	}
	numbers := f.present()
	if id == "count" {
		return float64(f.filled())
	}
	if id == "distinctCount" {
		return float64(f.distinct())
	}
	if len(numbers) == 0 {
		return nil
	}
	return reduceNumbers(id, numbers)
}

// edge is the last or the first value; with nulls, whatever stands there.
func (f *Field) edge(last, nulls bool) any {
	for i := range f.Values {
		at := i
		if last {
			at = len(f.Values) - 1 - i
		}
		if nulls || f.Values[at] != nil {
			return f.Values[at]
		}
	}
	return nil
}

func (f *Field) filled() int {
	n := 0
	for _, v := range f.Values {
		if v != nil {
			n++
		}
	}
	return n
}

func (f *Field) distinct() int {
	seen := map[any]bool{}
	for _, v := range f.Values {
		seen[v] = true
	}
	return len(seen)
}

// present returns the numbers that are there.
func (f *Field) present() []float64 {
	var numbers []float64
	for i := range f.Values {
		if v := f.Float(i); !math.IsNaN(v) {
			numbers = append(numbers, v)
		}
	}
	return numbers
}

func reduceNumbers(id string, v []float64) any {
	first, last := v[0], v[len(v)-1]
	switch id {
	case "min":
		return slices.Min(v)
	case "max":
		return slices.Max(v)
	case "sum":
		return sum(v)
	case "mean":
		return sum(v) / float64(len(v))
	case "median":
		return quantile(v, 0.5)
	case "range":
		return slices.Max(v) - slices.Min(v)
	case "diff":
		return last - first
	case "diffperc":
		if first == 0 {
			return nil
		}
		return (last - first) / first
	case "stdDev":
		mean, squares := sum(v)/float64(len(v)), 0.0
		for _, x := range v {
			squares += (x - mean) * (x - mean)
		}
		return math.Sqrt(squares / float64(len(v)))
	}
	if p, err := strconv.Atoi(strings.TrimPrefix(id, "p")); err == nil && strings.HasPrefix(id, "p") {
		return quantile(v, float64(p)/100)
	}
	return nil
}

func sum(v []float64) float64 {
	total := 0.0
	for _, x := range v {
		total += x
	}
	return total
}

func quantile(v []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	at := q * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// ReducerName is what Grafana calls a calculation.
func ReducerName(id string) string {
	names := map[string]string{
		"lastNotNull": "Last *", "last": "Last", "firstNotNull": "First *", "first": "First", "min": "Min", "max": "Max", "mean": "Mean",
		"median": "Median", "sum": "Total", "count": "Count", "range": "Range", "diff": "Difference", "diffperc": "Difference percent",
		"distinctCount": "Distinct Count",
	}
	if name, ok := names[id]; ok {
		return name
	}
	return fmt.Sprint(id)
}
