package files

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"winback/connectors/spec"
)

// binding connects the slots of a plan with the columns of one file.
type binding struct {
	input  string
	number int32 // of the input, as the sink counts; known to the writer alone, from the first rows on
	file   int32 // place among the extraction's files
	format string
	dialect
	header []string // names of the columns, after renaming; nil for JSON
	at     []int    // column by slot, -1 if the file lacks it
	names  []string // of the columns by slot, for messages
	mapped []bool   // by column: some field is made from it

	// of records that are JSON
	document bool              // they are no lines of the file
	typed    bool              // times among their values are as the format has them, whatever the layout of texts
	paths    [][]jsonPath      // by slot
	scopes   []scope           // of the plan, with the slots whose values stand in their elements
	lines    int               // that of scopes, from 1, whose elements are counted as lines
	scopeOf  []int             // by slot: 0 the record, else one of scopes, from 1
	keys     []map[string]bool // by scope: members that some field is made from
	sheet    string            // of a workbook
	letters  []string          // by slot: column of the sheet
	has      *presence         // what its records have; nil where nobody asks

	line     int64   // of the first line after the header
	encoding string  // that the text was decoded from; "" for UTF-8
	form     string  // how its records are written, for those that are rejected; "" if they are no text of its own
	problem  *misfit // why no record of the file can fit
}

// ownNames says that the records themselves say what they have: nothing else does.
func (b *binding) ownNames() bool {
	return b.format == formatNDJSON && b.header == nil && b.sheet == ""
}

// name returns the column that a slot stands for in this file.
func (b *binding) name(slot int) string { return b.names[slot] }

// bind finds the columns of a plan in a header.
func bind(p *plan, input string, header []string) *binding {
	b := &binding{
		input: input, header: renamed(p.config.Rename, header),
		at: make([]int, len(p.columns)), names: make([]string, len(p.columns)), mapped: make([]bool, len(header)),
	}
	var missing []string
	for slot, ref := range p.columns {
		b.at[slot], b.names[slot] = -1, ref.names[0]
		for _, name := range ref.names {
			at := indexOf(b.header, name)
			if at < 0 {
				continue
			}
			if b.header[at] == name && lastIndex(b.header, name) != at {
				b.problem = &misfit{column: name, reason: fmt.Sprintf("the file has several columns %q: say which, as %q or %q", name, name+" (1)", name+" (2)")}
			}
			b.at[slot], b.names[slot], b.mapped[at] = at, name, true
			break
		}
		if b.at[slot] < 0 && !ref.optional {
			missing = append(missing, ref.names[0])
		}
	}
	tellApart(b.header)
	if len(missing) > 0 {
		b.problem = &misfit{column: missing[0], reason: missingColumns(missing, b.header)}
	}
	if len(p.scopes) > 0 {
		b.problem = &misfit{reason: "the file is a table and has no arrays in its records: each is for JSON and Parquet"}
	}
	return b
}

// indexOf finds a column by its name, or by the number behind it among several of a name:
// total (2) is the second total. It returns -1 where there is none.
func indexOf(header []string, name string) int {
	if at := slices.Index(header, name); at >= 0 {
		return at
	}
	plain, number, found := strings.Cut(strings.TrimSuffix(name, ")"), " (")
	wanted, err := strconv.Atoi(number)
	if !found || err != nil {
		return -1
	}
	for at, column := range header {
		if column == plain {
			wanted--
		}
		if column == plain && wanted == 0 {
			return at
		}
	}
	return -1
}

// tellApart numbers names that occur again, so that a payload can hold all.
func tellApart(names []string) {
	count := make(map[string]int, len(names))
	for i, name := range names {
		if count[name]++; count[name] > 1 {
			names[i] = fmt.Sprintf("%s (%d)", name, count[name])
		}
	}
}

// missingColumns says in one sentence which columns a file lacks and what to do.
func missingColumns(missing, header []string) string {
	have := "the file has: " + strings.Join(header, ", ")
	if near := spec.Suggest(missing[0], header); near != "" {
		have = fmt.Sprintf("did you mean %q? %s", near, have)
	}
	what := fmt.Sprintf("column %q is missing", missing[0])
	if len(missing) > 1 {
		what = fmt.Sprintf("columns %s are missing", quoteAll(missing))
	}
	return fmt.Sprintf("%s; add the file's name to rename, or say optional: true (%s)", what, have)
}

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}

// renamed gives the columns the names that the mapping uses.
func renamed(rename map[string]string, header []string) []string {
	out := make([]string, len(header))
	for i, name := range header {
		out[i] = strings.TrimSpace(name)
		if to, found := rename[out[i]]; found {
			out[i] = to
		}
	}
	return out
}

// bindJSON makes the binding of a file whose records name their fields.
func bindJSON(p *plan, input string) *binding {
	b := &binding{
		input: input, format: formatNDJSON, at: make([]int, len(p.columns)), names: make([]string, len(p.columns)),
		paths: make([][]jsonPath, len(p.columns)), scopeOf: make([]int, len(p.columns)), lines: p.lines, line: 1,
	}
	b.keys = append(b.keys, map[string]bool{})
	for _, each := range p.scopes {
		b.scopes, b.keys = append(b.scopes, scope{jsonPath: each}), append(b.keys, map[string]bool{})
		if len(each.steps) > 0 {
			b.keys[0][each.steps[0].key] = true // its elements have payloads of their own
		}
	}
	original := map[string]string{}
	for from, to := range p.config.Rename {
		original[to] = from
	}
	for slot, ref := range p.columns {
		b.at[slot], b.names[slot], b.scopeOf[slot] = slot, ref.names[0], ref.scope
		if ref.scope > 0 {
			s := &b.scopes[ref.scope-1]
			s.slots = append(s.slots, slot)
		}
		for _, name := range ref.names {
			b.addPath(slot, name)
			if from, found := original[name]; found {
				b.addPath(slot, from)
			}
		}
	}
	return b
}

func (b *binding) addPath(slot int, name string) {
	b.paths[slot] = append(b.paths[slot], parsePath(name))
	b.keys[b.scopeOf[slot]][name] = true
}
