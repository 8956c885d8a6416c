package main

import (
	"errors"

	"github.com/spf13/cobra"

	"winback/connectors"
	"winback/pipelines"
)

// dayRange are the days that are to be read again, as the command line has them.
type dayRange struct{ since, until string }

func (d *dayRange) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.since, "since", "", "read again from this `date` on, from the sources that can be asked for a time")
	cmd.Flags().StringVar(&d.until, "until", "", "… to this `date`, inclusive (default: today)")
}

// parse returns nil where no days were given.
func (d *dayRange) parse(project *pipelines.Project, full bool) (*connectors.Range, error) {
	if d.since == "" && d.until == "" {
		return nil, nil
	}
	if full {
		return nil, usageError{errors.New("--full reads everything again, --since some days: give one of them")}
	}
	r, err := project.ParseRange(d.since, d.until)
	if err != nil {
		return nil, usageError{err}
	}
	return r, nil
}
