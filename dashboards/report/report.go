// Package report draws dashboards as one page: HTML that needs no network, no
// script and no Grafana. The queries are the dashboards' own, asked as Grafana's
// plugin asks them.
package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"winback/connectors/spec"
	"winback/dashboards/ask"
	"winback/dashboards/board"
	"winback/dashboards/draw"
)

// Options say what a report is made of.
type Options struct {
	Querier    ask.Querier
	Dashboards []*board.Dashboard
	// Project is the name on the first line.
	Project string
	// AsOf is the day that the numbers describe, Now the moment of the report.
	AsOf, Now time.Time
	Zone      *time.Location
	// Reads tells whether a dataset is still read; nil says so of all of them.
	Reads func(source, dataset string) bool
	// Values are the variables that the reader chose: name and values.
	Values map[string][]string
}

// Report is a page ready to be written.
type Report struct {
	Project  string
	AsOf     time.Time
	Made     time.Time
	Warnings []string
	Boards   []*Board
}

// Board is a dashboard of the page.
type Board struct {
	ID, Title, Description string
	// Filters say where the variables stand, Period what time the charts look at.
	Filters []Filter
	Period  string
	// Marks are the events that the charts have numbers for.
	Marks  []ask.Mark
	Panels []*Panel
	// Nothing says why there is nothing to draw: nobody here has a value that other
	// dashboards of the report are filtered by.
	Nothing string
	// Error says why the whole dashboard could not be asked.
	Error string

	lacks *ask.NotOfferedError
}

// Filter is a variable and its value, in words.
type Filter struct{ Name, Value string }

// Panel is a drawn panel.
type Panel struct {
	ID, Kind, Title string
	Description     template.HTML
	X, Y, W, H      int
	Body, Behind    template.HTML
	Links           []board.Link
	Facts           []draw.Fact
	Bare, Empty     bool
	// Whole names the variables that stand at a part and that the panel ignores: it
	// shows the whole.
	Whole []string
	Error string
}

// parallel is how many queries run at once: the warehouse has other readers.
const parallel = 4

// OperationsTag marks dashboards whose times are those of the machine, not of the
// business: they look back from now, not from the day that the numbers describe.
const OperationsTag = "operations"

// Build asks and draws everything. What fails is shown in its place; the error is
// only for a report that cannot be made at all, such as one for a variable that
// no dashboard has.
func Build(ctx context.Context, o Options) (*Report, error) {
	if err := o.checkValues(); err != nil {
		return nil, err
	}
	r := &Report{Project: o.Project, AsOf: o.AsOf, Made: o.Now.In(o.Zone), Boards: make([]*Board, len(o.Dashboards))}
	r.Warnings = warnings(ctx, o)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	labels := map[string]string{} // of the variables that were set, by dashboards that offer the value
	for i, d := range o.Dashboards {
		b, state, marks := o.open(ctx, d)
		r.Boards[i] = b
		if b.Error != "" {
			continue
		}
		o.label(labels, state)
		for _, p := range d.All() {
			drawn := &Panel{}
			b.Panels = append(b.Panels, drawn)
			group.Go(func() error {
				*drawn = o.panel(ctx, d, p, state, marks)
				return ctx.Err()
			})
		}
	}
	err := group.Wait()
	for _, b := range r.Boards {
		b.closeUp()
		b.excuse(labels)
	}
	return r, err
}

// label notes the words for the values that the reader chose, as a dashboard has them.
func (o Options) label(labels map[string]string, state ask.State) {
	for name := range o.Values {
		if value, has := state.Values[name]; has {
			labels[name] = value.Label()
		}
	}
}

// excuse has a dashboard say that it has nothing to show, in the place of an error,
// where another one of the report offers the value that it lacks: that is no mistake of
// the reader.
func (b *Board) excuse(labels map[string]string) {
	if b.lacks == nil {
		return
	}
	if label, known := labels[b.lacks.Variable.Name]; known {
		b.Error, b.Nothing = "", fmt.Sprintf("There is nothing here of %s %s.", strings.ToLower(b.lacks.Variable.Title()), label)
	}
}

