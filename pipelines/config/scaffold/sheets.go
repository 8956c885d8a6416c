package scaffold

import (
	"slices"
	"strings"
)

// sheets are those of its workbooks that a dataset reads; none where each has a single one with a table.
func (d *dataset) sheets() []string {
	var names []string
	for _, t := range d.tables {
		if t.place.Sheet != "" && !slices.Contains(names, t.place.Sheet) {
			names = append(names, t.place.Sheet)
		}
	}
	if slices.ContainsFunc(d.tables, (*table).oneOfSheets) {
		return names
	}
	return nil
}

// sheetPattern asks for a sheet by its name; a name that is a number would be taken for the place of another one too.
func sheetPattern(name string) string {
	if strings.Trim(name, "0123456789") == "" {
		return "[" + name[:1] + "]" + name[1:]
	}
	return name
}

// byWorkbook parts a dataset whose sheets have, in another of its workbooks, the name of one that holds something else.
func (d *dataset) byWorkbook(all []*table) []*dataset {
	names := d.sheets()
	foreign := slices.ContainsFunc(all, func(t *table) bool {
		return hasFile(d.tables, t) && slices.Contains(names, t.place.Sheet) && !slices.Contains(d.tables, t)
	})
	if !foreign {
		return []*dataset{d}
	}
	var parts []*dataset
	for _, t := range d.tables {
		at := slices.IndexFunc(parts, func(part *dataset) bool { return part.tables[0].path == t.path })
		if at < 0 {
			part := *d
			part.tables = nil
			at, parts = len(parts), append(parts, &part)
		}
		parts[at].tables = append(parts[at].tables, t)
	}
	return parts
}
