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
	id      fileID
	hash    string    // of its bytes, where it was needed already
	after   *fileRead // what was read of it before, where it has only grown
}

// discover lists the files of a dataset in the order of their names. It hands
// files that are not complete by their names to passed.
func (s *source) discover(p *plan, passed func(path string)) ([]candidate, error) {
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
			if s.temporary(string(pattern), path, passed) {
				continue
			}
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
	return candidate{path: path, name: s.nameOf(path), size: info.Size(), mtime: info.ModTime().UnixNano(), id: fileIDOf(info)}, nil
}

// nameOf is what messages and cursors call a file.
func (s *source) nameOf(path string) string {
	if name, err := filepath.Rel(s.env.Dir, path); err == nil && filepath.IsLocal(name) {
		return filepath.ToSlash(name)
	}
	return path
}

// pathOf is the reverse of nameOf.
func (s *source) pathOf(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.env.Dir, filepath.FromSlash(name))
}

// unfinished are ends of names that programs give to files while they write or
// download them.
var unfinished = []string{".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".swp", "~"}

// temporary says that a file is somebody's work in progress by its name, unless
// the pattern asks for such names. Hidden files are nobody's data; of the others
// a person may wonder why they are not read.
func (s *source) temporary(pattern, path string, passed func(string)) bool {
	name, asked := filepath.Base(path), filepath.Base(pattern)
	for _, start := range []string{".", "~$"} {
		if strings.HasPrefix(name, start) {
			return !strings.HasPrefix(asked, start)
		}
	}
	for _, end := range unfinished {
		if strings.HasSuffix(strings.ToLower(name), end) && !strings.HasSuffix(strings.ToLower(asked), end) {
			passed(path)
			return true
		}
	}
	return false
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
		p.name, strings.Join(texts, ", nor "), errNoFiles)
}

// errNoFiles says that the folders are there and have no file that the patterns fit.
var errNoFiles = fmt.Errorf("%w", connectors.ErrNoInput)
