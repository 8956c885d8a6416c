package pipelines

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/spec"
)

// RangeError says that a range of time was not given as it must be.
type RangeError struct{ text string }

func (e *RangeError) Error() string { return e.text }

// ParseRange reads a range of days, the last one included, in the project's time
// zone. Without a last day it is today. The error is a *RangeError.
func (p *Project) ParseRange(since, until string) (*connectors.Range, error) {
	if since == "" {
		return nil, &RangeError{"--until wants --since before it: the first day to read again"}
	}
	today := spec.DateOf(p.now().In(p.Config.Location))
	first, last := spec.Date{}, today
	if err := first.UnmarshalText([]byte(since)); err != nil {
		return nil, &RangeError{fmt.Sprintf("--since %s: %v", since, err)}
	}
	if until != "" {
		if err := last.UnmarshalText([]byte(until)); err != nil {
			return nil, &RangeError{fmt.Sprintf("--until %s: %v", until, err)}
		}
	}
	if first.Compare(last) > 0 {
		return nil, &RangeError{fmt.Sprintf("there is no day from %v to %v", first, last)}
	}
	return &connectors.Range{From: p.midnight(first), Until: p.midnight(last.AddDays(1))}, nil
}

// midnight is when a day begins in the project's zone.
func (p *Project) midnight(day spec.Date) time.Time {
	t := day.Time()
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, p.Config.Location)
}

// lastDay is the last day that is wholly in a range of days.
func lastDay(r *connectors.Range) string { return r.Until.AddDate(0, 0, -1).Format(time.DateOnly) }

// asked are the datasets of a source that this run reads: all, or those that can be
// read again for its range.
func (r *run) asked(s Source) []connectors.Dataset {
	if r.o.Range == nil {
		return s.Datasets()
	}
	backfiller, ok := s.Source.(connectors.Backfiller)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Datasets()), func(d connectors.Dataset) bool { return !backfiller.Backfills(d.Name) })
}

// tellUnasked names the selected sources that cannot be asked for a range.
func (r *run) tellUnasked() {
	if r.o.Range == nil {
		return
	}
	var names []string
	for _, s := range r.Sources {
		if r.only.wants(s.Name) && len(r.asked(s)) == 0 {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		r.problem("not read again, as a time cannot be asked for there: %s; winback run --full --only source:%s reads all of it", strings.Join(names, ", "), names[0])
	}
}
