package scaffold

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"winback/connectors/entity"
)

// recognise finds the entity of the contract that a table seems to hold; the guess
// is of unknown where none does.
func recognise(t *table) guess {
	best, bestScore := guess{table: t}, 0
	for _, e := range contract {
		found := match(t, e.vocabulary(), nil)
		if !t.identifies(found["id"]) {
			delete(found, "id")
		}
		if !e.holds(found) {
			continue
		}
		score := 2*len(found) + len(e.must)
		if e.hinted(t) {
			score += 6
		}
		if score > bestScore {
			bestScore = score
			best = guess{table: t, role: other, entity: e.entity, fields: found, hinted: e.hinted(t)}
		}
	}
	if best.role == other && !best.hinted && len(best.fields) < leastFields {
		return guess{table: t} // a few common headers make no entity
	}
	return best
}

// surest chooses between a table of a shop's and one of another entity of the
// contract: what the file's name says, else the shop's.
func surest(shop, further guess) guess {
	switch {
	case besides(shop.table, further.entity):
		return guess{table: shop.table}
	case further.role != other:
		return shop
	case shop.role == unknown:
		return further
	case shop.role == customers && further.entity == "crm.customers":
		if len(further.fields) > len(shop.fields) {
			return further
		}
		return shop
	case further.hinted && shop.table.hint() != shop.role:
		return further
	}
	return shop
}

// sideTables are parts of names of tables that stand beside those of an entity and
// repeat its columns: mapped to it, they would overwrite it.
const sideTables = "discount fulfil shipping tag history adjustment event merge audit property истори"

// besides tells whether a table holds something about an entity rather than it.
func besides(t *table, entityName string) bool {
	name := t.names()[0]
	if at := slices.IndexFunc(contract, func(e known) bool { return e.entity == entityName }); at >= 0 {
		for _, hint := range strings.Fields(contract[at].hints) {
			name = strings.ReplaceAll(name, hint, "")
		}
	}
	return slices.ContainsFunc(strings.Fields(sideTables), func(part string) bool { return strings.Contains(name, part) })
}

// leastFields is how many columns must be recognised where the file's name tells
// nothing.
const leastFields = 4

// holds tells whether a table has what makes the entity: a column of each group,
// and its keys, but for those that can be made.
func (e known) holds(found map[string]string) bool {
	for _, group := range e.must {
		if !slices.ContainsFunc(strings.Fields(group), func(field string) bool { return found[field] != "" }) {
			return false
		}
	}
	for _, key := range entity.Lookup(e.entity).KeyNames() {
		if found[key] == "" && !makeable(e.entity, key, found) {
			return false
		}
	}
	return true
}

// identifies tells whether the values of a column are all there and differ.
func (t *table) identifies(column string) bool {
	values := t.values(column)
	different := len(slices.Compact(slices.Sorted(slices.Values(values))))
	return len(t.rows) == 0 || different*20 >= len(t.rows)*19
}

// makeable tells whether a key that no column holds can be made from others.
func makeable(entityName, key string, found map[string]string) bool {
	return key == "id" || entityName+"."+key == "crm.stages.pipeline_id" || entityName+"."+key == "crm.deal_stages.seq" && found["deal_id"] != ""
}

func (e known) hinted(t *table) bool {
	return slices.ContainsFunc(strings.Fields(e.hints), func(part string) bool {
		return slices.ContainsFunc(t.names(), func(name string) bool { return strings.Contains(name, part) })
	})
}

// Confidence in what a file was taken for.
const (
	High   = "high"
	Medium = "medium"
	Low    = "low"
)

// confidence tells how sure a guess is, and why.
func (g guess) confidence() (level string, reasons []string) {
	fields := len(slices.Compact(slices.Sorted(slices.Values(g.used()))))
	columns := max(len(g.table.columns), 1)
	reasons = append(reasons, fmt.Sprintf("%d of %d columns are named like its fields and hold such values", fields, columns))
	if g.hinted || g.role != other && g.table.hint() != unknown {
		reasons = append(reasons, "the file's name says so")
	}
	switch sure := len(reasons) > 1; {
	case len(g.doubts) == 0 && (sure && fields >= 4 || fields >= 6 && fields*2 >= columns):
		return High, reasons
	case fields >= 4 || sure:
		return Medium, reasons
	}
	return Low, reasons
}

var (
	emailLooks = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	phoneLooks = regexp.MustCompile(`^\+?[\d\s().x-]{7,}$`)
)

// looks says what the values of a column look like, for people.
func (t *table) looks(column string) string {
	values := t.values(column)
	if len(values) == 0 {
		return "empty"
	}
	if most(values, emailLooks.MatchString) {
		return "e-mail addresses"
	}
	if found := daysOf(values); len(found.layouts) > 0 {
		layout := strings.Join(found.layouts, " or ")
		if found.open {
			return "days, " + layout + " or the other way round"
		}
		return "times, " + layout
	}
	if all(values, isBool) {
		return "yes or no"
	}
	if most(values, clockLooks.MatchString) {
		return "times of day, or durations"
	}
	if most(values, func(value string) bool { return value[0] == '+' && phoneLooks.MatchString(value) }) {
		return "phone numbers"
	}
	if _, ok := numbersOf(values); ok {
		return t.amounts(column).describe(values)
	}
	if most(values, phoneLooks.MatchString) {
		return "phone numbers"
	}
	if words := slices.Compact(slices.Sorted(slices.Values(values))); len(words) <= mostWords && len(values) >= 4*len(words) {
		return fmt.Sprintf("%d words: %s", len(words), oneLine(words))
	}
	return "text"
}

// mostWords is how many different words an enumeration has at the most.
const mostWords = 12

func (n amounts) describe(values []string) string {
	switch {
	case n.open != "":
		return "numbers with three digits behind a mark"
	case n.comma:
		return "numbers with a decimal comma"
	case n.thousands != "":
		return "numbers in groups of three digits"
	case all(values, func(value string) bool { return strings.Trim(value, "+-0123456789") == "" }):
		return "whole numbers"
	}
	return "decimal numbers"
}

func all(values []string, fits func(string) bool) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(value string) bool { return !fits(value) })
}

func isBool(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "1", "0", "yes", "no", "y", "n", "t", "f", "on", "off", "да", "нет":
		return true
	}
	return false
}
