package scaffold

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// dataset is one or several tables of the same role, read by one mapping.
type dataset struct {
	name   string
	role   role
	guess  guess             // the columns, in the words of the first file
	rename map[string]string // other files' words: the first file's
	tables []*table
	files  []string // patterns
}

// datasets puts tables of one role together; those that hold something else are left out.
func datasets(tables []*table) []*dataset {
	var guesses []guess
	for _, t := range tables {
		g := surest(guessOf(t), recognise(t))
		g.takeClocks()
		g.doubts = append(g.doubts, slices.Concat(t.doubtsOfNames(), g.doubtsOfLeftOut())...)
		if t.broken != "" {
			g.doubts = append(g.doubts, fmt.Sprintf("%s is not whole: %s", t.shortLabel(), t.broken))
		}
		guesses = append(guesses, g)
	}
	joinProducts(guesses)
	doubtWorthless(guesses)
	var all []*dataset
	for _, g := range guesses {
		if g.role == unknown {
			continue
		}
		joined := slices.ContainsFunc(all, func(d *dataset) bool { return d.join(g) })
		if !joined {
			all = append(all, &dataset{role: g.role, guess: g, rename: map[string]string{}, tables: []*table{g.table}})
		}
	}
	var parted []*dataset
	for _, d := range all {
		parted = append(parted, d.byWorkbook(tables)...)
	}
	counts := map[string]int{}
	for _, d := range parted {
		if _, d.name, _ = strings.Cut(d.entity(), "."); d.role == invoices {
			d.name = "invoices"
		}
		if counts[d.name]++; counts[d.name] > 1 {
			d.name = fmt.Sprintf("%s_%d", d.name, counts[d.name])
		}
		d.files = patterns(d.tables, tables)
	}
	return parted
}

// entity is the one that the dataset holds, or the first of them.
func (d *dataset) entity() string {
	if d.role == other {
		return d.guess.entity
	}
	return map[role]string{
		orders: "shop.orders", invoices: "shop.orders", lines: "shop.order_lines", customers: "shop.customers", products: "shop.products",
	}[d.role]
}

// join takes a table in if it has the fields of the others, perhaps under other headers, and writes them alike.
func (d *dataset) join(g guess) bool {
	first := d.tables[0]
	if g.role != d.role || g.entity != d.guess.entity || g.each != d.guess.each || g.table.records != first.records || g.table.format != first.format || g.table.encoding != first.encoding ||
		g.table.headerRow() != first.headerRow() {
		return false
	}
	rename := maps.Clone(d.rename)
	for _, pair := range [][2]map[string]string{{d.guess.fields, g.fields}, {d.guess.line, g.line}, {d.guess.person, g.person}} {
		known, other := pair[0], pair[1]
		if !slices.Equal(slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(other))) {
			return false
		}
		for field, column := range other {
			if column == known[field] {
				continue
			}
			if inList(column) || slices.Contains(first.columns, column) || slices.Contains(g.table.columns, known[field]) {
				return false // the new name would be ambiguous, or cannot be given
			}
			if to, taken := rename[column]; taken && to != known[field] {
				return false
			}
			rename[column] = known[field]
		}
	}
	if !maps.Equal(d.guess.clocks, g.clocks) || !d.agrees(g) {
		return false
	}
	d.rename = rename
	d.tables = append(d.tables, g.table)
	for _, doubt := range g.doubts {
		if !slices.Contains(d.guess.doubts, doubt) {
			d.guess.doubts = append(d.guess.doubts, doubt)
		}
	}
	return true
}

// values are those of a column of the first file, and of its namesakes in the others.
func (d *dataset) values(column string) []string {
	var values []string
	for _, t := range d.tables {
		values = append(values, t.values(d.nameIn(t, column))...)
	}
	return values
}

// nameIn is what a column of the first file is called in another one.
func (d *dataset) nameIn(t *table, column string) string {
	if slices.Contains(t.columns, column) {
		return column
	}
	for _, own := range t.columns {
		if d.rename[own] == column {
			return own
		}
	}
	return column
}

// unused lists the first file's columns that have no field.
func (d *dataset) unused() []string {
	used := d.guess.used()
	var rest []string
	for _, column := range d.tables[0].columns {
		if column != "" && !slices.Contains(used, column) {
			rest = append(rest, column)
		}
	}
	return rest
}

var numbering = regexp.MustCompile(`[0-9]+([-_.]?[0-9]+)*`)

// patterns names the files so that next month's are read too: orders-2024-01.csv becomes orders-*.csv, unless that
// fits a file that is no part of the dataset.
func patterns(own, all []*table) []string {
	var found []string
	for _, t := range own {
		archive, name := t.parts()
		folder, file := path.Split(archive)
		pattern := folder + numbering.ReplaceAllString(file, "*") + numbering.ReplaceAllString(name, "*")
		foreign := slices.ContainsFunc(all, func(other *table) bool {
			matches, err := path.Match(pattern, other.path)
			return (err != nil || matches) && !hasFile(own, other)
		})
		if foreign || strings.ContainsAny(file+name, `*?[]{}\`) {
			pattern = escapePattern(t.path)
		}
		if !slices.Contains(found, pattern) {
			found = append(found, pattern)
		}
	}
	return found
}

// parts are the path of the file and, with a slash before it, that of the member of an archive.
func (t *table) parts() (file, member string) {
	if t.place.Member == "" {
		return t.path, ""
	}
	file = strings.TrimSuffix(t.path, "/"+path.Clean(t.place.Member))
	return file, t.path[len(file):]
}

func hasFile(tables []*table, of *table) bool {
	return slices.ContainsFunc(tables, func(t *table) bool { return t.path == of.path })
}

// escapePattern makes a path stand for itself alone.
func escapePattern(text string) string {
	return regexp.MustCompile(`[*?\[\]{}\\]`).ReplaceAllString(text, `\$0`)
}
