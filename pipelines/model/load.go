package model

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"winback/pipelines/check"
)

// SourceColumns tells the columns of entities, so that a misspelt entity is a
// load error and unit tests can type the rows given for it.
type SourceColumns interface {
	// SourceColumns returns the columns of the entity's raw table, with those of
	// its key marked. An unknown entity is an error that names a near one.
	SourceColumns(domain, entity string) ([]Column, error)
}

// LoadOption adds to what Load verifies.
type LoadOption func(*loader)

// WithSources makes Load check that every source exists.
func WithSources(sources SourceColumns) LoadOption {
	return func(l *loader) { l.sources = sources }
}

// WithOverlay lays the files of another folder, of the same layout, over those of
// the sql folder: a file of the same path takes its place, others join in. shown
// is how the folder is called to people.
func WithOverlay(fsys fs.FS, shown string) LoadOption {
	return func(l *loader) { l.roots = append(l.roots, root{fsys: fsys, shown: shown}) }
}

// WithVerified says that the files of the sql folder itself are known to be right,
// as those that a program brings along and tests, and that their examples are not
// asked for: they are read without their unit tests, and without the search for
// mistakes that the reading itself does not find. What is laid over them is not
// trusted.
func WithVerified() LoadOption {
	return func(l *loader) { l.roots[0].verified = true }
}

// root is a folder that models are read from.
type root struct {
	fsys     fs.FS
	shown    string
	verified bool // it holds no mistakes, and its unit tests are not read
}

// folders are the parts of the sql folder and the databases their models go to.
var folders = map[string]string{
	"seeds":        StagingDatabase,
	"staging":      StagingDatabase,
	"intermediate": StagingDatabase,
	"marts":        MartDatabase,
	"checks":       "",
}

// Load reads the models, seeds and checks under fsys, which is rooted in the sql
// folder. All mistakes are reported together, as Problems with file and line;
// the project is nil then.
func Load(fsys fs.FS, options ...LoadOption) (*Project, error) {
	l := &loader{roots: []root{{fsys: fsys, shown: shownRoot}}, project: &Project{byName: map[string]*Model{}}, files: map[string]root{}, verified: map[string]bool{}}
	for _, option := range options {
		option(l)
	}
	for _, r := range l.roots {
		if err := l.findFiles(r); err != nil {
			return nil, fmt.Errorf("look for models in %s: %w", r.shown, err)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(l.files)) {
		l.readFile(file)
	}
	l.link()
	if err := l.problems.sorted(); err != nil {
		return nil, err
	}
	return l.project, nil
}

// loader reads a project.
type loader struct {
	roots        []root // later ones go before earlier ones
	sources      SourceColumns
	computations map[string]Computation
	project      *Project
	files        map[string]root // where each comes from
	verified     map[string]bool // those known to be right, as shown to people
	problems     Problems
}

// findFiles lists the files of the known folders.
func (l *loader) findFiles(r root) error {
	return fs.WalkDir(r.fsys, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		top, _, nested := strings.Cut(file, "/")
		_, known := folders[top]
		if entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return nil
		}
		if !nested || !known {
			if r.shown != shownRoot && path.Ext(file) == ".sql" {
				l.problems.add(path.Join(r.shown, file), 0, "is in none of the folders of models: %s", strings.Join(slices.Sorted(maps.Keys(folders)), ", "))
			}
			return nil
		}
		l.files[file] = r
		l.verified[path.Join(r.shown, file)] = r.verified
		return nil
	})
}

func (l *loader) readFile(file string) {
	folder, _, _ := strings.Cut(file, "/")
	switch extension := path.Ext(file); {
	case folder == "checks" && extension == ".sql":
		l.readSingularCheck(file)
	case folder == "seeds" && extension == ".csv":
		l.readSeed(file)
	case folder != "seeds" && folder != "checks" && extension == ".sql":
		l.readModel(file)
	case folder == "checks" && extension == ".yml":
		l.problems.add(l.shown(file), 0, "a check has no .yml; severity and tags go into the header of its .sql")
	case extension == ".yml":
		l.requireMain(file, folder)
	case extension == ".yaml":
		l.problems.add(l.shown(file), 0, "the ending has to be .yml")
	case extension == ".sql" || extension == ".csv":
		l.problems.add(l.shown(file), 0, "%s hold no %s files", folder, extension)
	}
}

// requireMain reports a .yml without the file it describes.
func (l *loader) requireMain(file, folder string) {
	extension := ".sql"
	if folder == "seeds" {
		extension = ".csv"
	}
	if _, there := l.files[withExtension(file, extension)]; !there {
		l.problems.add(l.shown(file), 0, "no %s beside it", path.Base(withExtension(file, extension)))
	}
}

func withExtension(file, extension string) string {
	return strings.TrimSuffix(file, path.Ext(file)) + extension
}

// shown is the path of a file for people. One that is missing would be in the sql
// folder.
func (l *loader) shown(file string) string {
	if r, there := l.files[file]; there {
		return path.Join(r.shown, file)
	}
	return path.Join(shownRoot, file)
}

