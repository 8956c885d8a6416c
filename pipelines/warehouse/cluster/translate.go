package cluster

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"winback/pipelines/quote"
)

// Translate returns the statements that do on the cluster what the given one does on
// one server. lookUp tells what a table is now; it is asked for tables that are
// changed, renamed or dropped.
//
// Statements that a replicated table hands on by itself (ALTER, OPTIMIZE, DELETE,
// TRUNCATE) stay as they are, so that they run where the rows they are about are
// known to be; all others get ON CLUSTER.
func (c Cluster) Translate(statement string, lookUp func(name string) (Table, error)) ([]string, error) {
	h, err := readHead(statement)
	if err != nil {
		return nil, err
	}
	if len(h.names) == 0 {
		return []string{statement}, nil
	}
	t := &translation{Cluster: c, text: statement, head: h, lookUp: lookUp}
	switch {
	case h.object == "DATABASE":
		return t.database(), nil
	case h.verb == "CREATE" && h.object == "TABLE":
		return t.createTable()
	case h.verb == "RENAME":
		return t.rename()
	case h.verb == "EXCHANGE":
		return t.exchange()
	case h.verb == "DROP":
		return t.drop()
	case h.verb == "CREATE": // a view
		return []string{t.everywhere()}, nil
	default:
		return t.change()
	}
}

type translation struct {
	Cluster
	head
	text   string
	lookUp func(name string) (Table, error)
}

// on is the clause that sends a statement to all servers.
func (c Cluster) on() string { return " ON CLUSTER " + quote.Always(c.Name) }

// everywhere is the statement for all servers, the same on each.
func (t *translation) everywhere() string {
	return t.text[:t.after()] + t.on() + t.text[t.after():]
}

// of returns the i-th table that the statement names.
func (t *translation) name(i int) string { return t.names[i].of(t.text) }

// shardDatabases are those that have rows of customers or of sources.
var shardDatabases = map[string]bool{"raw": true, "staging": true, "mart": true}

// database makes or drops a database and, beside it, that of the shards' own rows.
func (t *translation) database() []string {
	statements := []string{t.everywhere()}
	if name := t.name(0); t.Topology == Sharded && shardDatabases[unquote(name)] {
		own := t.text[:t.names[0].start] + shardDatabase(name) + t.on() + t.text[t.after():]
		statements = append(statements, own)
	}
	return statements
}

func shardDatabase(name string) string { return quote.Always(unquote(name) + ShardSuffix) }

// own is the table of a server's own rows, of one that stands for all.
func own(name string) string {
	database, table := splitName(name)
	return shardDatabase(database) + "." + table
}

// createTable makes a table that replicates itself and, if its rows are spread, the
// one in front of it that stands for all of them.
func (t *translation) createTable() ([]string, error) {
	engine, err := t.engine()
	if err != nil {
		return nil, err
	}
	key := ""
	if t.Topology == Sharded {
		key = t.keyOfColumns()
	}
	switch {
	case key != "":
		// The one in front comes first: a table that nobody can see would stand in the
		// way of the next that is made.
		front := t.text[:t.after()] + t.on() + t.text[t.after():t.engineWord()] + t.front(t.name(0), key) + t.comment()
		return []string{front, t.replicated(own(t.name(0)), engine, "")}, nil
	case t.Topology == Sharded:
		return []string{t.replicated(t.name(0), engine, onAllServers)}, nil
	default:
		return []string{t.replicated(t.name(0), engine, "")}, nil
	}
}

// onAllServers are the arguments of a replicated table that is one for all shards:
// its place in Keeper has no shard in it, and its replicas are told apart by both.
const onAllServers = "'/clickhouse/tables/{uuid}/all', '{shard}-{replica}'"

// engineWord is where the engine's clause begins.
func (t *translation) engineWord() int {
	at, _ := t.clause(t.text, "ENGINE")
	return t.rest[at].start
}

