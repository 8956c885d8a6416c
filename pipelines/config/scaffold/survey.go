package scaffold

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Found is what a folder holds.
type Found struct {
	datasets []*dataset
	// Recognised names the files that got a mapping, Unrecognised those that hold some other table, with its columns.
	Recognised   []File `json:"recognised"`
	Unrecognised []File `json:"unrecognised"`
	// Unreadable says of files that could not be read why.
	Unreadable []string `json:"unreadable"`
	// Last is the last day on which an order was placed; the zero time if unknown.
	Last time.Time `json:"last,omitzero"`
}

// File is a data file and what it is.
type File struct {
	Path    string   `json:"path"`
	Dataset string   `json:"dataset,omitempty"` // "" when unrecognised
	Columns []string `json:"columns"`
	// Entity is what a row of it is, the first of several; Confidence how sure that
	// is: High, Medium or Low; Why says so in words.
	Entity     string   `json:"entity,omitempty"`
	Confidence string   `json:"confidence,omitempty"`
	Why        []string `json:"why,omitempty"`
	// Lacks says of a file that is not understood what it would take.
	Lacks []string `json:"lacks,omitempty"`
	// Sniffed tells of each column what its values look like and which field it makes.
	Sniffed []Column `json:"sniffed"`
}

// Column is a column of a data file.
type Column struct {
	Name  string `json:"name"`
	Looks string `json:"looks"`           // what its values look like, in words
	Field string `json:"field,omitempty"` // of the contract; "" for none
}

// Propose looks at some files; paths are relative to dir, or absolute. Files that cannot be read are told in Unreadable.
func Propose(dir string, paths []string) *Found {
	found := &Found{}
	var tables []*table
	for _, path := range paths {
		read, problems := readTables(dir, path)
		tables, found.Unreadable = append(tables, read...), append(found.Unreadable, problems...)
	}
	found.conclude(tables)
	return found
}

// Survey looks at the data files of all formats, compressed or not, in a folder and in its folder "data". Files whose
// name begins with a dot or with "example" are passed over, and winback's own. The error is about the folder itself.
func Survey(dir string) (*Found, error) {
	names, err := DataFiles(dir)
	if err != nil {
		return nil, err
	}
	return Propose(dir, names), nil
}

// Files of winback's own, which may lie beside the data.
const (
	SchemaFile = "winback.schema.json" // JSON schema of the configuration, beside it
	HolderFile = "run.holder.json"     // says, in the project's home, which process runs
)

// DataFiles names the files that Survey looks at, as paths from the folder with slashes.
func DataFiles(dir string) ([]string, error) {
	var names []string
	for _, folder := range []string{".", "data"} {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			if folder == "data" || os.IsNotExist(err) {
				continue
			}
			return nil, fmt.Errorf("look for data files: %w", err)
		}
		for _, entry := range entries {
			if isCandidate(entry) {
				names = append(names, filepath.ToSlash(filepath.Join(folder, entry.Name())))
			}
		}
	}
	return names, nil
}

func (f *Found) conclude(tables []*table) {
	f.datasets = datasets(tables)
	f.sort(tables)
	f.Last = lastOrder(f.datasets)
}

func isCandidate(entry fs.DirEntry) bool {
	name := entry.Name()
	own := name == SchemaFile || name == HolderFile
	return !entry.IsDir() && isData(name) && !own && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "example")
}

func (f *Found) sort(tables []*table) {
	datasetOf := map[*table]*dataset{}
	for _, d := range f.datasets {
		for _, t := range d.tables {
			datasetOf[t] = d
		}
	}
	for _, t := range tables {
		file := File{Path: t.label(), Columns: t.columns}
		d := datasetOf[t]
		if d != nil {
			file.Dataset, file.Entity = d.name, d.entity()
			file.Confidence, file.Why = d.guess.confidence()
		}
		for _, column := range t.columns {
			file.Sniffed = append(file.Sniffed, Column{Name: column, Looks: t.looks(column), Field: d.fieldOf(t, column)})
		}
		if d == nil {
			file.Lacks = t.lacks()
			f.Unrecognised = append(f.Unrecognised, file)
		} else {
			f.Recognised = append(f.Recognised, file)
		}
	}
}

// Notes tell a person, a line a file, what the files were taken for.
func (f *Found) Notes() []string {
	var notes []string
	for _, file := range f.Recognised {
		notes = append(notes, fmt.Sprintf("%s: %s (confidence %s: %s)", file.Path, f.summaryOf(file.Dataset), file.Confidence, strings.Join(file.Why, ", ")))
	}
	for _, d := range f.datasets {
		for _, doubt := range d.allDoubts() {
			notes = append(notes, fmt.Sprintf("%s: please check: %s", d.name, doubt))
		}
	}
	for _, file := range f.Unrecognised {
		notes = append(notes, fmt.Sprintf("%s: not understood, no mapping was written for it: %s", file.Path, strings.Join(file.Lacks, "; ")))
	}
	return append(notes, f.Unreadable...)
}

// fieldOf names the field that a column makes, "" if it makes none.
func (d *dataset) fieldOf(t *table, column string) string {
	if d == nil {
		return ""
	}
	for _, fields := range []map[string]string{d.guess.fields, d.guess.line, d.guess.person} {
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if own := d.nameIn(t, fields[field]); own == column || d.guess.clocks[own] == column {
				return field
			}
		}
	}
	return ""
}

// Mapping is what was found as the sources of a winback.yaml.
func (f *Found) Mapping() string { return f.sources("") }

func (f *Found) summaryOf(name string) string {
	for _, d := range f.datasets {
		if d.name == name {
			return d.what()
		}
	}
	return name
}
