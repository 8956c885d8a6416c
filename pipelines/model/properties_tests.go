package model

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// UnitTest is an example of a model: given rows of what it reads, the rows it
// has to return.
type UnitTest struct {
	Name, Description string
	// Place is where the test is written, "file:line".
	Place string

	overrides []override
	given     []given
	expect    expectation
	where     string
	line      int
	then      *secondRun // nil for most
}

// secondRun is what comes after: an incremental model's run over further rows.
type secondRun struct {
	overrides []override
	// given are rows that come to an entity, and what a model holds instead.
	given  []given
	expect expectation
}

// override changes one of the values that models may use, for a test.
type override func(*Vars)

// vars returns the values the test runs with.
func (t *UnitTest) vars() Vars {
	vars := DefaultVars()
	for _, apply := range t.overrides {
		apply(&vars)
	}
	return vars
}

// given is what a table holds in a test.
type given struct {
	ref    string // a model, or …
	source Source // … an entity
	rows   []row
	sql    string // a query for the rows instead
	line   int
}

// expectation is what a test expects of the model.
type expectation struct {
	columns []string
	rows    []row
	line    int
}

func readUnitTest(y *yamlFile, m *Model, node ast.Node) {
	fields := y.fields(node, "unit test", "name", "description", "as_of", "timezone", "currency", "region", "churn", "carts", "bonus", "targets", "predictions", "call_centre", "service", "given", "expect", "where", "then")
	t := UnitTest{
		Name:        y.text(fields["name"].value, "name"),
		Description: y.text(fields["description"].value, "description"),
		where:       y.text(fields["where"].value, "where"),
		line:        lineOf(node),
		Place:       fmt.Sprintf("%s:%d", y.name, lineOf(node)),
	}
	if t.Name == "" {
		y.problem(t.line, "a unit test without a name")
	}
	if slices.ContainsFunc(m.UnitTests, func(other UnitTest) bool { return other.Name == t.Name }) {
		y.problem(t.line, "unit test %q is there twice", t.Name)
	}
	t.overrides = append(readPlace(y, fields), readChurn(y, fields["churn"].value)...)
	t.overrides = append(t.overrides, readRules(y, fields)...)
	for _, item := range y.items(fields["given"].value, "given") {
		t.given = append(t.given, readGiven(y, item))
	}
	if _, ok := fields["expect"]; !ok {
		y.problem(t.line, "unit test %q expects nothing; add expect:", t.Name)
	}
	t.expect = readExpectation(y, m, fields["expect"])
	if entry, ok := fields["then"]; ok {
		t.then = readSecondRun(y, m, entry)
	}
	m.UnitTests = append(m.UnitTests, t)
}

// readSecondRun reads "then: {as_of: …, given: …, expect: …}".
func readSecondRun(y *yamlFile, m *Model, entry yamlEntry) *secondRun {
	if m.Materialized != Incremental {
		y.problem(entry.line, "then: only an incremental model has a second run that differs from the first")
	}
	fields := y.fields(entry.value, "then", "as_of", "given", "expect")
	then := &secondRun{overrides: readPlace(y, fields)}
	for _, item := range y.items(fields["given"].value, "given") {
		then.given = append(then.given, readGiven(y, item))
	}
	if _, ok := fields["expect"]; !ok {
		y.problem(entry.line, "then: a second run expects something; add expect:")
	}
	then.expect = readExpectation(y, m, fields["expect"])
	return then
}

// readPlace reads when and where a test plays.
func readPlace(y *yamlFile, fields yamlFields) []override {
	var overrides []override
	if entry, ok := fields["as_of"]; ok {
		text := y.text(entry.value, "as_of")
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			y.problem(entry.line, "as_of: want a date such as 2024-03-31, not %q", text)
		}
		overrides = append(overrides, func(v *Vars) { v.AsOf = day })
	}
	if entry, ok := fields["timezone"]; ok {
		zone := y.text(entry.value, "timezone")
		overrides = append(overrides, func(v *Vars) { v.Timezone = zone })
	}
	if entry, ok := fields["currency"]; ok {
		currency := y.text(entry.value, "currency")
		overrides = append(overrides, func(v *Vars) { v.Currency = currency })
	}
	if entry, ok := fields["region"]; ok {
		region := y.text(entry.value, "region")
		overrides = append(overrides, func(v *Vars) { v.Region = region })
	}
	return overrides
}

