package model

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// sqlTemplate is the SQL of a model or a check of its own, parsed: which models
// and entities it reads, in the order of first use, and where.
type sqlTemplate struct {
	tmpl        *template.Template
	refs        []string
	sources     []Source
	refLines    map[string]int
	sourceLines map[Source]int
	// hasBranches says that the values decide which refs and sources are read.
	hasBranches bool

	// What an incremental model says beyond that.
	changed      []string       // models and entities whose changes its block touched follows
	changedLines map[string]int // where it names them
	restricted   bool           // its query takes touched keys alone
	hasPart      bool           // its query has conditions for builds in part
	hasOnce      bool           // steps of it are to be computed once
	readsAsOf    bool           // its query depends on the day
	followsAsOf  bool           // its block touched knows which keys the day concerns
}

// touchedBlock is the name of the block that returns the touched keys, causesBlock
// that of the one that returns what moved the figures a model reports.
const (
	touchedBlock = "touched"
	causesBlock  = "causes"
)

// resolver says what the functions of templates become in the SQL. Those of
// incremental models may be nil where there are none.
type resolver struct {
	ref    func(name string) string
	source func(Source) string
	// touched is a condition on a list of columns: their values are a touched key.
	// Without it all are.
	touched func(columns string) string
	// changed are the rows of an entity, or the changes of a model, since the
	// model was built; this is the model's own table.
	changed func(name string) string
	this    func() string
	// once is the word that has a step's rows kept while the query runs, or nothing.
	once string
}

// functions are the template functions; Parse needs their names and types.
func (r resolver) functions() template.FuncMap {
	functions := template.FuncMap{
		"ref":    func(name string) string { return r.ref(name) },
		"source": func(domain, entity string) string { return r.source(Source{domain, entity}) },
		"touched": func(columns string) string {
			if r.touched == nil {
				return "true"
			}
			return r.touched(columns)
		},
		"in_part": func(condition string) string {
			if r.touched == nil {
				return "true"
			}
			return condition
		},
		"changed": func(name string) string { return r.changed(name) },
		"this":    func() string { return r.this() },
		"once":    func() string { return r.once },
	}
	for name, function := range intervals {
		functions[name] = function.call
	}
	return functions
}

// execute renders the SQL with the variables; block is the name of the part of it
// to render, "" for the query itself.
func (t *sqlTemplate) execute(block string, vars templateVars, r resolver) (string, error) {
	tmpl, err := t.tmpl.Clone()
	if err != nil {
		return "", err
	}
	if block == "" {
		block = tmpl.Name()
	}
	var text strings.Builder
	if err := tmpl.Funcs(r.functions()).ExecuteTemplate(&text, block, vars); err != nil {
		return "", err
	}
	return strings.TrimRight(text.String(), " \t\r\n"), nil
}

// hasBlock says whether the template defines the block.
func (t *sqlTemplate) hasBlock(name string) bool {
	block := t.tmpl.Lookup(name)
	return block != nil && block.Tree != nil
}

// reads returns the models and entities that the SQL reads with these variables.
func (t *sqlTemplate) reads(vars Vars) (refs []string, sources []Source, err error) {
	if !t.hasBranches {
		return t.refs, t.sources, nil
	}
	r := resolver{
		ref:    func(name string) string { refs = append(refs, name); return name },
		source: func(s Source) string { sources = append(sources, s); return s.String() },
		this:   func() string { return "" },
	}
	r.changed = func(name string) string {
		if domain, entity, ok := cutSource(name); ok {
			return r.source(Source{domain, entity})
		}
		return r.ref(name)
	}
	for _, block := range []string{"", touchedBlock, causesBlock} {
		if block != "" && !t.hasBlock(block) {
			continue
		}
		if _, err := t.execute(block, vars.forTemplate(), r); err != nil {
			return refs, sources, err
		}
	}
	return refs, sources, err
}

// parseTemplate parses the SQL below a header, whose first line is firstLine of
// the file. Everything the language of models does not have is reported.
func parseTemplate(file, body string, firstLine int, problems *Problems) *sqlTemplate {
	tmpl, err := template.New(file).Funcs(resolver{}.functions()).Parse(body)
	if err != nil {
		line, text := templateProblem(err)
		problems.add(file, firstLine+line-1, "%s", text)
		return nil
	}
	t := &sqlTemplate{tmpl: tmpl, refLines: map[string]int{}, sourceLines: map[Source]int{}, changedLines: map[string]int{}}
	for _, block := range slices.SortedFunc(slices.Values(tmpl.Templates()), func(a, b *template.Template) int { return strings.Compare(a.Name(), b.Name()) }) {
		w := templateWalker{t: t, file: file, body: body, firstLine: firstLine, problems: problems, inTouched: block.Name() == touchedBlock || block.Name() == causesBlock}
		if block.Tree == nil {
			continue
		}
		if block.Name() != file && !w.inTouched {
			w.problem(block.Root.Pos, `a block called %q: models define only the blocks "touched" and "causes"`, block.Name())
			continue
		}
		w.list(block.Root, reflect.TypeFor[templateVars]())
	}
	return t
}