// emptyHeight is how high a band of panels is that have nothing to show.
const emptyHeight = 4

// closeUp takes the height from bands of panels that are all empty, so that a
// company without calls does not leaf through white paper.
func (b *Board) closeUp() {
	saved := 0
	for at := 0; at < len(b.Panels); {
		end, bottom, empty := at, b.Panels[at].Y, true
		for end < len(b.Panels) && (end == at || b.Panels[end].Y < bottom) {
			bottom = max(bottom, b.Panels[end].Y+b.Panels[end].H)
			empty = empty && b.Panels[end].Empty
			end++
		}
		top, low := b.Panels[at].Y-saved, 0
		for i, p := range b.Panels[at:end] {
			p.Y -= saved
			if empty {
				p.H, p.Y = min(p.H, emptyHeight), under(p, b.Panels[at:at+i], top)
			}
			low = max(low, p.Y+p.H)
		}
		saved = bottom - low
		at = end
	}
}

// under is where a panel comes to stand below those of a band that begin before it.
func under(p *Panel, before []*Panel, top int) int {
	y := top
	for _, other := range before {
		if other.X < p.X+p.W && p.X < other.X+other.W {
			y = max(y, other.Y+other.H)
		}
	}
	return y
}

// Failed counts what could not be drawn.
func (r *Report) Failed() int {
	n := 0
	for _, b := range r.Boards {
		if b.Error != "" {
			n++
		}
		for _, p := range b.Panels {
			if p.Error != "" {
				n++
			}
		}
	}
	return n
}

// ValueError says that a filter names a variable that no dashboard of the report
// has, or a value that it does not offer.
type ValueError struct{ Problem string }

func (e *ValueError) Error() string { return e.Problem }