// engine finds the name of the table's engine.
func (t *translation) engine() (span, error) {
	at, ok := t.clause(t.text, "ENGINE")
	if !ok || at+2 >= len(t.rest) {
		return span{}, fmt.Errorf("on a cluster a table needs an engine of its own: %.80q", t.text)
	}
	s := t.rest[at+2].span // ENGINE = Name
	if !strings.HasSuffix(s.of(t.text), "MergeTree") {
		return span{}, fmt.Errorf("a table of the engine %s is on one server alone, and cannot be kept on a cluster", s.of(t.text))
	}
	return s, nil
}

// replicated is the statement that makes the replicated table; place is where it is
// in Keeper, empty for the place that the servers' configuration gives.
func (t *translation) replicated(name string, engine span, place string) string {
	tail := t.text[engine.end:]
	if arguments, ok := strings.CutPrefix(tail, "("); ok && place != "" {
		tail = "(" + place + ", " + arguments
		if strings.HasPrefix(arguments, ")") {
			tail = "(" + place + arguments
		}
	} else if place != "" {
		tail = "(" + place + ")" + tail
	}
	return t.text[:t.names[0].start] + name + t.on() + t.text[t.after():engine.start] + "Replicated" + engine.of(t.text) + tail
}

// front is the engine of the table that stands for the rows of all shards.
func (c Cluster) front(name, key string) string {
	database, table := splitName(name)
	return fmt.Sprintf("ENGINE = Distributed(%s, %s, %s, %s)", quote.Literal(c.Name), quote.Literal(unquote(database)+ShardSuffix), quote.Literal(unquote(table)), key)
}

// comment is the statement's clause of that name.
func (t *translation) comment() string {
	for i := len(t.rest) - 2; i >= 0; i-- {
		if t.rest[i].word == "COMMENT" && t.rest[i+1].word == "" && i+2 == len(t.rest) {
			return " " + t.text[t.rest[i].start:t.rest[i+1].end]
		}
	}
	return ""
}

// customerKey is the column by which rows of customers are spread.
const customerKey = "customer_key"

// keyOfColumns returns the expression that spreads a table's rows, empty for one that
// is whole on every server: rows of customers go by the customer, raw rows by their
// key, so that all versions of a row are on one shard.
func (t *translation) keyOfColumns() string {
	database, _ := splitName(t.name(0))
	switch unquote(database) {
	case "raw":
		at, ok := t.clause(t.text, "ORDER")
		if !ok {
			return ""
		}
		end := at + 2
		for end < len(t.rest) && t.rest[end].word != ")" {
			end++
		}
		return "cityHash64" + t.text[t.rest[at+2].start:t.rest[end].end] // ORDER BY (…)
	case "staging", "mart":
		depth := 0
		for i, token := range t.rest {
			switch {
			case token.word == "(":
				depth++
			case token.word == ")":
				depth--
			case depth == 1 && i > 0 && (t.rest[i-1].word == "(" || t.rest[i-1].word == ",") && unquote(token.of(t.text)) == customerKey:
				if strings.HasPrefix(t.rest[i+1].word, "NULLABLE") {
					return "cityHash64(ifNull(" + customerKey + ", ''))"
				}
				return "cityHash64(" + customerKey + ")"
			}
			if depth == 0 && i > 0 {
				return ""
			}
		}
	}
	return ""
}

var distributed = regexp.MustCompile(`(?s)^Distributed\('(?:[^'\\]|\\.)*', '(?:[^'\\]|\\.)*', '(?:[^'\\]|\\.)*', (.+)\)(?: SETTINGS .*)?$`)

// shardingKey finds the key in the description of a table's engine.
func shardingKey(engine, full string) string {
	if engine != "Distributed" {
		return ""
	}
	m := distributed.FindStringSubmatch(full)
	if m == nil {
		return ""
	}
	return m[1]
}

// drop drops a table, and before it the rows that it stands for.
func (t *translation) drop() ([]string, error) {
	if t.Topology != Sharded {
		return []string{t.everywhere()}, nil
	}
	table, err := t.lookUp(t.name(0))
	if err != nil || !table.Spread() {
		return []string{t.everywhere()}, err
	}
	return []string{t.dropOwn(t.name(0)), t.everywhere()}, nil
}

// dropOwn drops the rows behind a table, which may be left from a statement that was
// cut short.
func (t *translation) dropOwn(name string) string {
	return "DROP TABLE IF EXISTS " + own(name) + t.on() + " SYNC"
}

