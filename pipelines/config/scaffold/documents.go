package scaffold

import (
	"slices"
	"strconv"
	"strings"
)

// hasCreditNotes tells whether orders numbered C123 take back what others, numbered 123, sold: then nearly all their
// quantities are below zero.
func (d *dataset) hasCreditNotes() bool {
	column, quantity := d.guess.fields["id"], d.guess.line["quantity"]
	if quantity == "" || d.guess.line["price"] == "" || d.guess.fields["ordered_at"] == "" {
		return false
	}
	notes, negative, rows := 0, 0, 0
	d.pairs(column, quantity, func(number, amount string) {
		rows++
		if lettersNum.MatchString(number) {
			notes++
			if strings.HasPrefix(amount, "-") {
				negative++
			}
		}
	})
	return notes > 0 && notes < rows/2 && negative*10 >= notes*9
}

// varies tells whether the rows of one order have different values in a column.
func (d *dataset) varies(column string) bool {
	first := map[string]string{}
	varies := false
	d.pairs(d.guess.fields["id"], column, func(number, value string) {
		if known, seen := first[number]; seen && known != value {
			varies = true
		}
		first[number] = value
	})
	return varies
}

// pairs gives the values of two columns of each sampled row.
func (d *dataset) pairs(left, right string, give func(left, right string)) {
	for _, t := range d.tables {
		i, j := slices.Index(t.columns, d.nameIn(t, left)), slices.Index(t.columns, d.nameIn(t, right))
		for _, row := range t.rows {
			if i >= 0 && j >= 0 && i < len(row) && j < len(row) {
				give(strings.TrimSpace(row[i]), strings.TrimSpace(row[j]))
			}
		}
	}
}

// nulls lists words that stand for no value in the columns used, ready for YAML.
func (d *dataset) nulls() []string {
	var found []string
	for _, t := range d.tables {
		for _, column := range d.guess.used() {
			at := slices.Index(t.columns, d.nameIn(t, column))
			for _, row := range t.rows {
				if at < 0 || at >= len(row) {
					continue
				}
				word := strings.TrimSpace(row[at])
				if isNull(word) && !slices.Contains(found, strconv.Quote(word)) {
					found = append(found, strconv.Quote(word))
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

func isNull(word string) bool {
	switch strings.ToLower(word) {
	case "nan", "null", "none", "n/a", "-", "\\n":
		return true
	default:
		return false
	}
}
