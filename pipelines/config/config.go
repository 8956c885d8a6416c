// Package config reads winback.yaml, the one file that says what a project is: its sources, its calendar and money,
// what it calls a lost customer, and where its warehouse is.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // time zones on machines without them

	"winback/connectors"
	"winback/connectors/spec"
)

// FileName is the usual name of the configuration.
const FileName = "winback.yaml"

// Config is a configuration that was read and found free of mistakes.
type Config struct {
	Settings
	// Path is the file, as it was named; Dir its folder, from which relative paths in it count.
	Path string
	Dir  string
	// Location is the project's time zone.
	Location *time.Location
	// Sources are in the order of the file.
	Sources []Source

	asOfNode spec.Node
	today    spec.Date
}

// Source is one configured source.
type Source struct {
	Name      string
	Connector *connectors.Connector
	// Config is what Connector.NewConfig gave, filled.
	Config any
	// QuarantineLimit is the share of records that may be put aside before an entity fails: the source's own limit, or
	// the project's.
	QuarantineLimit spec.Percent
	// QuarantineFrom is how many records put aside the limit counts from.
	QuarantineFrom int
	// Deletions limits how many records are marked as deleted at once.
	Deletions Deletions
	// Node is the source's part of the file, for errors found later.
	Node spec.Node
}

// Env is what a configuration depends on outside its files.
type Env struct {
	// Lookup finds environment variables. They win over the .env file beside the configuration.
	Lookup func(name string) (string, bool)
	Now    func() time.Time
}

// SystemEnv is the environment of the process and its clock.
func SystemEnv() Env { return Env{Lookup: os.LookupEnv, Now: time.Now} }

// Error says that a configuration cannot be used, and why: one line per mistake.
type Error struct{ Cause error }

// Error is all the lines.
func (e *Error) Error() string { return e.Cause.Error() }

// Unwrap gives the cause: a spec.List, a *MissingFileError or an error of reading the file.
func (e *Error) Unwrap() error { return e.Cause }

// MissingFileError says that there is no configuration.
type MissingFileError struct{ Path string }

// Error names the file.
func (e *MissingFileError) Error() string { return "there is no configuration " + e.Path }

// Hint names the ways out.
func (e *MissingFileError) Hint() string {
	return "winback init to write one, winback demo to see what comes of it, or name another file with -c"
}

// Is makes the error one of fs.ErrNotExist.
func (e *MissingFileError) Is(target error) bool { return target == fs.ErrNotExist }

// Load reads the configuration at path and the .env file beside it. Each source is decoded by the configuration struct
// of its connector. Every failure is an *Error; mistakes in the files are all in it, in the order of the file.
func Load(path string, registry *connectors.Registry, env Env) (*Config, error) {
	path = filepath.Clean(path)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{&MissingFileError{Path: path}}
	}
	if err != nil {
		return nil, &Error{fmt.Errorf("read configuration: %w", err)}
	}
	errs := &spec.Errors{}
	c := &Config{Path: path, Dir: filepath.Dir(path)}
	root := spec.Parse(path, data, c.options(env, errs), errs)
	if errs.Len() > 0 && len(root.Keys()) == 0 {
		return nil, &Error{errs.Err()} // not YAML at all: what is "missing" in it would only distract
	}
	root.Decode(&c.Settings, errs)
	c.Models.Node = root.Get("models")
	c.identity(root, errs)
	checkTargets(c.Targets, errs)
	checkRetention(c.Retention, errs)
	c.landing(root, errs)
	c.calendar(root, env, errs)
	c.checkJobs(root, errs)
	c.checkAlarms(root, errs)
	c.sources(registry, errs)
	if err := errs.Err(); err != nil {
		return nil, &Error{err}
	}
	return c, nil
}

// options lets variables come from the environment, then from the .env file.
func (c *Config) options(env Env, errs *spec.Errors) spec.Options {
	file := filepath.Join(c.Dir, ".env")
	fromFile := readEnvFile(file, errs)
	return spec.Options{EnvFile: file, Lookup: func(name string) (string, bool) {
		if value, found := env.Lookup(name); found {
			return value, true
		}
		value, found := fromFile[name]
		return value, found
	}}
}

// calendar finds the time zone and the day the warehouse describes.
func (c *Config) calendar(root spec.Node, env Env, errs *spec.Errors) {
	c.asOfNode = root.Get("as_of")
	c.Location = time.UTC
	if zone, err := loadZone(c.Timezone); err == nil {
		c.Location = zone // a bad one was reported when the settings were validated
	} else if c.Timezone != "" {
		errs.Addf(root.Get("timezone"), "%w", err)
	}
	c.today = spec.DateOf(env.Now().In(c.Location))
	if c.AsOf.IsZero() {
		c.AsOf = c.today.AddDays(-1)
	}
	if err := c.checkAsOf(c.AsOf); err != nil {
		errs.Addf(c.asOfNode, "%w", err)
	}
}

func (c *Config) checkAsOf(day spec.Date) error {
	if day.Compare(c.today) > 0 {
		return fmt.Errorf("%v is in the future, today is %v in %s", day, c.today, c.Location)
	}
	return nil
}

// SetAsOf makes another day the one the warehouse describes, as the flag --as-of does. The day is written 2011-12-09
// and may not be in the future.
func (c *Config) SetAsOf(text string) error {
	var day spec.Date
	if err := day.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("as of: %w, got %q", err, text)
	}
	if err := c.checkAsOf(day); err != nil {
		return fmt.Errorf("as of: %w", err)
	}
	c.AsOf = day
	return nil
}

// Home is where the landing zone and the warehouse live: the folder given, or that of the configuration.
func (c *Config) Home(override string) string {
	if override != "" {
		return override
	}
	return c.Dir
}

// Open makes the source itself, for a project whose home is that folder. It does
// not connect to anything.
func (c *Config) Open(s *Source, home string) (connectors.Source, error) {
	opened, err := s.Connector.Open(s.Config, connectors.Env{
		Name: s.Name, Dir: c.Dir, State: filepath.Join(home, "state", s.Name), Location: c.Location, Currency: c.Currency,
		Clock: connectors.SystemClock{},
	})
	if err != nil {
		return nil, fmt.Errorf("open source %s: %w", s.Name, err)
	}
	return opened, nil
}
