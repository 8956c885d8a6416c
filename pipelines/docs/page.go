// Package docs makes the pages that document a warehouse: every table with its
// columns, checks, tests, SQL and lineage, every metric and every contract, as
// one HTML file that needs nothing else. What the warehouse itself knows, such as
// numbers of rows and results of checks, is added where there is one.
package docs

import (
	"html/template"
	"slices"
	"strings"

	"winback/connectors/entity"
	"winback/pipelines/model"
)

// Input is what the pages are made from.
type Input struct {
	// Project is the name on the pages.
	Project string
	Models  *model.Project
	Vars    model.Vars
	// Entities are the contracts, RawTypes gives the ClickHouse type of a field.
	Entities []*entity.Schema
	RawType  func(*entity.Field) string
	Metrics  []Metric
	// Facts are what the warehouse knows; nil without one.
	Facts *Facts
}

// page is everything the template shows.
type page struct {
	Project string
	AsOf    string
	Facts   bool
	Run     string
	Figures []figure
	Groups  []group
	Tables  []*table
	Marts   []*table // by name
	Checks  []*singular
	Metrics []metricView
	Lineage template.HTML
	Style   template.CSS
	Script  template.JS
}

// figure is a number on the first page.
type figure struct{ Value, Name, Target, Mood string }

// group is a part of the list of pages.
type group struct {
	Name, About string
	Items       []link
}

// link leads to a page. Mood is good, warn or bad, or nothing.
type link struct{ Target, Name, About, Mood string }

// The kinds of tables, as classes of the style sheet and parts of the list.
const (
	kindMart         = "mart"
	kindIntermediate = "intermediate"
	kindStaging      = "staging"
	kindSeed         = "seed"
	kindRaw          = "raw"
)

// kindOf returns the kind of a model by the folder it stands in.
func kindOf(m *model.Model) string {
	top, _, _ := strings.Cut(m.Folder(), "/")
	switch top {
	case "marts":
		return kindMart
	case "seeds":
		return kindSeed
	case "staging":
		return kindStaging
	}
	return kindIntermediate
}

// builder makes the page.
type builder struct {
	Input
	page     page
	readers  map[string][]string // of a table, by name in the graph
	address  map[string]string   // of a table's page, by every name it has
	byName   map[string]*table   // by name in the graph
	entities map[string]*entity.Schema
}

// build makes everything the template shows.
func build(in Input) (page, error) {
	b := &builder{Input: in, readers: map[string][]string{}, address: map[string]string{}, byName: map[string]*table{}, entities: map[string]*entity.Schema{}}
	b.page.Project, b.page.AsOf, b.page.Facts = in.Project, in.Vars.AsOf.Format("2006-01-02"), in.Facts != nil
	if in.Facts == nil {
		b.Facts = &Facts{}
	}
	b.addresses()
	for _, s := range b.Entities {
		b.page.Tables = append(b.page.Tables, b.rawTable(s))
	}
	for _, m := range b.Models.Models() {
		t, err := b.modelTable(m)
		if err != nil {
			return page{}, err
		}
		b.page.Tables = append(b.page.Tables, t)
	}
	b.neighbours()
	if err := b.singularChecks(); err != nil {
		return page{}, err
	}
	b.metrics()
	b.draw()
	b.list()
	b.figures()
	return b.page, nil
}

// addresses notes the pages and what reads what.
func (b *builder) addresses() {
	for _, s := range b.Entities {
		target := "raw." + s.Table()
		b.entities[s.FullName()] = s
		b.address[target], b.address[s.FullName()] = target, target
	}
	for _, m := range b.Models.Models() {
		b.address[m.Name], b.address[m.FullName()] = m.FullName(), m.FullName()
		for _, read := range reads(m) {
			b.readers[read] = append(b.readers[read], m.Name)
		}
	}
}

// reads returns the names of what a model reads: entities, then models.
func reads(m *model.Model) []string {
	var names []string
	for _, s := range m.Sources {
		names = append(names, s.String())
	}
	return append(names, m.Parents...)
}