// change alters rows or columns.
func (t *translation) change() ([]string, error) {
	if t.Topology != Sharded {
		return []string{t.text}, nil
	}
	table, err := t.lookUp(t.name(0))
	if err != nil || !table.Spread() {
		return []string{t.text}, err
	}
	if _, ok := t.clause(t.text, "FROM"); ok {
		return nil, fmt.Errorf("partitions of %s cannot be taken from elsewhere: they lie on several shards", t.name(0))
	}
	statements := []string{t.text[:t.names[0].start] + own(t.name(0)) + t.on() + t.text[t.after():]}
	if t.verb == "ALTER" && t.changesColumns() {
		statements = append(statements, t.everywhere())
	}
	return statements, nil
}

// changesColumns tells commands that the table in front must follow.
func (t *translation) changesColumns() bool {
	return len(t.rest) > 1 && t.rest[1].word == "COLUMN"
}

// rename gives tables other names, after every server has their rows.
func (t *translation) rename() ([]string, error) {
	var waits, statements []string
	spread, moved := false, map[string]bool{}
	for i := 0; i+1 < len(t.names); i += 2 {
		from, to := t.name(i), t.name(i+1)
		table, err := t.lookUp(from)
		if err != nil {
			return nil, err
		}
		if taken, err := t.lookUp(to); err != nil || taken.Engine != "" && !moved[to] {
			return nil, errors.Join(err, fmt.Errorf("%s cannot be called %s: there is one", from, to))
		}
		moved[from] = true
		waits = append(waits, t.wait(from, table)...)
		if !table.Spread() {
			statements = append(statements, "RENAME TABLE "+from+" TO "+to+t.on())
			continue
		}
		spread = true
		statements = append(statements,
			t.dropOwn(to), // nothing is in front of it
			"RENAME TABLE "+own(from)+" TO "+own(to)+t.on(),
			t.replaceFront(to, table),
			"DROP TABLE "+from+t.on()+" SYNC")
	}
	if !spread {
		statements = []string{t.everywhere()}
	}
	return append(waits, statements...), nil
}

// exchange has two tables change places. Of tables that are spread their rows do,
// and the tables in front, which find rows by name, are made anew with the columns of
// the other; a reader between the two finds the new rows under the old columns.
func (t *translation) exchange() ([]string, error) {
	a, b := t.name(0), t.name(1)
	tableA, err := t.lookUp(a)
	if err != nil {
		return nil, err
	}
	tableB, err := t.lookUp(b)
	if err != nil {
		return nil, err
	}
	statements := append(t.wait(a, tableA), t.wait(b, tableB)...)
	if tableA.Spread() && tableB.Spread() {
		return append(statements,
			"EXCHANGE TABLES "+own(a)+" AND "+own(b)+t.on(),
			t.replaceFront(a, tableB),
			t.replaceFront(b, tableA)), nil
	}
	statements = append(statements, t.everywhere())
	switch {
	case tableA.Spread():
		statements = append(statements, t.dropOwn(b), "RENAME TABLE "+own(a)+" TO "+own(b)+t.on(), t.replaceFront(b, tableA))
	case tableB.Spread():
		statements = append(statements, t.dropOwn(a), "RENAME TABLE "+own(b)+" TO "+own(a)+t.on(), t.replaceFront(a, tableB))
	}
	return statements, nil
}

// replaceFront makes the table in front of the rows of shards anew, as the one that
// stood before them elsewhere.
func (t *translation) replaceFront(name string, was Table) string {
	statement := "CREATE OR REPLACE TABLE " + name + t.on() + " AS " + own(name) + " " + t.front(name, was.Key)
	if was.Comment != "" {
		statement += " COMMENT " + quote.Literal(was.Comment)
	}
	return statement
}

// wait is the statement that ends when every server has the table's rows.
func (t *translation) wait(name string, table Table) []string {
	switch {
	case table.Spread():
		name = own(name)
	case !table.replicated():
		return nil
	}
	return []string{"SYSTEM SYNC REPLICA" + t.on() + " " + name + " LIGHTWEIGHT"}
}
