package docs

import (
	"fmt"
	"path"
	"strings"
	"time"

	"winback/connectors/entity"
	"winback/pipelines/check"
	"winback/pipelines/model"
)

// table is the page of a model, a seed or a raw table.
type table struct {
	ID, Name, Kind, Database string
	Materialized             string
	Summary, Description     string
	Grain, OrderBy           string
	Partition, Path          string
	Tags                     []string
	Facts                    []fact
	Mood                     string
	Columns                  []column
	Checks                   []checkView
	Tests                    []test
	SQL                      []sqlPart
	Reads, ReadBy            []link
	Before, After            int // tables it comes from and that come from it, at any distance
	Personal                 bool
}

// fact is a line on a table: how many rows, when it was built.
type fact struct{ Name, Value string }

// column is a line of a table's columns.
type column struct {
	Name, Type, Description string
	Words                   string // known words of an enumeration
	Key, Required, Personal bool
	Metrics                 []link
}

// test is a unit test.
type test struct {
	Name, Description, AsOf string
	Given                   []model.ExampleRows
	Expect                  model.ExampleRows
}

// rawTable makes the page of an entity's raw table.
func (b *builder) rawTable(s *entity.Schema) *table {
	t := &table{
		ID: "raw." + s.Table(), Name: "raw." + s.Table(), Kind: kindRaw, Database: "raw", Materialized: "contract " + s.FullName(),
		Summary: s.Doc, Description: s.Doc + ", as extracted: every version of every record. A source fills it by mapping its own columns to these fields.",
		Grain:   "one row per source, " + strings.Join(s.KeyNames(), ", ") + " and extraction",
		OrderBy: "(source, " + strings.Join(s.KeyNames(), ", ") + ")", Path: "connectors/entity",
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		c := column{
			Name: f.Name, Type: b.RawType(f), Description: f.Doc, Key: f.Key || f.Name == "source", Required: f.Required, Personal: f.PII,
			Words: strings.Join(f.Words, ", "),
		}
		t.Columns, t.Personal = append(t.Columns, c), t.Personal || f.PII
	}
	if facts, ok := b.Facts.Tables[t.ID]; ok {
		t.Facts = tableFacts(facts, "last loaded")
	}
	b.byName[s.FullName()] = t
	return t
}

// modelTable makes the page of a model or a seed.
func (b *builder) modelTable(m *model.Model) (*table, error) {
	t := &table{
		ID: m.FullName(), Name: m.FullName(), Kind: kindOf(m), Database: m.Database, Materialized: howMade(m),
		Summary: m.Summary, Description: m.Description, Grain: m.Grain, OrderBy: m.OrderBy, Partition: m.PartitionBy, Path: m.Path, Tags: m.Tags,
	}
	if t.Kind == kindSeed {
		t.OrderBy = ""
	}
	for _, c := range m.Columns {
		t.Columns = append(t.Columns, column{Name: c.Name, Type: c.Type, Description: c.Description, Personal: c.Private})
		t.Personal = t.Personal || c.Private
	}
	for _, c := range m.Checks {
		view := b.checkView(m.Name, c)
		t.Checks, t.Mood = append(t.Checks, view), worse(t.Mood, view.Mood)
	}
	for i := range m.UnitTests {
		e := m.UnitTests[i].Example()
		t.Tests = append(t.Tests, test{
			Name: m.UnitTests[i].Name, Description: m.UnitTests[i].Description, AsOf: e.AsOf.Format(time.DateOnly), Given: e.Given, Expect: e.Expect,
		})
	}
	if sql := m.SQL(); sql != "" {
		compiled, err := b.Models.Compile(m.Name, b.Vars)
		if err != nil {
			return nil, err
		}
		t.SQL = sqlParts(sql, compiled, b.addressOf)
	}
	if facts, ok := b.Facts.Tables[t.ID]; ok {
		t.Facts = tableFacts(facts, "built")
	} else if b.page.Facts {
		t.Facts = []fact{{"state", "not built yet"}}
	}
	b.byName[m.Name] = t
	return t, nil
}

// tableFacts puts what the warehouse knows of a table into words; at names its
// time.
func tableFacts(f TableFacts, at string) []fact {
	var facts []fact
	if f.Rows != nil {
		facts = append(facts, fact{"rows", number(int(*f.Rows))})
	}
	if f.Bytes != nil {
		facts = append(facts, fact{"on disk", storage(*f.Bytes)})
	}
	if !f.AsOf.IsZero() {
		facts = append(facts, fact{"as of", f.AsOf.Format(time.DateOnly)})
	}
	if f.At.Unix() > 0 {
		facts = append(facts, fact{at, moment(f.At)})
	}
	if f.Took > 0 {
		facts = append(facts, fact{"build took", fmt.Sprintf("%.1f s", f.Took.Seconds())})
	}
	return facts
}