func (b *builder) addressOf(name string) string { return b.address[name] }

// neighbours links every table to what it reads and to what reads it.
func (b *builder) neighbours() {
	linkTo := func(name string) link {
		t := b.byName[name]
		return link{Target: t.ID, Name: t.Name, About: t.Kind}
	}
	for _, m := range b.Models.Models() {
		for _, read := range reads(m) {
			if b.byName[read] != nil {
				b.byName[m.Name].Reads = append(b.byName[m.Name].Reads, linkTo(read))
			}
		}
	}
	for name, readers := range b.readers {
		for _, reader := range readers {
			if t := b.byName[name]; t != nil {
				t.ReadBy = append(t.ReadBy, linkTo(reader))
			}
		}
	}
}

// list makes the list of pages.
func (b *builder) list() {
	groups := []group{
		{Name: "Marts", About: kindMart}, {Name: "Intermediate", About: kindIntermediate}, {Name: "Staging", About: kindStaging},
		{Name: "Seeds", About: kindSeed}, {Name: "Raw tables", About: kindRaw},
	}
	for i := range groups {
		for _, t := range b.page.Tables {
			if t.Kind == groups[i].About {
				groups[i].Items = append(groups[i].Items, link{Target: t.ID, Name: t.Name, About: t.Summary, Mood: t.Mood})
			}
		}
		slices.SortFunc(groups[i].Items, func(a, b link) int { return strings.Compare(a.Name, b.Name) })
	}
	for _, t := range b.page.Tables {
		if t.Kind == kindMart {
			b.page.Marts = append(b.page.Marts, t)
		}
	}
	slices.SortFunc(b.page.Marts, func(a, b *table) int { return strings.Compare(a.Name, b.Name) })
	checks := group{Name: "Checks across tables", About: "check"}
	for _, c := range b.page.Checks {
		checks.Items = append(checks.Items, link{Target: c.ID, Name: c.Name, About: c.Summary, Mood: c.Check.Mood})
	}
	b.page.Groups = append(groups, checks)
}

// figures makes the numbers of the first page.
func (b *builder) figures() {
	marts, models, columns, checks, tests := 0, 0, 0, len(b.page.Checks), 0
	passed, red, warned := 0, 0, 0
	count := func(c checkView) {
		switch c.Mood {
		case moodGood:
			passed++
		case moodBad:
			red++
		case moodWarn:
			warned++
		}
	}
	for _, t := range b.page.Tables {
		if t.Kind == kindRaw {
			continue
		}
		models++
		if t.Kind == kindMart {
			marts++
		}
		columns, checks, tests = columns+len(t.Columns), checks+len(t.Checks), tests+len(t.Tests)
		for _, c := range t.Checks {
			count(c)
		}
	}
	for _, c := range b.page.Checks {
		count(c.Check)
	}
	b.page.Figures = []figure{
		{Value: number(marts), Name: "marts"}, {Value: number(models), Name: "models and seeds"}, {Value: number(columns), Name: "documented columns"},
		{Value: number(len(b.page.Metrics)), Name: "metrics", Target: "metrics"}, {Value: number(tests), Name: "unit tests"},
	}
	if !b.page.Facts {
		b.page.Figures = append(b.page.Figures, figure{Value: number(checks), Name: "checks"})
		return
	}
	all := figure{Value: number(passed) + " of " + number(checks), Name: "checks passed"}
	if passed == checks {
		all.Mood = moodGood
	}
	b.page.Figures = append(b.page.Figures, all)
	if other := checks - passed - warned - red; other > 0 {
		b.page.Figures = append(b.page.Figures, figure{Value: number(other), Name: "not run yet"})
	}
	if warned > 0 {
		b.page.Figures = append(b.page.Figures, figure{Value: number(warned), Name: "warnings", Mood: moodWarn})
	}
	if red > 0 {
		b.page.Figures = append(b.page.Figures, figure{Value: number(red), Name: "checks failed", Mood: moodBad})
	}
	if run := b.Facts.Run; run != nil {
		b.page.Run = "last run " + run.State + ", started " + moment(run.At)
	}
}
