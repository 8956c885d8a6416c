package docs

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/renameio/v2"
)

//go:embed page.html.tmpl
var pageText string

//go:embed style.css
var style string

//go:embed script.js
var script string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"short": shortName}).Parse(indentation.ReplaceAllString(pageText, "")))

// indentation is what makes the template readable, and the pages longer: blanks
// that begin a line, and the ends of lines that write nothing themselves.
var indentation = regexp.MustCompile(`(?m)^\s+`)

// shortName leaves the database off a table's name, in lists where it is said
// already.
func shortName(name string) string {
	if _, short, ok := strings.Cut(name, "."); ok {
		return short
	}
	return name
}

// Render makes the pages, as one HTML document.
func Render(in Input) ([]byte, error) {
	p, err := build(in)
	if err != nil {
		return nil, err
	}
	p.Style, p.Script = template.CSS(style), template.JS(script) //nolint:gosec // the program's own
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("make the pages: %w", err)
	}
	return out.Bytes(), nil
}

// Write makes the pages and puts them into a file, at once and whole. A path that
// does not end in .html is a folder, in which the file is index.html. It returns
// the file's path.
func Write(path string, in Input) (string, error) {
	text, err := Render(in)
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(filepath.Ext(path), ".html") && !strings.EqualFold(filepath.Ext(path), ".htm") {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return "", fmt.Errorf("make the folder of the pages: %w", err)
		}
		path = filepath.Join(path, "index.html")
	}
	err = renameio.WriteFile(path, text, 0o644)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no folder %s to write %s into", filepath.Dir(path), filepath.Base(path))
	case err != nil:
		return "", fmt.Errorf("write the pages: %w", err)
	}
	return path, nil
}
