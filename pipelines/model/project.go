// Package model is the SQL model engine: it reads the models of the sql folder
// (each a .sql file with a short header and a .yml beside it), makes the graph of
// what reads what, builds views and tables in that order, checks them before
// readers see them, and runs the models' unit tests.
//
// Project is what was read; it never changes after Load. Runner builds it in a
// warehouse.
package model

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// The databases that models live in.
const (
	StagingDatabase = "staging"
	MartDatabase    = "mart"
	rawDatabase     = "raw"
)

// Materialization is how a model exists in the warehouse.
type Materialization string

// The materializations.
const (
	// View: a named query, run whenever it is read.
	View Materialization = "view"
	// Table: rows, built aside and swapped in.
	Table Materialization = "table"
	// Incremental: a table of which only what new rows touch is computed anew.
	Incremental Materialization = "incremental"
	// Seed: a table loaded from a CSV file in the project.
	Seed Materialization = "seed"
)

// Column is a column of a model or of an entity.
type Column struct {
	Name string
	// Type is the ClickHouse type.
	Type        string
	Description string
	// Private marks personal data: kept out of samples and logs.
	Private bool
	// Key marks a column of an entity's key, source among them; only set for
	// entities.
	Key bool

	line int
}

// Source is an entity that a model reads from the raw tables.
type Source struct{ Domain, Entity string }

// String returns the entity's full name, "shop.orders".
func (s Source) String() string { return s.Domain + "." + s.Entity }

// Relation returns the entity's raw table, or the book, as SQL.
func (s Source) Relation() string {
	if s.isBook() {
		return quote.Table(booksDomain, s.Entity)
	}
	return quote.Table(rawDatabase, s.Domain+"_"+s.Entity)
}

// booksDomain is the domain of what the program itself writes down and models may
// read: {{ source "ops" "restated" }}.
const booksDomain = "ops"

// isBook says that the source is no entity but one of the program's own books.
func (s Source) isBook() bool { return s.Domain == booksDomain }

// sourceColumns returns the columns of an entity's raw table, or of a book.
func sourceColumns(sources SourceColumns, s Source) ([]Column, error) {
	if !s.isBook() {
		return sources.SourceColumns(s.Domain, s.Entity)
	}
	if s.Entity != "restated" {
		return nil, fmt.Errorf("models read no book %s; there is ops.restated", s)
	}
	return restatedColumns(), nil
}

// Model is one model or seed.
type Model struct {
	Name         string
	Database     string
	Materialized Materialization
	// Large says that building it takes much memory: two such models are never built
	// at the same time.
	Large bool
	// ComputedBy names the Computation that makes the rows from what the SQL returns;
	// "" for a model whose rows the SQL returns itself.
	ComputedBy string
	// Path and PropertiesPath are the .sql (or .csv) and .yml files as shown to
	// people.
	Path, PropertiesPath string
	// Summary is the header's line about the model, Description the paragraph
	// for analysts in the .yml.
	Summary, Description string
	// Grain says what one row stands for.
	Grain string
	// OrderBy, PartitionBy and Engine are SQL; tables only.
	OrderBy, PartitionBy, Engine string
	// Key are the columns whose values are computed anew together (incremental
	// models), or by which the changes of a table are told to those.
	Key []string
	// Changes are the columns of the change log, those of the key first: the values
	// that a changed row had and has in them are told to the incremental models that
	// follow this one.
	Changes []string
	Tags    []string
	// Settings are ClickHouse settings for the model's query.
	Settings  map[string]string
	Columns   []Column
	Checks    []check.Check
	UnitTests []UnitTest
	// Reported are the figures whose restatements are noted; nil for none.
	Reported *Reported
	// Parents are the models it reads, Sources the entities, in the order of
	// their first use.
	Parents []string
	Sources []Source

	folder     string       // path of the folder inside the project, for selection
	body       string       // the SQL below the header
	bodyLine   int          // the line of the file in which body starts
	sql        *sqlTemplate // nil for seeds
	checkRefs  []checkRef
	seedRows   []row
	columnLine int // line of "columns:"

	computation *Computation // nil unless ComputedBy
}

// checkRef is another model that a relationships check looks into.
type checkRef struct {
	model string
	field string
	check int // index in Checks
	line  int
}

// Relation returns the model's full table name as SQL.
func (m *Model) Relation() string { return quote.Table(m.Database, m.Name) }

// FullName returns the table's name for people, "mart.customers".
func (m *Model) FullName() string { return m.Database + "." + m.Name }

// Column returns the column of that name.
func (m *Model) Column(name string) (Column, bool) {
	i := slices.IndexFunc(m.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return m.Columns[i], true
}

func (m *Model) columnNames() []string {
	names := make([]string, len(m.Columns))
	for i, column := range m.Columns {
		names[i] = column.Name
	}
	return names
}

// checkParents returns the models its checks look into, other than itself. They
// are built first, so that a check never compares new rows with old ones.
func (m *Model) checkParents() []string {
	var names []string
	for _, ref := range m.checkRefs {
		if ref.model != m.Name && !slices.Contains(names, ref.model) {
			names = append(names, ref.model)
		}
	}
	return names
}

// SingularCheck is a check of its own: a query under checks/ that returns the
// failing rows.
type SingularCheck struct {
	Name     string
	Path     string
	Summary  string
	Severity check.Severity
	Tags     []string
	Parents  []string
	Sources  []Source

	body     string
	bodyLine int
	sql      *sqlTemplate // nil for seeds
}

// Project is the models, seeds and checks of one sql folder.
type Project struct {
	models []*Model // parents before children
	byName map[string]*Model
	checks []*SingularCheck
}

// Models returns every model and seed, parents before children.
func (p *Project) Models() []*Model { return slices.Clone(p.models) }

// Model returns the model of that name.
func (p *Project) Model(name string) (*Model, bool) {
	m, ok := p.byName[name]
	return m, ok
}

// Find returns the model that people mean by its name or the full name of its table,
// "mart.customers", else an UnknownSelectorError with the nearest name there is.
func (p *Project) Find(name string) (*Model, error) {
	m, ok := p.byName[name[strings.LastIndexByte(name, '.')+1:]]
	switch {
	case ok && (name == m.Name || name == m.FullName()):
		return m, nil
	case ok:
		return nil, &UnknownSelectorError{Selector: name, Suggestion: m.FullName()}
	}
	return nil, &UnknownSelectorError{Selector: name, Suggestion: nearest(name, p.names())}
}

// SingularChecks returns the checks under checks/, by name.
func (p *Project) SingularChecks() []*SingularCheck { return slices.Clone(p.checks) }

// Sources returns the entities that the models read, by name.
func (p *Project) Sources() []Source {
	seen := map[Source]bool{}
	var sources []Source
	for _, m := range p.models {
		for _, s := range m.Sources {
			if !seen[s] && !s.isBook() {
				seen[s] = true
				sources = append(sources, s)
			}
		}
	}
	slices.SortFunc(sources, func(a, b Source) int { return strings.Compare(a.String(), b.String()) })
	return sources
}

func (p *Project) names() []string {
	names := make([]string, len(p.models))
	for i, m := range p.models {
		names[i] = m.Name
	}
	return names
}

var modelName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// cutSource splits an entity's full name.
func cutSource(name string) (domain, entity string, ok bool) {
	domain, entity, ok = strings.Cut(name, ".")
	return domain, entity, ok && domain != "" && entity != "" && !strings.Contains(entity, ".")
}