var churnKeys = []string{"sleeping_after", "lost_after", "new_for", "returned_for", "silent_after", "watch_level", "alarm_level", "personal_clock", "segments"}

func readChurn(y *yamlFile, node ast.Node) []override {
	var overrides []override
	fields := y.fields(node, "churn", churnKeys...)
	days := map[string]func(*Vars) *int{
		"sleeping_after": func(v *Vars) *int { return &v.Churn.SleepingAfter },
		"lost_after":     func(v *Vars) *int { return &v.Churn.LostAfter },
		"new_for":        func(v *Vars) *int { return &v.Churn.NewFor },
		"returned_for":   func(v *Vars) *int { return &v.Churn.ReturnedFor },
		"silent_after":   func(v *Vars) *int { return &v.Churn.SilentAfter },
	}
	levels := map[string]func(*Vars) *float64{
		"watch_level": func(v *Vars) *float64 { return &v.Churn.WatchLevel },
		"alarm_level": func(v *Vars) *float64 { return &v.Churn.AlarmLevel },
	}
	for _, key := range churnKeys { // segments last: they take the test's own limits as theirs
		entry, ok := fields[key]
		switch {
		case !ok:
		case days[key] != nil:
			value, field := y.integer(entry, key), days[key]
			overrides = append(overrides, func(v *Vars) { *field(v) = value })
		case levels[key] != nil:
			value, field := readNumber(y, entry), levels[key]
			overrides = append(overrides, func(v *Vars) { *field(v) = value })
		case key == "personal_clock":
			overrides = append(overrides, readClock(y, entry.value)...)
		default:
			overrides = append(overrides, readSegments(y, entry.value))
		}
	}
	return overrides
}

// readClock reads "personal_clock: {enabled: true, factor: 3}"; what is left out
// stays as it is.
func readClock(y *yamlFile, node ast.Node) []override {
	var overrides []override
	fields := y.fields(node, "personal_clock", "enabled", "factor", "min_days", "max_days", "shrink")
	for key, field := range map[string]func(*Vars) *float64{
		"factor": func(v *Vars) *float64 { return &v.Churn.PersonalClock.Factor },
		"shrink": func(v *Vars) *float64 { return &v.Churn.PersonalClock.Shrink },
	} {
		if entry, ok := fields[key]; ok {
			value := readNumber(y, entry)
			overrides = append(overrides, func(v *Vars) { *field(v) = value })
		}
	}
	for key, field := range map[string]func(*Vars) *int{
		"min_days": func(v *Vars) *int { return &v.Churn.PersonalClock.MinDays },
		"max_days": func(v *Vars) *int { return &v.Churn.PersonalClock.MaxDays },
	} {
		if entry, ok := fields[key]; ok {
			value := y.integer(entry, key)
			overrides = append(overrides, func(v *Vars) { *field(v) = value })
		}
	}
	if entry, ok := fields["enabled"]; ok {
		text := y.text(entry.value, "enabled")
		if text != "true" && text != "false" {
			y.problem(entry.line, "enabled: want true or false, not %q", text)
		}
		overrides = append(overrides, func(v *Vars) { v.Churn.PersonalClock.Enabled = text == "true" })
	}
	return overrides
}

func readNumber(y *yamlFile, entry yamlEntry) float64 {
	text := y.text(entry.value, entry.key)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		y.problem(entry.line, "%s: want a number, not %q", entry.key, text)
	}
	return value
}

