package files

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"winback/connectors"
)

// checkedFiles is how many files of a dataset a check opens.
const checkedFiles = 20

// sampleRows is how many records a check shows.
const sampleRows = 3

// Check opens the files of every dataset, looks for the mapped columns in their
// headers and shows records of the first one.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	var all []connectors.Finding
	for _, p := range s.plans {
		found, err := s.discover(p, func(string) {})
		if err != nil {
			all = append(all, connectors.Finding{Dataset: p.name, Text: err.Error()})
			continue
		}
		all = append(all, connectors.Finding{Dataset: p.name, OK: true, Text: fmt.Sprintf("%s found, %s in all", countFiles(len(found)), formatBytes(found))})
		for i, c := range found {
			if err := ctx.Err(); err != nil {
				return all, err
			}
			if i == checkedFiles {
				all = append(all, connectors.Finding{Dataset: p.name, OK: true, Text: fmt.Sprintf("the other %s were not opened", countFiles(len(found)-i))})
				break
			}
			all = append(all, checkFile(p, c, i == 0)...)
		}
	}
	return all, nil
}

func countFiles(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func formatBytes(list []candidate) string {
	var total int64
	for _, c := range list {
		total += c.size
	}
	if total < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(total)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(total)/1e6)
}

// checkFile opens one file and looks at its tables.
func checkFile(p *plan, c candidate, withRows bool) []connectors.Finding {
	file, err := open(c.path)
	if err != nil {
		return []connectors.Finding{{Dataset: p.name, Text: err.Error()}}
	}
	defer func() { _ = file.close() }() // only read from
	var all []connectors.Finding
	err = file.tables(p, c, func(t *table) error {
		all = append(all, checkTable(p, t, withRows && len(all) == 0))
		if len(all) == checkedFiles {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		all = append(all, connectors.Finding{Dataset: p.name, Text: err.Error()})
	}
	return all
}

// errEnough ends the look at a file with very many tables.
var errEnough = errors.New("enough seen")

// checkTable says what a table is and whether it fits the mapping.
func checkTable(p *plan, t *table, withRows bool) connectors.Finding {
	out := connectors.Finding{Dataset: p.name}
	b := t.bound
	switch {
	case t.problem != "":
		out.Text = fmt.Sprintf("%s: %s", t.input, t.problem)
	case b.problem != nil:
		out.Text = fmt.Sprintf("%s: %s", t.input, b.problem.reason)
	case b.format == formatNDJSON && b.header == nil:
		out.OK, out.Text = true, fmt.Sprintf("%s: %s", t.input, t.describe())
	case len(b.header) == 0:
		out.OK, out.Text = true, fmt.Sprintf("%s: the file is empty", t.input)
	default:
		out.OK = true
		out.Text = fmt.Sprintf("%s: %s, %d columns, all mapped ones are there%s", t.input, t.describe(), len(b.header), unmappedColumns(b))
	}
	if out.OK && (withRows || b.document) {
		sample(p, t, &out)
	}
	if !withRows {
		out.Header, out.Rows, out.Fields, out.Read = nil, nil, nil, nil
	}
	return out
}

func unmappedColumns(b *binding) string {
	var names []string
	for i, name := range b.header {
		if !b.mapped[i] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; not mapped: " + strings.Join(names, ", ")
}

// sample shows the first records of a file.
func sample(plan *plan, t *table, out *connectors.Finding) {
	bound := t.bound
	cut := newCutter(t.text, bound.dialect, bound.line)
	cut.size = headSize
	if bound.format == formatNDJSON {
		cut.quote = 0
	}
	p, err := cut.next(nil)
	if err != nil {
		return // an empty file, or one whose reading Extract will complain about
	}
	if p.broken != "" {
		out.OK, out.Text = false, fmt.Sprintf("%s: %s", t.input, p.broken)
		return
	}
	out.Header = bound.header
	if bound.format == formatNDJSON {
		out.Header = bound.names
	}
	if bound.ownNames() {
		bound.has = newPresence(plan)
		defer func() {
			if list := bound.has.absent(plan); len(list) > 0 && bound.has.records.Load() > 0 {
				out.Text += fmt.Sprintf("; none of the first %d records has %s", bound.has.records.Load(), strings.Join(list, ", "))
			}
		}()
	}
	read := newReading(plan, bound, p.data)
	if read != nil {
		out.Fields = read.names()
	}
	records := newRecordReader(bound)
	records.begin(p.data, p.line)
	var r record
	for {
		wrong, ok := records.next(&r)
		if !ok {
			return
		}
		if wrong != nil || len(out.Rows) == sampleRows {
			continue
		}
		row := make([]string, len(out.Header))
		for i := range row {
			if i < len(r.fields) {
				row[i] = string(r.fields[i])
			}
		}
		out.Rows = append(out.Rows, row)
		if read != nil {
			out.Read = append(out.Read, read.of(&r))
		}
	}
}