func (l *loader) content(file string) string {
	content, err := fs.ReadFile(l.files[file].fsys, file)
	if err != nil {
		l.problems.add(l.shown(file), 0, "%v", err)
	}
	return string(content)
}

// newModel makes the model of a file and adds it under its name.
func (l *loader) newModel(file string) *Model {
	folder, _, _ := strings.Cut(file, "/")
	m := &Model{
		Name:           strings.TrimSuffix(path.Base(file), path.Ext(file)),
		Database:       folders[folder],
		Path:           l.shown(file),
		PropertiesPath: l.shown(withExtension(file, ".yml")),
		folder:         path.Dir(file),
	}
	if !modelName.MatchString(m.Name) {
		l.problems.add(m.Path, 0, "%q is no name for a model; use lower-case letters, digits and _", m.Name)
	}
	if other, taken := l.project.byName[m.Name]; taken {
		l.problems.add(m.Path, 0, "there is a model %q already, in %s", m.Name, other.Path)
		return m
	}
	l.project.byName[m.Name] = m
	l.project.models = append(l.project.models, m)
	return m
}

func (l *loader) readModel(file string) {
	m := l.newModel(file)
	h := parseHeader(m.Path, l.content(file), modelKeys, &l.problems)
	h.applyTo(m, &l.problems)
	if m.sql = parseTemplate(m.Path, m.body, m.bodyLine, &l.problems); m.sql != nil {
		m.Parents, m.Sources = m.sql.refs, m.sql.sources
	}
	l.readProperties(m, file)
}

func (l *loader) readProperties(m *Model, file string) {
	properties := withExtension(file, ".yml")
	if _, there := l.files[properties]; !there {
		l.problems.add(m.Path, 0, "no %s beside it; describe the model, its columns and checks there", path.Base(properties))
		return
	}
	content := []byte(l.content(properties))
	if l.files[properties].verified {
		content = withoutExamples(content)
	}
	readProperties(m, content, &l.problems)
}

// withoutExamples blanks the unit tests of a .yml, which are most of many; lines
// stay where they are.
func withoutExamples(content []byte) []byte {
	const key = "\nunit_tests:"
	start := bytes.Index(content, []byte(key))
	if start < 0 {
		return content
	}
	end := len(content)
	if next := nextKey.FindIndex(content[start+len(key):]); next != nil {
		end = start + len(key) + next[0]
	}
	blank := bytes.Repeat([]byte("\n"), bytes.Count(content[start:end], []byte("\n")))
	return slices.Concat(content[:start], blank, content[end:])
}

// nextKey is the beginning of another part of a .yml.
var nextKey = regexp.MustCompile(`\n[a-z]`)

func (l *loader) readSeed(file string) {
	m := l.newModel(file)
	m.Materialized, m.Grain, m.OrderBy = Seed, "one row per line of "+path.Base(file), "tuple()"
	columns, rows, err := readCSV(l.content(file), 1)
	if err != nil {
		line, text := rowPlace(err, 0)
		l.problems.add(m.Path, line, "%s", text)
		return
	}
	m.seedRows = rows
	l.readProperties(m, file)
	for _, name := range columns {
		if _, ok := m.Column(name); !ok && len(m.Columns) > 0 {
			l.problems.add(m.Path, 1, "column %q is not in %s%s", name, path.Base(m.PropertiesPath), didYouMean(name, m.columnNames()))
		}
	}
	for _, column := range m.Columns {
		if !slices.Contains(columns, column.Name) {
			l.problems.add(m.PropertiesPath, column.line, "column %q is not in %s", column.Name, path.Base(m.Path))
		}
	}
	for _, r := range rows {
		if _, err := r.json(m.Columns); err != nil && len(l.problems) == 0 {
			l.problems.add(m.Path, r.line, "%v", err)
		}
	}
}

func (l *loader) readSingularCheck(file string) {
	c := &SingularCheck{Name: strings.TrimSuffix(path.Base(file), ".sql"), Path: l.shown(file), Severity: check.Error}
	h := parseHeader(c.Path, l.content(file), checkKeys, &l.problems)
	c.Summary, c.Tags, c.body, c.bodyLine = h.summary, h.list("tags"), h.body, h.bodyLine
	if severity, ok := h.keys["severity"]; ok {
		c.Severity = check.Severity(severity.text)
		if c.Severity != check.Error && c.Severity != check.Warn {
			l.problems.add(c.Path, severity.line, `severity has to be "error" or "warn", not %q`, severity.text)
		}
	}
	if h.name != "" && h.name != c.Name {
		l.problems.add(c.Path, 1, "the header calls the check %q, the file %q", h.name, c.Name)
	}
	if c.sql = parseTemplate(c.Path, c.body, c.bodyLine, &l.problems); c.sql != nil {
		c.Parents, c.Sources = c.sql.refs, c.sql.sources
	}
	l.project.checks = append(l.project.checks, c)
}