var (
	templateError   = regexp.MustCompile(`^template: .*?:(\d+):(?:\d+:)? (.*)$`)
	unknownFunction = regexp.MustCompile(`^function "(.*)" not defined$`)
)

// templateProblem turns an error of text/template into a line of the body and
// words that say what to write.
func templateProblem(err error) (line int, text string) {
	match := templateError.FindStringSubmatch(err.Error())
	if match == nil {
		return 1, err.Error()
	}
	line, _ = strconv.Atoi(match[1])
	text = match[2]
	if function := unknownFunction.FindStringSubmatch(text); function != nil {
		text = fmt.Sprintf(`%s is no function; the name of a model goes in quotes: {{ ref "%s" }}`, function[1], function[1])
	}
	return line, text
}

// templateWalker checks the nodes of a template.
type templateWalker struct {
	t         *sqlTemplate
	file      string
	body      string
	firstLine int
	problems  *Problems
	inTouched bool // the nodes are those of the block touched, or causes
}

// line returns the line of the file that a position in the body is in.
func (w *templateWalker) line(at parse.Pos) int {
	return w.firstLine + strings.Count(w.body[:min(int(at), len(w.body))], "\n")
}

func (w *templateWalker) problem(at parse.Pos, format string, args ...any) {
	w.problems.add(w.file, w.line(at), format, args...)
}

// list checks nodes; dot is the type that a field is looked up in.
func (w *templateWalker) list(list *parse.ListNode, dot reflect.Type) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			w.action(n, dot)
		case *parse.RangeNode:
			w.rangeOver(n, dot)
		case *parse.IfNode:
			w.either(n, dot)
		default:
			w.problem(node.Position(), "%s: models have no logic beyond ref, source, the project's values, range over a list of them and if .Churn.PersonalClock.Enabled", node)
		}
	}
}

// rangeOver checks {{ range … }}: it goes over one of the project's lists.
func (w *templateWalker) rangeOver(n *parse.RangeNode, dot reflect.Type) {
	list := valueType(strings.TrimPrefix(n.Pipe.String(), "$"))
	if list == nil || list.Kind() != reflect.Slice {
		w.problem(n.Position(), "range goes over a list of the project's values, such as .Churn.Segments, not %s", n.Pipe)
		return
	}
	w.list(n.List, list.Elem())
	w.list(n.ElseList, dot)
}

// valueType returns the type of one of the project's values, such as ".Churn.Segments"; nil
// when there is none of that name.
func valueType(path string) reflect.Type {
	names := strings.Split(path, ".")
	if names[0] != "" {
		return nil
	}
	at := reflect.TypeFor[templateVars]()
	for _, name := range names[1:] {
		if at.Kind() != reflect.Struct {
			return nil
		}
		field, known := at.FieldByName(name)
		if !known {
			return nil
		}
		at = field.Type
	}
	return at
}

// either checks {{ if … }}: the one switch that a project has. The refs of both
// branches are edges, as the order of building must not depend on it; what a model
// is built from depends on the branch taken.
func (w *templateWalker) either(n *parse.IfNode, dot reflect.Type) {
	if n.Pipe.String() != ".Churn.PersonalClock.Enabled" && n.Pipe.String() != "$.Churn.PersonalClock.Enabled" {
		w.problem(n.Position(), "if asks for .Churn.PersonalClock.Enabled only, not %s", n.Pipe)
		return
	}
	w.t.hasBranches = true
	w.list(n.List, dot)
	w.list(n.ElseList, dot)
}

// action checks one {{ … }}.
func (w *templateWalker) action(n *parse.ActionNode, dot reflect.Type) {
	if len(n.Pipe.Cmds) != 1 || len(n.Pipe.Decl) > 0 {
		w.problem(n.Position(), "%s: models have no pipes or variables", n)
		return
	}
	args := n.Pipe.Cmds[0].Args
	switch first := args[0].(type) {
	case *parse.IdentifierNode:
		w.call(first, args[1:])
	case *parse.FieldNode:
		w.field(first.Position(), first.Ident, dot)
	case *parse.VariableNode:
		w.field(first.Position(), first.Ident[1:], reflect.TypeFor[templateVars]())
	default:
		w.problem(n.Position(), "%s: want a ref, a source or one of the project's values", n)
	}
}

