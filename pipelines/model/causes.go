package model

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// Why a figure that people were told is another now can be three things: the
// project's values, the definition of a model that it comes from, or the data. The
// first two are found by comparing them with those of the last report; the third
// by the model's block causes, which asks what changed since.

// toldDDL is the table of what the figures of models were told by.
const toldDDL = `create table if not exists ops.told (
	model String comment 'Name of the model',
	definitions String comment 'Identity of its SQL and properties and those of all it comes from',
	values Map(String, String) comment 'Values of the project, without the day',
	run_id String comment 'Run that built it',
	told_at DateTime64(6, 'UTC') comment 'When it was built'
) engine = MergeTree order by (model, told_at)
comment 'By which definitions and values of the project figures were told'`

// causes is what may have moved figures since they were told.
type causes struct {
	model string
	// known are the causes that concern every figure, in words.
	known []string
	// data is the query of the block causes: since (the month from which on figures
	// may have moved), cause (in words, of one), n, spares (rows with one of these
	// words in a column that names them are not moved). Empty when nothing is asked.
	data string
	// values and definitions are those of now.
	values      map[string]string
	definitions string
	isNew       bool // they differ from those of the last report
}

// noCause is said where neither configuration nor the followed data changed.
const noCause = "other late data"

// expression returns the SQL for the cause of a figure, and what to join for it to
// the relation figures.
func (c causes) expression() (cause, join string) {
	known := quote.Literal(strings.Join(c.known, ", "))
	if c.data == "" {
		return fmt.Sprintf("if(%s = '', %s, %s)", known, quote.Literal(noCause), known), ""
	}
	join = fmt.Sprintf(`left join (
			select row, arrayStringConcat(arrayMap(x -> concat(toString(-tupleElement(x, 1)), ' ', tupleElement(x, 2), if(tupleElement(x, 1) = -1, '', 's')),
				arraySort(groupArray((-toInt64(times), cause)))), ', ') as words
			from (
				select told.row as row, moved.cause as cause, sum(moved.n) as times
				from (
					select row, toDateOrNull(JSONExtractString(row, 'month')) as month, tupleElement(JSONExtractKeysAndValues(row, 'String'), 2) as names
					from ops.reported
					where model = %s
					group by row
				) as told
				cross join (%s) as moved
				where moved.since <= told.month and not hasAny(told.names, moved.spares)
				group by row, cause
			)
			group by row
		) as by_data on by_data.row = figures.row`, quote.Literal(c.model), c.data)
	cause = fmt.Sprintf("coalesce(nullIf(arrayStringConcat(arrayFilter(x -> x != '', [%s, coalesce(by_data.words, '')]), ', '), ''), %s)", known, quote.Literal(noCause))
	return cause, join
}

// followCauses notes what changed in the models and entities that the block causes
// follows since the model was built, for a model that was.
func (p *planner) followCauses(ctx context.Context, m *Model, d *decision) (*increment, error) {
	has, known := p.state.builds[m.Name]
	if !known {
		return nil, nil
	}
	i := &increment{seen: has.asOf, changed: map[string]string{}, steps: map[string][]step{}}
	followed := *d // arrivals of an increment are not wanted
	followed.arrivals = map[string]Arrivals{}
	for _, name := range m.sql.changed {
		whole, err := p.follow(ctx, m, name, has, &followed, i)
		if err != nil {
			return nil, err
		}
		if whole == "" {
			continue
		}
		i.unknown = append(i.unknown, name)
		i.changed[name] = p.noRows(name)
	}
	return i, nil
}

// noRows is a query with the columns of what changed says of a model or an entity,
// and no rows.
func (p *planner) noRows(name string) string {
	if domain, entity, ok := cutSource(name); ok {
		return fmt.Sprintf("(select * from %s where false)", Source{domain, entity}.Relation())
	}
	parent := p.project.byName[name]
	return fmt.Sprintf("(select %s from %s where false)", quote.Names(parent.Changes), parent.Relation())
}

// causes returns what may have moved the model's figures since they were told.
func (r *run) causes(ctx context.Context, m *Model, d decision) (causes, error) {
	c := causes{model: m.Name, values: valuesOf(r.runner.options.Vars), isNew: true}
	c.definitions = r.runner.project.definitions(m, c.values)
	before, err := readTold(ctx, r.runner.conn, m)
	if err != nil {
		return c, err
	}
	if before != nil {
		changed, seeds := changedValues(before.values, c.values)
		c.isNew = !maps.Equal(before.values, c.values) || before.definitions != c.definitions
		if len(changed) > 0 {
			c.known = append(c.known, "changed configuration ("+strings.Join(changed, ", ")+")")
		}
		for _, name := range seeds {
			c.known = append(c.known, "changed table "+name)
		}
		if before.definitions != c.definitions {
			c.known = append(c.known, "changed definition")
		}
	}
	if d.told == nil {
		return c, nil
	}
	if len(d.told.unknown) > 0 && len(c.known) == 0 {
		c.known = append(c.known, "much changed in "+strings.Join(d.told.unknown, ", "))
	}
	return c, r.dataCauses(m, d, &c)
}

// dataCauses adds the query of the block causes.
func (r *run) dataCauses(m *Model, d decision, c *causes) (err error) {
	relations := r.runner.project.relations()
	relations.changed = func(name string) string { return d.told.changed[name] }
	relations.this = m.Relation
	c.data, err = m.compileBlock(causesBlock, r.runner.options.Vars, d.told.seen, relations)
	return err
}

