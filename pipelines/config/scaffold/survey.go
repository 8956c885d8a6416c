package scaffold

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
}

// Survey looks at the CSV, TSV and NDJSON files, compressed or not, in a folder and in its folder "data". Files whose
// name begins with a dot or with "example" are passed over. The error is about the folder itself.
func Survey(dir string) (*Found, error) {
	found := &Found{}
	var tables []*table
	for _, folder := range []string{".", "data"} {
		entries, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil {
			if folder == "data" || os.IsNotExist(err) {
				continue
			}
			return nil, fmt.Errorf("look for data files: %w", err)
		}
		for _, entry := range entries {
			if !isCandidate(entry) {
				continue
			}
			t, err := readTable(dir, filepath.Join(folder, entry.Name()))
			if err != nil {
				found.Unreadable = append(found.Unreadable, err.Error())
				continue
			}
			tables = append(tables, t)
		}
	}
	found.datasets = datasets(tables)
	found.sort(tables)
	found.Last = lastOrder(found.datasets)
	return found, nil
}

func isCandidate(entry fs.DirEntry) bool {
	name := entry.Name()
	return !entry.IsDir() && isData(name) && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "example")
}

func (f *Found) sort(tables []*table) {
	datasetOf := map[*table]string{}
	for _, d := range f.datasets {
		for _, t := range d.tables {
			datasetOf[t] = d.name
		}
	}
	for _, t := range tables {
		file := File{Path: t.path, Dataset: datasetOf[t], Columns: t.columns}
		if file.Dataset == "" {
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
		notes = append(notes, fmt.Sprintf("%s: %s", file.Path, f.summaryOf(file.Dataset)))
	}
	for _, file := range f.Unrecognised {
		notes = append(notes, fmt.Sprintf("%s: not understood, no mapping was written for it", file.Path))
	}
	return append(notes, f.Unreadable...)
}

func (f *Found) summaryOf(name string) string {
	for _, d := range f.datasets {
		if d.name == name {
			return d.what()
		}
	}
	return name
}