// The moods of checks and tables.
const (
	moodGood = "good"
	moodWarn = "warn"
	moodBad  = "bad"
)

// worse returns the worse of two moods.
func worse(a, b string) string {
	for _, mood := range []string{moodBad, moodWarn, moodGood} {
		if a == mood || b == mood {
			return mood
		}
	}
	return ""
}

// checkView is a check with its last result.
type checkView struct {
	Name, Rule, Severity, Place string
	Result, Mood, At            string
}

func (b *builder) checkView(of string, c check.Check) checkView {
	v := checkView{Name: c.Name, Rule: rule(c), Severity: string(c.Severity), Place: path.Base(c.Place)}
	last, ok := b.Facts.Checks[[2]string{of, c.Name}]
	if !ok {
		return v
	}
	v.Result, v.At, v.Mood = last.Status, moment(last.At), moodBad
	switch {
	case last.Status == string(check.Passed):
		v.Mood = moodGood
	case c.Severity == check.Warn:
		v.Mood = moodWarn
	}
	if v.Mood != moodGood && last.Failures > 0 {
		v.Result += ": " + number(int(last.Failures)) + " rows"
	}
	if last.Message != "" {
		v.Result += ": " + last.Message
	}
	return v
}

// rule says in words what a check demands.
func rule(c check.Check) string {
	columns := strings.Join(c.Columns, ", ")
	text := map[check.Kind]string{
		check.NotNull:        columns + " is never null",
		check.Unique:         columns + " is there once",
		check.AcceptedValues: columns + " is one of " + strings.Join(c.Values, ", "),
		check.Relationships:  columns + " is found in " + strings.ReplaceAll(c.To, "`", "") + "." + c.Field,
		check.Expression:     strings.Join(strings.Fields(c.Condition), " "),
		check.Freshness:      fmt.Sprintf("%s is at most %d days old", columns, c.MaxAgeDays),
		check.RowCount:       fmt.Sprintf("at least %d rows", c.MinRows),
		check.Query:          "the query returns no row",
	}[c.Kind]
	if text == "" {
		text = c.Name
	}
	if c.Where != "" {
		text += ", where " + strings.Join(strings.Fields(c.Where), " ")
	}
	return text
}

// singular is the page of a check of its own.
type singular struct {
	ID, Name, Summary, Path string
	Tags                    []string
	Check                   checkView
	SQL                     []sqlPart
	Reads                   []link
}

// singularChecks makes the pages of the checks that are queries of their own.
func (b *builder) singularChecks() error {
	for _, c := range b.Models.SingularChecks() {
		s := &singular{
			ID: "check." + c.Name, Name: c.Name, Summary: c.Summary, Path: c.Path, Tags: c.Tags,
		}
		query, err := b.Models.CompileCheck(c, b.Vars)
		if err != nil {
			return err
		}
		s.SQL = sqlParts(c.SQL(), query, b.addressOf)
		s.Check = b.checkView(c.Name, check.Check{Name: c.Name, Kind: check.Query, Severity: c.Severity, Place: c.Path})
		for _, source := range c.Sources {
			s.Reads = append(s.Reads, link{Target: b.address[source.String()], Name: b.address[source.String()], About: kindRaw})
		}
		for _, name := range c.Parents {
			s.Reads = append(s.Reads, link{Target: b.address[name], Name: b.address[name], About: b.byName[name].Kind})
		}
		b.page.Checks = append(b.page.Checks, s)
	}
	return nil
}

// metricView is a metric with the places it is about.
type metricView struct {
	Metric
	Target string
	Beside string
}

// metrics lists the metrics and marks the columns that own them.
func (b *builder) metrics() {
	for _, m := range b.Metrics {
		v := metricView{Metric: m, Target: b.address[m.Table]}
		if m.N != "" {
			v.Beside = "n in " + m.N
		}
		if m.Lower != "" && m.Upper != "" {
			v.Beside += ", 95 % interval in " + m.Lower + " … " + m.Upper
		}
		v.Beside = strings.TrimPrefix(v.Beside, ", ")
		b.page.Metrics = append(b.page.Metrics, v)
		t := b.byName[m.Table]
		for i := 0; t != nil && i < len(t.Columns); i++ {
			if t.Columns[i].Name == m.Column {
				t.Columns[i].Metrics = append(t.Columns[i].Metrics, link{Target: "metric." + m.ID, Name: m.Name, About: m.Words})
			}
		}
	}
}

// moment writes a point in time.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 MST") }

// number writes a number in groups of three digits.
func number(n int) string {
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// storage writes a size.
func storage(n uint64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}

// howMade says how a model exists, and what computes its rows where that is not
// its SQL.
func howMade(m *model.Model) string {
	if m.ComputedBy != "" {
		return string(m.Materialized) + " computed by " + m.ComputedBy + " from what the SQL returns"
	}
	return string(m.Materialized)
}