// told is what the figures of a model were told by the last time.
type told struct {
	definitions string
	values      map[string]string
}

func readTold(ctx context.Context, conn driver.Conn, m *Model) (*told, error) {
	rows, err := conn.Query(ctx, "select definitions, values from ops.told where model = ? order by told_at desc limit 1", m.Name)
	if err != nil {
		return nil, fmt.Errorf("read by what %s was told: %w", m.Name, check.InWords(err))
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	var t told
	if err := rows.Scan(&t.definitions, &t.values); err != nil {
		return nil, err
	}
	return &t, rows.Err()
}

// noteTold writes down by what the figures were told, if that is new.
func (r *run) noteTold(ctx context.Context, m *Model, c causes) error {
	if !c.isNew {
		return nil
	}
	return books.Add(ctx, r.runner.conn, "ops.told", struct {
		Model       string            `json:"model"`
		Definitions string            `json:"definitions"`
		Values      map[string]string `json:"values"`
		RunID       string            `json:"run_id"`
		ToldAt      string            `json:"told_at"`
	}{m.Name, c.definitions, c.values, r.runner.options.RunID, books.Time(time.Now())})
}

// examples are sentences about the newest months that the run restated: "churn_pct
// of 2026-03: 4.1 → 4.3 (12 late refunds)".
func (r *run) examples(ctx context.Context, m *Model) ([]string, error) {
	const inASentence = 5
	rows, err := r.runner.conn.Query(ctx, fmt.Sprintf(`
		with
			toFloat64OrNull(was) as before, toFloat64OrNull(now) as after,
			round(before, 2) = round(after, 2) as is_small -- two digits would show no change
		select concat(coalesce(kpi, figure), if(segment is null, '', concat(' of ', assumeNotNull(segment))), ' of ', formatDateTime(assumeNotNull(month), '%%Y-%%m'), ': ',
			coalesce(toString(if(is_small, round(before, 4), round(before, 2))), was, 'not known'), ' → ',
			coalesce(toString(if(is_small, round(after, 4), round(after, 2))), now, 'not known'), ' (', cause, ')')
		from ops.restated where model = %s and run_id = %s and month is not null order by month desc, row, figure limit %d`,
		quote.Literal(m.Name), quote.Literal(r.runner.options.RunID), inASentence))
	if err != nil {
		return nil, fmt.Errorf("read what %s restates: %w", m.Name, check.InWords(err))
	}
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}

// seedValue is the prefix of what stands for a seed among the values: a table that
// users edit, as they do the configuration.
const seedValue = "seed "

// definitions identifies the model and all that it comes from, as they are written;
// seeds among them go to the values.
func (p *Project) definitions(m *Model, values map[string]string) string {
	seen := map[string]string{}
	var visit func(m *Model)
	visit = func(m *Model) {
		if _, known := seen[m.Name]; known {
			return
		}
		seen[m.Name] = m.definition()
		for _, name := range m.Parents {
			visit(p.byName[name])
		}
	}
	visit(m)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if p.byName[name].Materialized == Seed {
			values[seedValue+name] = seen[name]
			continue
		}
		parts = append(parts, name, seen[name])
	}
	return digest(parts...)
}

// changedValues says which values of the project differ, "churn.lost_after 180 → 90",
// and the names of the seeds that do.
func changedValues(before, now map[string]string) (texts, seeds []string) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was, known := before[name]
		seed, isSeed := strings.CutPrefix(name, seedValue)
		switch {
		case !known || was == now[name]:
		case isSeed:
			seeds = append(seeds, seed)
		default:
			texts = append(texts, name+" "+was+" → "+now[name])
		}
	}
	return texts, seeds
}

// valuesOf returns the project's values but the day, by the keys they have in
// winback.yaml; lists as JSON.
func valuesOf(vars Vars) map[string]string {
	values := map[string]string{}
	collectValues(reflect.ValueOf(vars), "", values)
	delete(values, "as_of")
	return values
}

func collectValues(v reflect.Value, name string, values map[string]string) {
	if _, isTime := v.Interface().(time.Time); v.Kind() == reflect.Struct && !isTime {
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				collectValues(v.Field(i), strings.TrimPrefix(name+"."+underscored(field.Name), "."), values)
			}
		}
		return
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return
	}
	values[name] = strings.Trim(string(text), `"`)
}

// underscored turns LostAfter into lost_after.
func underscored(name string) string {
	var out strings.Builder
	before := 'A'
	for _, letter := range name {
		if unicode.IsUpper(letter) && !unicode.IsUpper(before) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(letter))
		before = letter
	}
	return out.String()
}

// restatedColumns are the columns of ops.restated that models may read.
func restatedColumns() []Column {
	return []Column{
		{Name: "model", Type: "String"}, {Name: "month", Type: "Nullable(Date)"}, {Name: "segment", Type: "Nullable(String)"},
		{Name: "figure", Type: "String"}, {Name: "was", Type: "Nullable(String)"}, {Name: "now", Type: "Nullable(String)"},
		{Name: "was_reported_at", Type: "DateTime64(6, 'UTC')"}, {Name: "restated_at", Type: "DateTime64(6, 'UTC')"},
		{Name: "was_as_of", Type: "Date"}, {Name: "as_of", Type: "Date"}, {Name: "reason", Type: "String"}, {Name: "run_id", Type: "String"},
		{Name: "row", Type: "String"}, {Name: "kpi", Type: "Nullable(String)"}, {Name: "cause", Type: "String"},
	}
}
