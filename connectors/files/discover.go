package files

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"winback/connectors"
)

// candidate is a file that a pattern fits.
type candidate struct {
	path  string
	name  string // path from the configuration's folder, where it lies below it
	size  int64
	mtime int64
	// members are patterns of the members of an archive that are asked for; none: all.
	members []string
}

// discover lists the files of a dataset in the order of their names.
func (s *source) discover(p *plan) ([]candidate, error) {
	found := map[string]candidate{}
	for _, pattern := range p.config.Files {
		files, members := splitMembers(string(pattern))
		matches, err := doublestar.FilepathGlob(files, doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
		if err != nil {
			return nil, s.unlistable(string(pattern), err)
		}
		if len(matches) == 0 && !isPattern(files) {
			return nil, fmt.Errorf("%s: file %s does not exist: %w", p.name, files, connectors.ErrNoInput)
		}
		for _, path := range matches {
			c, err := s.candidate(path)
			if err != nil {
				return nil, err
			}
			if before, met := found[path]; members != "" && (!met || len(before.members) > 0) {
				c.members = append(before.members, members)
			}
			found[path] = c
		}
	}
	if len(found) == 0 {
		return nil, s.nothingFound(p)
	}
	list := make([]candidate, 0, len(found))
	for _, c := range found {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.path, b.path) })
	return list, nil
}

// splitMembers parts a pattern into that of archives and that of their members:
// exports/*.zip/orders-*.csv.
func splitMembers(pattern string) (files, members string) {
	slashed := filepath.ToSlash(pattern)
	at := strings.Index(strings.ToLower(slashed), ".zip/")
	if at < 0 {
		return pattern, ""
	}
	if info, err := os.Stat(pattern[:at+4]); err == nil && info.IsDir() {
		return pattern, "" // a folder of that name
	}
	return pattern[:at+4], slashed[at+5:]
}

func isPattern(path string) bool { return strings.ContainsAny(path, "*?[{") }

func (s *source) candidate(path string) (candidate, error) {
	info, err := os.Stat(path)
	if err != nil {
		return candidate{}, unreadable(path, err)
	}
	c := candidate{path: path, name: path, size: info.Size(), mtime: info.ModTime().UnixNano()}
	if name, err := filepath.Rel(s.env.Dir, path); err == nil && filepath.IsLocal(name) {
		c.name = filepath.ToSlash(name)
	}
	return c, nil
}

// unlistable says in a sentence why a pattern cannot be followed.
func (s *source) unlistable(pattern string, err error) error {
	base, _ := doublestar.SplitPattern(filepath.ToSlash(pattern))
	_, missing := os.Stat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.Is(missing, fs.ErrNotExist):
		return fmt.Errorf("look for %s: folder %s does not exist; correct files in the configuration, or create it: %w", pattern, base, connectors.ErrNoInput)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("look for %s: winback may not list folder %s, give it the right to: %w", pattern, base, err)
	}
	return fmt.Errorf("look for %s: %w; mend or remove what cannot be read", pattern, err)
}

// nothingFound says which patterns fit no file, and where they were looked for.
func (s *source) nothingFound(p *plan) error {
	var texts []string
	for _, pattern := range p.config.Files {
		files, _ := splitMembers(string(pattern))
		base, rest := doublestar.SplitPattern(filepath.ToSlash(files))
		if _, err := os.Stat(base); err != nil {
			return s.unlistable(string(pattern), err)
		}
		texts = append(texts, fmt.Sprintf("%s in folder %s", rest, base))
	}
	return fmt.Errorf("%s: no file fits %s; put the files there, or correct files in the configuration: %w",
		p.name, strings.Join(texts, ", nor "), connectors.ErrNoInput)
}
