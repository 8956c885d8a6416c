package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/pipelines/config/scaffold"
)

// InitOptions say how a new project begins. Empty ones are found out: the project is called as its folder, the time
// zone is the machine's, the currency that of the data.
type InitOptions struct {
	Project  string
	Timezone string
	Currency string
	// Sources are the connectors to begin with, besides the files that are found.
	Sources []*connectors.Connector
	// Registry has all connectors, for the schema of the configuration; without it,
	// none is written.
	Registry *connectors.Registry
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

// InitResult tells what Init did.
type InitResult struct {
	// Wrote are the files written, Kept those that were there already and were left alone, as paths.
	Wrote []string `json:"wrote"`
	Kept  []string `json:"kept"`
	// Found is what the data files in the folder were taken for; its Notes are for people.
	Found *scaffold.Found `json:"found"`
	// Sources are those that were asked for.
	Sources []SourceBlock `json:"sources"`
}

// ExistsError says that there is a configuration already. Nothing was changed.
type ExistsError struct{ Path string }

// Error names the file.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("%s is there already; nothing was changed", e.Path)
}

// Hint names the ways out.
func (e *ExistsError) Hint() string {
	return "winback run, or winback init in another folder, or move the file away first"
}

// Init makes dir a project: winback.yaml with a mapping for the data files in dir and dir/data, .env.example, and
// .gitignore; where there are no data yet, data/example-orders.csv shows what they may look like. No file is ever
// overwritten. Errors: *ExistsError, *Error for options that no configuration would accept, else errors of the disk.
func Init(dir string, o InitOptions) (*InitResult, error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Lstat(path); err == nil {
		return nil, &ExistsError{Path: path}
	}
	project, err := o.project(dir)
	if err != nil {
		return nil, &Error{err}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the project's folder: %w", err)
	}
	found, err := scaffold.Survey(dir)
	if err != nil {
		return nil, err
	}
	result := &InitResult{Found: found, Sources: o.blocks(found)}
	for _, b := range result.Sources {
		project.Sources += b.YAML
	}
	files := []newFile{
		{".env.example", scaffold.EnvExample + envLines(result.Sources)},
		{".gitignore", "/.env\n/landing/\n/warehouse/\n/state/\n"},
	}
	if o.Registry != nil {
		schema, err := JSONSchema(o.Registry)
		if err != nil {
			return nil, err
		}
		project.Schema = SchemaFile
		files = append(files, newFile{SchemaFile, string(schema)})
	}
	if len(found.Recognised) == 0 && len(result.Sources) == 0 {
		files = append(files, newFile{filepath.Join("data", "example-orders.csv"), scaffold.ExampleOrders})
	}
	files = append(files, newFile{FileName, found.Configuration(project)}) // last: its presence says that all is done
	for _, file := range files {
		if err := result.write(dir, file); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// blocks are the sources that were asked for; files need none where some were found.
func (o InitOptions) blocks(found *scaffold.Found) []SourceBlock {
	list := slices.DeleteFunc(slices.Clone(o.Sources), func(c *connectors.Connector) bool {
		return c.Name == "files" && len(found.Recognised) > 0
	})
	return SourceBlocks(list, found.SourceName())
}

type newFile struct{ name, content string }

func (r *InitResult) write(dir string, file newFile) error {
	path := filepath.Join(dir, file.name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		r.Kept = append(r.Kept, path)
		return nil
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = out.WriteString(file.content)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(path)))
	}
	r.Wrote = append(r.Wrote, path)
	return nil
}

func (o InitOptions) project(dir string) (scaffold.Project, error) {
	p := scaffold.Project{Name: o.Project, Timezone: o.Timezone, Currency: strings.ToUpper(o.Currency), Today: time.Now()}
	if o.Now != nil {
		p.Today = o.Now()
	}
	if p.Name == "" {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return p, fmt.Errorf("find the project's folder: %w", err)
		}
		p.Name = filepath.Base(absolute)
	}
	if p.Timezone == "" {
		p.Timezone = systemZone()
	}
	_, zoneErr := loadZone(p.Timezone)
	var currencyErr error
	if p.Currency != "" {
		currencyErr = checkCurrency(p.Currency)
	}
	return p, errors.Join(zoneErr, currencyErr)
}

// systemZone is the machine's time zone by its IANA name, UTC when it has no such name.
func systemZone() string {
	candidates := []string{os.Getenv("TZ")}
	if content, err := os.ReadFile("/etc/timezone"); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(content)))
	}
	if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		_, name, _ := strings.Cut(target, "zoneinfo/")
		candidates = append(candidates, name)
	}
	for _, name := range candidates {
		if _, err := loadZone(name); err == nil && !strings.HasPrefix(name, "/") {
			return name
		}
	}
	return "UTC"
}