// readSegments reads "segments: {wholesale: {sleeping_after: 30}}"; a limit left
// out is the one of all customers.
func readSegments(y *yamlFile, node ast.Node) override {
	type limits struct {
		name           string
		sleeping, lost *int
	}
	var segments []limits
	for _, entry := range y.entries(node, "segments") {
		fields := y.fields(entry.value, "segment", "sleeping_after", "lost_after")
		segment := limits{name: entry.key}
		for key, limit := range map[string]**int{"sleeping_after": &segment.sleeping, "lost_after": &segment.lost} {
			if field, ok := fields[key]; ok {
				days := y.integer(field, key)
				*limit = &days
			}
		}
		segments = append(segments, segment)
	}
	return func(v *Vars) {
		v.Churn.Segments = nil
		for _, s := range segments {
			segment := Segment{Name: s.name, SleepingAfter: v.Churn.SleepingAfter, LostAfter: v.Churn.LostAfter}
			if s.sleeping != nil {
				segment.SleepingAfter = *s.sleeping
			}
			if s.lost != nil {
				segment.LostAfter = *s.lost
			}
			v.Churn.Segments = append(v.Churn.Segments, segment)
		}
	}
}

func readGiven(y *yamlFile, node ast.Node) given {
	fields := y.fields(node, "given", "ref", "source", "rows", "csv", "sql")
	g := given{
		ref:  y.text(fields["ref"].value, "ref"),
		sql:  y.text(fields["sql"].value, "sql"),
		rows: readRows(y, fields),
		line: lineOf(node),
	}
	sources := y.text(fields["source"].value, "source")
	if domain, entity, ok := cutSource(sources); ok {
		g.source = Source{domain, entity}
	} else if sources != "" {
		y.problem(g.line, `given: source is written domain.entity, such as "shop.orders", not %q`, sources)
	}
	if (g.ref == "") == (sources == "") {
		y.problem(g.line, "given: name either a ref (a model) or a source (an entity)")
	}
	forms := 0
	for _, key := range []string{"rows", "csv", "sql"} {
		if _, ok := fields[key]; ok {
			forms++
		}
	}
	if forms > 1 {
		y.problem(g.line, "given: write the rows in one way, as rows, csv or sql")
	}
	return g
}

// readRows reads "rows:" or "csv:".
func readRows(y *yamlFile, fields yamlFields) []row {
	if entry, ok := fields["csv"]; ok {
		firstLine := entry.line
		if _, isBlock := entry.value.(*ast.LiteralNode); isBlock {
			firstLine++
		}
		_, rows, err := readCSV(y.text(entry.value, "csv"), firstLine)
		if err != nil {
			line, text := rowPlace(err, entry.line)
			y.problem(line, "csv: %s", text)
		}
		return rows
	}
	var rows []row
	for _, item := range y.items(fields["rows"].value, "rows") {
		r := row{line: lineOf(item)}
		for _, entry := range y.entries(item, "row") {
			r.columns = append(r.columns, entry.key)
			r.cells = append(r.cells, y.value(entry.value))
		}
		rows = append(rows, r)
	}
	return rows
}

func readExpectation(y *yamlFile, m *Model, entry yamlEntry) expectation {
	fields := y.fields(entry.value, "expect", "columns", "rows", "csv", "order")
	e := expectation{columns: y.texts(fields["columns"].value, "columns"), rows: readRows(y, fields), line: entry.line}
	if order, ok := fields["order"]; ok && y.text(order.value, "order") != "ignore" {
		y.problem(order.line, `order can only be "ignore": a table has no order`)
	}
	explicit := len(e.columns) > 0
	for _, r := range e.rows {
		requireColumns(y, m, r.line, "expected row", r.columns)
		for _, name := range r.columns {
			if slices.Contains(e.columns, name) {
				continue
			}
			if explicit {
				y.problem(r.line, "expected row: column %q is not among the columns compared", name)
			} else {
				e.columns = append(e.columns, name)
			}
		}
	}
	if explicit {
		requireColumns(y, m, fields["columns"].line, "expect", e.columns)
	}
	if len(e.columns) == 0 {
		e.columns = m.columnNames()
	}
	return e
}
