package pipelines

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"winback/connectors"
	"winback/pipelines/landing"
)

// readAgain finds the open records of a dataset's quarantine whose inputs this
// extraction read from begin to end: they have had their second chance, and what
// does not fit still is put aside anew.
func (r *run) readAgain(ctx context.Context, s Source, dataset string, cursor json.RawMessage) ([]landing.Settlement, error) {
	teller, ok := s.Source.(connectors.Rereader)
	if !ok {
		return nil, nil
	}
	groups, err := r.Zone.QuarantineGroups(s.Name)
	if err != nil {
		return nil, err
	}
	groups = slices.DeleteFunc(groups, func(g *landing.QuarantineGroup) bool { return g.Dataset != dataset || g.Failure != "" })
	if len(groups) == 0 {
		return nil, nil
	}
	names, err := teller.ReadWhole(cursor)
	if err != nil {
		return nil, err
	}
	read := map[string]bool{}
	for _, name := range names {
		read[name] = true
	}
	var list []landing.Settlement
	for _, g := range groups {
		numbers, err := r.openOf(ctx, g, read)
		if err != nil {
			return nil, err
		}
		if len(numbers) > 0 {
			list = append(list, landing.Settlement{
				Of: g.RunID, State: landing.Resolved, Records: landing.NumbersOf(numbers), Reason: "its input was read again",
				RunID: r.summary.RunID, At: r.now().UTC(),
			})
		}
	}
	return list, nil
}

// openOf returns the numbers of a group's open records that are of the inputs, or
// of tables in them.
func (r *run) openOf(ctx context.Context, g *landing.QuarantineGroup, inputs map[string]bool) ([]int, error) {
	standings, err := g.Standings()
	if err != nil || !slices.ContainsFunc(standings, func(s landing.Standing) bool { return s.State == landing.StillOpen }) {
		return nil, err
	}
	var numbers []int
	for record, err := range r.Zone.QuarantineRecords(ctx, g) {
		if err != nil {
			return nil, err
		}
		if record.State == landing.StillOpen && isOf(record.Input, inputs) {
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
