package record

import (
	"fmt"
	"slices"
	"strings"

	"winback/connectors"
)

// meet notes fields of a record that nobody knows.
func (rows *Rows) meet(r *Record) {
	if rows.o.Known == nil {
		return
	}
	for name := range r.fields {
		if !r.read[name] && !rows.knows(name) && !slices.Contains(rows.unknown, name) && !slices.Contains(rows.o.Told, name) {
			rows.unknown = append(rows.unknown, name)
		}
	}
}

func (rows *Rows) knows(name string) bool {
	return slices.ContainsFunc(rows.o.Known, func(known string) bool {
		prefix, open := strings.CutSuffix(known, "*")
		return known == name || open && strings.HasPrefix(name, prefix)
	})
}

// Unknown are the unknown fields that this extraction and earlier ones met, to be
// kept in the cursor and given back as Options.Told.
func (rows *Rows) Unknown() []string {
	all := slices.Concat(rows.o.Told, rows.unknown)
	slices.Sort(all)
	return slices.Compact(all)
}

// namesShown is how many fields a message names.
const namesShown = 12

// tellUnknown says once which fields the source has and the connector does not
// know.
func (rows *Rows) tellUnknown() {
	if len(rows.unknown) == 0 {
		return
	}
	slices.Sort(rows.unknown)
	names := strings.Join(rows.unknown[:min(len(rows.unknown), namesShown)], ", ")
	if n := len(rows.unknown) - namesShown; n > 0 {
		names += fmt.Sprintf(" and %d more", n)
	}
	where := "kept in payload"
	if rows.o.Payload == PayloadNone {
		where = "not kept"
	}
	what := "fields that are new or the account's own are " + where
	if len(rows.unknown) == 1 {
		what = "a field that is new or the account's own is " + where
	}
	rows.req.Tell(connectors.Notice{
		Kind: connectors.NoticeDrift, Inputs: rows.unknown[:min(len(rows.unknown), connectors.NoticeInputs)], Count: len(rows.unknown),
		Text: fmt.Sprintf("%s: %s; with fields: they can fill fields of the contract", what, names),
	})
}
