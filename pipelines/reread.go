package pipelines

import (
	"context"
	"slices"
	"strings"

	"winback/connectors"
	"winback/pipelines/landing"
)

// readAgain finds the open records of the dataset's quarantine that this slice has
// given their second chance: those of inputs that it read from begin to end, as far as
// the source tells; else all, when it is the last slice of a run that read everything.
// What does not fit still is put aside anew.
func (e *extraction) readAgain(ctx context.Context, left connectors.Extracted) ([]landing.Settlement, error) {
	why, read := "its input was read again", func(string) bool { return true }
	switch teller, ok := e.source.Source.(connectors.Rereader); {
	case ok:
		names, err := teller.ReadWhole(left.Cursor)
		if err != nil {
			return nil, err
		}
		inputs := map[string]bool{}
		for _, name := range names {
			inputs[name] = true
		}
		read = func(input string) bool { return isOf(input, inputs) }
	case e.anew && !left.More:
		why = "everything was read again"
	default:
		return nil, nil
	}
	groups, err := e.Zone.QuarantineGroups(e.source.Name)
	if err != nil {
		return nil, err
	}
	var list []landing.Settlement
	for _, g := range groups {
		if g.Dataset != e.dataset.Name || g.Failure != "" || e.ofThisRun(g.RunID) {
			continue
		}
		numbers, err := e.openOf(ctx, g, read)
		if err != nil {
			return nil, err
		}
		if len(numbers) > 0 {
			list = append(list, landing.Settlement{
				Of: g.RunID, State: landing.Resolved, Records: landing.NumbersOf(numbers), Reason: why,
				RunID: e.run.summary.RunID, At: e.now().UTC(),
			})
		}
	}
	return list, nil
}

// ofThisRun says that a commit is a slice of this run.
func (e *extraction) ofThisRun(id string) bool {
	return id == e.run.summary.RunID || strings.HasPrefix(id, e.run.summary.RunID+".")
}

// openOf returns the numbers of a group's open records whose inputs were read.
func (r *run) openOf(ctx context.Context, g *landing.QuarantineGroup, read func(input string) bool) ([]int, error) {
	standings, err := g.Standings()
	if err != nil || !slices.ContainsFunc(standings, func(s landing.Standing) bool { return s.State == landing.StillOpen }) {
		return nil, err
	}
	var numbers []int
	for record, err := range r.Zone.QuarantineRecords(ctx, g) {
		if err != nil {
			return nil, err
		}
		if record.State == landing.StillOpen && read(record.Input) {
			numbers = append(numbers, record.Number)
		}
	}
	return numbers, nil
}

// isOf says that an input is one of those named, or a table in one.
func isOf(input string, inputs map[string]bool) bool {
	for !inputs[input] {
		at := strings.LastIndexByte(input, '/')
		if at < 0 {
			return false
		}
		input = input[:at]
	}
	return true
}