func (o Options) checkValues() error {
	var names []string
	for _, d := range o.Dashboards {
		for _, v := range d.Templating.List {
			if v.Type != "datasource" {
				names = append(names, v.Name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range slices.Sorted(maps.Keys(o.Values)) {
		if !slices.Contains(names, name) {
			return &ValueError{fmt.Sprintf("no dashboard has the variable %q%s; there are: %s", name, spec.Hint(name, names), strings.Join(names, ", "))}
		}
	}
	return nil
}

// asker asks for a dashboard. Its "now" is the end of the day that the numbers
// describe, so that the report of a past day looks at the time before it.
func (o Options) asker(d *board.Dashboard) *ask.Asker {
	zone, err := ask.ZoneOf(d, o.Zone)
	if err != nil {
		zone = o.Zone // whoever opens the dashboard is told
	}
	year, month, day := o.AsOf.Date()
	now := time.Date(year, month, day+1, 0, 0, 0, 0, zone).Add(-time.Second)
	if slices.Contains(d.Tags, OperationsTag) {
		now = o.Now
	}
	return &ask.Asker{Querier: o.Querier, Now: now, Zone: o.Zone}
}

// open finds a dashboard's variables and annotations.
func (o Options) open(ctx context.Context, d *board.Dashboard) (*Board, ask.State, []ask.Mark) {
	b := &Board{ID: d.UID, Title: d.Title, Description: d.Description}
	asker := o.asker(d)
	state, err := asker.Open(ctx, d, o.Values)
	if err != nil {
		b.Error = inWords(err)
		errors.As(err, &b.lacks)
		return b, state, nil
	}
	for _, v := range d.Templating.List {
		if value := state.Values[v.Name]; v.Hide < 2 && v.Type != "datasource" && value.Label() != "" {
			b.Filters = append(b.Filters, Filter{v.Title(), value.Label()})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Values)) {
		if _, known := state.Values[name]; !known {
			b.Filters = append(b.Filters, Filter{name, "this page cannot be filtered by it"})
		}
	}
	b.Period = state.Range.From.Format("2 Jan 2006") + " – " + state.Range.To.Format("2 Jan 2006")
	marks, err := asker.Marks(ctx, d, state)
	if err != nil { // the charts are whole without them
		b.Filters = append(b.Filters, Filter{"Events", "not shown: " + inWords(err)})
	}
	for _, m := range marks {
		if !m.At.Before(state.Range.From) && !m.At.After(state.Range.To) {
			b.Marks = append(b.Marks, m)
		}
	}
	return b, state, marks
}

// panel asks for and draws one panel.
func (o Options) panel(ctx context.Context, d *board.Dashboard, p *board.Panel, state ask.State, marks []ask.Mark) Panel {
	out := Panel{
		ID: fmt.Sprintf("%s-%d", d.UID, p.ID), Kind: cmp.Or(p.Options.Drawing, p.Type), Title: state.Say(p.Title), Description: words(state.Say(p.Description)),
		X: p.Grid.X + 1, Y: p.Grid.Y + 1, W: p.Grid.W, H: p.Grid.H, Bare: p.Transparent || p.Type == "row",
	}
	for _, l := range p.Links {
		if target := o.link(state.Say(l.URL)); target != "" {
			out.Links = append(out.Links, board.Link{Title: l.Title, URL: target})
		}
	}
	if p.Type == "row" {
		return out
	}
	if p.Type == "text" {
		out.Description = ""
	}
	for _, v := range d.Ignores(p) {
		if !state.Values[v.Name].IsAll() {
			out.Whole = append(out.Whole, strings.ToLower(v.Title()))
		}
	}
	frames, err := o.asker(d).Panel(ctx, state, p)
	if err != nil {
		out.Error = inWords(err)
		return out
	}
	said := *p
	said.Title = out.Title
	in := draw.Input{Panel: &said, Frames: frames, State: state, Marks: marks, Link: o.link}
	drawing, err := safely(in)
	if err != nil {
		out.Error = inWords(err)
		return out
	}
	out.Body, out.Behind, out.Empty, out.Facts = drawing.Body, drawing.Behind, drawing.Empty, draw.Facts(in)
	return out
}

// safely draws; rows that nobody thought of cost one panel, not the report.
func safely(in draw.Input) (d draw.Drawing, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the panel could not be drawn: %v", cause)
		}
	}()
	return draw.Draw(in)
}

// link turns links between dashboards into links within the page. Those to
// dashboards that are not in it are left out, and so is everything that is no
// web address.
func (o Options) link(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	if u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "mailto" || u.Scheme == "tel" {
		return target
	}
	uid, found := strings.CutPrefix(u.Path, "/d/")
	uid, _, _ = strings.Cut(uid, "/")
	if found && slices.ContainsFunc(o.Dashboards, func(d *board.Dashboard) bool { return d.UID == uid }) {
		return "#" + uid
	}
	return ""
}

// missingTable is what the engine says of a model that was never built, as after
// an update of the program.
var missingTable = regexp.MustCompile(`Unknown table expression identifier '((?:mart|ops)\.\w+)'`)

// missingDatabase is what it says before the first run.
var missingDatabase = regexp.MustCompile(`Database (mart|ops) does not exist`)

// inWords is an error for the reader of a page: its first line, without the
// server's version.
func inWords(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	if _, said, found := strings.Cut(text, "message: "); found && strings.HasPrefix(text, "sendQuery") {
		text = said
	}
	if missing := missingTable.FindStringSubmatch(text); missing != nil {
		return missing[1] + " is not built yet; winback run builds it"
	}
	if missing := missingDatabase.FindStringSubmatch(text); missing != nil {
		return "nothing is in " + missing[1] + " yet; winback run builds it"
	}
	if cut := strings.Index(text, " (version "); cut > 0 {
		text = text[:cut]
	}
	if len(text) > 400 {
		text = text[:400] + " …"
	}
	return text
}
