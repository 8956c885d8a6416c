package config

import (
	"path/filepath"
	"strings"

	"winback/connectors/spec"
	"winback/pipelines/backup"
)

// Backup says where copies of the project are kept.
type Backup struct {
	To   string `yaml:"to" doc:"directory or s3://bucket/prefix that winback backup stores to and winback restore reads from" example:"s3://backups/acme"`
	Keep string `yaml:"keep" doc:"which backups stay: a number of them, as 14, or an age, as 30d; all if not given" example:"30d"`
}

// BackupPlace is where backups are kept; a directory is relative to the configuration's.
func (c *Config) BackupPlace() string {
	to := c.Backup.To
	if to == "" || strings.Contains(to, "://") || filepath.IsAbs(to) {
		return to
	}
	return filepath.Join(c.Dir, to)
}

// Kept is what Keep says; Validate has seen to it that it says something.
func (b *Backup) Kept() backup.Keep {
	keep, err := backup.ParseKeep(b.Keep)
	if err != nil {
		return backup.Keep{}
	}
	return keep
}

// Validate checks what is to stay.
func (b *Backup) Validate(n spec.Node, errs *spec.Errors) {
	if _, err := backup.ParseKeep(b.Keep); err != nil {
		errs.Addf(n.Get("keep"), "%v", err)
	}
}
