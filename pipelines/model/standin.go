package model

import (
	"regexp"
	"strconv"
	"strings"

	"winback/pipelines/quote"
)

// standIn is a query that takes the place of a table in a unit test.
type standIn struct {
	name    string // the table's name, by which the SQL may qualify columns
	columns []Column
	query   string
}

var standInMark = regexp.MustCompile("\x00([0-9]+)\x00")

// putStandIns puts queries in the place of the marked tables. A table expression
// without an alias gets the table's name as one, as int_orders.order_id still has
// to mean something. FINAL, which a query cannot have, is taken away, and the
// query then keeps the last version of each key as FINAL does.
func putStandIns(text string, tables []standIn) string {
	var out strings.Builder
	for {
		at := standInMark.FindStringSubmatchIndex(text)
		if at == nil {
			out.WriteString(text)
			return out.String()
		}
		number, _ := strconv.Atoi(text[at[2]:at[3]])
		out.WriteString(text[:at[0]])
		tail := readTableTail(text[at[1]:])
		query := tables[number].query
		if tail.final {
			query = tables[number].lastVersions()
		}
		alias := tail.alias
		if alias == "" {
			alias = quote.Name(tables[number].name)
		}
		out.WriteString("(" + query + ") as " + alias)
		text = text[at[1]+tail.length:]
	}
}

// lastVersions is the query with only the last extracted row of each key.
func (s standIn) lastVersions() string {
	var keys []string
	for _, column := range s.columns {
		if column.Key {
			keys = append(keys, column.Name)
		}
	}
	if len(keys) == 0 {
		return s.query
	}
	return "select * from (" + s.query + ") order by extracted_at desc, rowNumberInAllBlocks() desc limit 1 by " + quote.Names(keys)
}

// tableTail is what follows a table's name: "as o final".
type tableTail struct {
	alias  string
	final  bool
	length int // bytes of alias and FINAL, with the space before them
}

var tailWord = regexp.MustCompile("^(?:\\s|--[^\n]*\n|/\\*(?s:.*?)\\*/)*([A-Za-z_][A-Za-z0-9_]*|`[^`]+`|\"[^\"]+\")")

// isAfterTable says whether a word may follow a table and is no alias.
func isAfterTable(word string) bool {
	switch word {
	case "all", "anti", "any", "array", "asof", "cross", "except", "format", "full", "global", "group", "having",
		"inner", "intersect", "into", "join", "left", "limit", "natural", "offset", "on", "order", "paste", "prewhere",
		"qualify", "right", "sample", "semi", "settings", "union", "using", "where", "window", "with", "as", "final":
		return true
	default:
		return false
	}
}

// readTableTail reads an alias and FINAL, in either order.
func readTableTail(text string) tableTail {
	var tail tableTail
	for {
		at := tailWord.FindStringSubmatchIndex(text[tail.length:])
		if at == nil {
			return tail
		}
		word := text[tail.length+at[2] : tail.length+at[3]]
		switch lower := strings.ToLower(word); {
		case lower == "final" && !tail.final:
			tail.final = true
		case lower == "as" && tail.alias == "":
			next := tailWord.FindStringSubmatchIndex(text[tail.length+at[1]:])
			if next == nil {
				return tail
			}
			tail.alias = text[tail.length+at[1]+next[2] : tail.length+at[1]+next[3]]
			at[1] += next[1]
		case tail.alias == "" && !isAfterTable(lower):
			tail.alias = word
		default:
			return tail
		}
		tail.length += at[1]
	}
}