// call checks a call such as {{ ref "…" }} or {{ source "…" "…" }} and notes the
// edge.
func (w *templateWalker) call(function *parse.IdentifierNode, args []parse.Node) {
	switch function.Ident {
	case "ref", "source":
	case "touched", "in_part", "changed", "this":
		w.incrementalCall(function, args)
		return
	case "once":
		w.t.hasOnce = true
		if len(args) > 0 {
			w.problem(function.Pos, "once takes nothing: owners as {{ once }} (select …)")
		}
		return
	default:
		if _, ok := intervals[function.Ident]; ok {
			w.intervalCall(function, args)
			return
		}
		w.problem(function.Pos, "%s is not for models; they have ref and source", function.Ident)
		return
	}
	var texts []string
	for _, arg := range args {
		text, ok := arg.(*parse.StringNode)
		if !ok {
			w.problem(arg.Position(), `%s takes names in quotes, not %s`, function.Ident, arg)
			return
		}
		texts = append(texts, text.Text)
	}
	switch {
	case function.Ident == "ref" && len(texts) == 1:
		w.noteRef(texts[0], w.line(function.Pos))
	case function.Ident == "source" && len(texts) == 2:
		w.noteSource(Source{texts[0], texts[1]}, w.line(function.Pos))
	case function.Ident == "ref":
		w.problem(function.Pos, `ref takes one name: {{ ref "int_orders" }}`)
	default:
		w.problem(function.Pos, `source takes a domain and an entity: {{ source "shop" "orders" }}`)
	}
}

func (w *templateWalker) noteRef(name string, line int) {
	if _, known := w.t.refLines[name]; !known {
		w.t.refLines[name] = line
		w.t.refs = append(w.t.refs, name)
	}
}

func (w *templateWalker) noteSource(source Source, line int) {
	if _, known := w.t.sourceLines[source]; !known {
		w.t.sourceLines[source] = line
		w.t.sources = append(w.t.sources, source)
	}
}

// incrementalCall checks a call of one of the functions of incremental models.
// What the block touched follows is an edge like any other.
func (w *templateWalker) incrementalCall(function *parse.IdentifierNode, args []parse.Node) {
	name := ""
	if len(args) == 1 {
		if text, ok := args[0].(*parse.StringNode); ok {
			name = text.Text
		}
	}
	switch {
	case function.Ident == "touched" && name == "":
		w.problem(function.Pos, `touched takes the columns of the key: {{ touched "source, order_id" }}`)
	case function.Ident == "in_part" && name == "":
		w.problem(function.Pos, `in_part takes a condition: {{ in_part "customer_key in (select customer_key from orders)" }}`)
	case (function.Ident == "touched" || function.Ident == "in_part") && w.inTouched:
		w.problem(function.Pos, "%s is for the query; the block touched says what it stands for", function.Ident)
	case function.Ident == "in_part":
		w.t.hasPart = true
	case function.Ident == "touched":
		w.t.restricted = true
	case !w.inTouched:
		w.problem(function.Pos, `%s is for the block touched: {{ define "touched" }} … {{ end }}`, function.Ident)
	case function.Ident == "this" && len(args) > 0:
		w.problem(function.Pos, "this takes nothing")
	case function.Ident == "this":
	case name == "":
		w.problem(function.Pos, `changed takes a model or an entity: {{ changed "int_orders" }}, {{ changed "shop.orders" }}`)
	default:
		w.noteChanged(name, w.line(function.Pos))
	}
}

func (w *templateWalker) noteChanged(name string, line int) {
	if domain, entity, ok := cutSource(name); ok {
		w.noteSource(Source{domain, entity}, line)
	} else {
		w.noteRef(name, line)
	}
	if _, known := w.t.changedLines[name]; !known {
		w.t.changedLines[name] = line
		w.t.changed = append(w.t.changed, name)
	}
}

// noteDay notes that the query depends on the day the warehouse describes, or
// that the block touched follows it.
func (w *templateWalker) noteDay(at parse.Pos, name string) {
	switch {
	case name == "AsOf" && !w.inTouched:
		w.t.readsAsOf = true
	case name != "SeenUntil" && name != "SeenLast":
	case w.inTouched:
		w.t.followsAsOf = true
	default:
		w.problem(at, ".%s is for the block touched", name)
	}
}

// field checks that .A.B is one of the project's values and prints as one.
func (w *templateWalker) field(at parse.Pos, path []string, dot reflect.Type) {
	if len(path) > 0 {
		w.noteDay(at, path[0])
	}
	for _, name := range path {
		var known []string
		if dot.Kind() == reflect.Struct {
			for i := range dot.NumField() {
				known = append(known, dot.Field(i).Name)
			}
		}
		if !slices.Contains(known, name) {
			w.problem(at, "no value .%s%s", strings.Join(path, "."), didYouMean(name, known))
			return
		}
		field, _ := dot.FieldByName(name)
		dot = field.Type
	}
	if dot.Kind() == reflect.Struct || dot.Kind() == reflect.Slice {
		w.problem(at, ".%s is not a single value", strings.Join(path, "."))
	}
}
