package dashboards_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/dashboards"
	"winback/dashboards/board"
	"winback/pipelines/docs"
	sqlfiles "winback/sql"
)

var update = flag.Bool("update", false, "write the dashboards in the form they are kept in, with the metrics' present definitions")

// explain is the paragraph of a metric in a panel's description.
func explain(t *testing.T) func(id string) (string, error) {
	t.Helper()
	metrics, err := docs.Metrics(sqlfiles.Files)
	if err != nil {
		t.Fatal(err)
	}
	return func(id string) (string, error) {
		at := slices.IndexFunc(metrics, func(m docs.Metric) bool { return m.ID == id })
		if at < 0 {
			return "", fmt.Errorf("sql/metrics.yml has no metric %q", id)
		}
		m := metrics[at]
		return fmt.Sprintf("`%s` %s: %s. Formula: %s. From mart.%s.%s.", m.ID, m.Name, strings.TrimSuffix(m.Words, "."), strings.TrimSuffix(m.Formula, "."), m.Table, m.Column), nil
	}
}

func files(t *testing.T) map[string][]byte {
	t.Helper()
	entries, err := dashboards.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, entry := range entries {
		if all[entry.Name()], err = dashboards.Files.ReadFile(entry.Name()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestFiles_Tidy keeps the files in one form, and the formulas in them those of
// sql/metrics.yml. go test ./dashboards -update mends both.
func TestFiles_Tidy(t *testing.T) {
	for name, text := range files(t) {
		want, err := board.Tidy(text, explain(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		} else if !bytes.Equal(want, text) {
			t.Errorf("%s is not in the form it is kept in; go test ./dashboards -update writes it: %s", name,
				cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(text), "\n")))
		}
	}
}

var (
	uidPattern  = regexp.MustCompile(`^[a-z][a-z-]{1,39}$`)
	literalDate = regexp.MustCompile(`'(19|20)\d\d(-\d\d)?|toDate(Time)?\('\d`)
	selectStar  = regexp.MustCompile(`(?i)select\s+(distinct\s+)?\*`)
	fromTable   = regexp.MustCompile(`(?i)\b(?:from|join)\s+([a-z_]+)\.([a-z_0-9]+)`)
	otherTable  = regexp.MustCompile(`(?i)\b(raw|staging|system|default)\.[a-z_]+`)
)

// TestFiles_Rules are the house rules of dashboards.
func TestFiles_Rules(t *testing.T) {
	uids := map[string]string{}
	for name, text := range files(t) {
		d, err := board.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Run(d.UID, func(t *testing.T) {
			if other, taken := uids[d.UID]; taken || d.UID+".json" != name || !uidPattern.MatchString(d.UID) {
				t.Errorf("the uid is the file's name and nobody else's; %s has %q, so has %q", name, d.UID, other)
			}
			uids[d.UID] = name
			checkDashboard(t, d, string(text))
			for _, p := range d.All() {
				for _, problem := range problemsOf(p) {
					t.Errorf("panel %d %q: %s", p.ID, p.Title, problem)
				}
			}
		})
	}
}

func checkDashboard(t *testing.T, d *board.Dashboard, text string) {
	t.Helper()
	if d.SchemaVersion < 39 || d.SchemaVersion > 41 || d.Description == "" || !slices.Contains(d.Tags, "winback") {
		t.Errorf("wants schemaVersion 39 to 41, a description and the tag winback")
	}
	drawn, ids := 0, map[int]bool{}
	for _, p := range d.All() {
		if p.Type != "row" {
			drawn++
		}
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
	}
	if drawn > 12 {
		t.Errorf("has %d panels; 12 are what one question needs at most", drawn)
	}
	if !slices.ContainsFunc(d.All(), func(p *board.Panel) bool { return p.Type == "text" }) {
		t.Errorf("has no text that says how to read it")
	}
	for _, v := range d.Templating.List {
		uses := regexp.MustCompile(`\$\{?` + v.Name + `\b`)
		if len(uses.FindAllString(text, -1)) == 0 {
			t.Errorf("the variable %s filters nothing", v.Name)
		}
		if v.Type == "query" {
			checkSQL(t, "variable "+v.Name, v.Query.Text)
		}
	}
	for _, a := range d.Annotations.List {
		if a.BuiltIn != 1 {
			checkSQL(t, "annotation "+a.Name, a.Target.SQL)
		}
	}
}

func checkSQL(t *testing.T, what, sql string) {
	t.Helper()
	for _, problem := range problemsOfSQL(sql) {
		t.Errorf("%s: %s", what, problem)
	}
}

func problemsOf(p *board.Panel) (problems []string) {
	if p.Title == "" || p.Grid.W == 0 || p.Grid.X+p.Grid.W > 24 {
		problems = append(problems, "wants a title and a place in the 24 columns")
	}
	if p.Type == "row" || p.Type == "text" {
		return problems
	}
	if p.Description == "" || len(board.MetricIDs(p.Description)) == 0 && p.Source.UID != "" && !strings.Contains(p.Description, "ops.") {
		problems = append(problems, "wants a description that names its metric in backticks, or the table of ops that it shows")
	}
	if unit, _ := p.FieldConfig.Defaults["unit"].(string); unit == "" {
		problems = append(problems, "wants a unit")
	}
	if p.Source.UID != "${datasource}" {
		problems = append(problems, "wants the data source by the variable ${datasource}")
	}
	for _, target := range p.Targets {
		if target.Source.UID != "${datasource}" || target.EditorType != "sql" {
			problems = append(problems, "wants the data source of each query by the variable ${datasource}, and editorType sql")
		}
		problems = append(problems, problemsOfSQL(target.SQL)...)
	}
	if words, _ := p.FieldConfig.Defaults["noValue"].(string); words == "" {
		problems = append(problems, "says nothing when there is nothing: give noValue")
	}
	return problems
}

func problemsOfSQL(sql string) (problems []string) {
	if literalDate.MatchString(sql) {
		problems = append(problems, "has a literal date in its query")
	}
	if selectStar.MatchString(sql) {
		problems = append(problems, "selects *")
	}
	if otherTable.MatchString(sql) {
		problems = append(problems, "reads another database than mart and ops")
	}
	tables := fromTable.FindAllStringSubmatch(sql, -1)
	if len(tables) == 0 {
		problems = append(problems, "reads no table of mart or ops")
	}
	for _, table := range tables {
		if table[1] != "mart" && table[1] != "ops" {
			problems = append(problems, "reads "+table[1]+"."+table[2]+"; dashboards read mart and ops")
		}
	}
	return problems
}
