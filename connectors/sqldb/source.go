package sqldb

import (
	"context"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// source is one configured database.
type source struct {
	env     connectors.Env
	clock   connectors.Clock
	server  server
	reading *Reading
	plans   []*plan
	slices  bounds
	pages   pageSizes
}

var (
	_ connectors.Source     = (*source)(nil)
	_ connectors.Checker    = (*source)(nil)
	_ connectors.Planner    = (*source)(nil)
	_ connectors.Backfiller = (*source)(nil)
	_ connectors.Sweeper    = (*source)(nil)
)

// newSource compiles the mapping with what the project says.
func newSource(reading *Reading, node spec.Node, on server, env connectors.Env) (*source, error) {
	var errs spec.Errors
	s := &source{env: env, clock: env.Clock, server: on, reading: reading, slices: usualSlices, pages: usualPages}
	s.plans = compile(reading, node, surroundings{location: env.Location, currency: env.Currency}, &errs)
	if s.clock == nil {
		s.clock = connectors.SystemClock{}
	}
	return s, errs.Err()
}

// Datasets lists the configured datasets. Of a row that changed while it was read
// the newest version stays.
func (s *source) Datasets() []connectors.Dataset {
	list := make([]connectors.Dataset, len(s.plans))
	for i, p := range s.plans {
		if list[i] = connectors.NewestWins(p.name, p.schema); p.config.ChangedAt == "" {
			list[i].Duplicates = nil // nothing says which is newer
		}
	}
	return list
}

func (s *source) plan(dataset string) (*plan, error) {
	for _, p := range s.plans {
		if p.name == dataset {
			return p, nil
		}
	}
	return nil, fmt.Errorf("source %s has no dataset %q", s.env.Name, dataset)
}

// open logs in, with patience for a server that is just starting.
func (s *source) open(ctx context.Context) (session, error) {
	for tries := 0; ; tries++ {
		session, err := s.server.open(ctx)
		if err == nil || tries == loginTries || !passing(err) {
			return session, err
		}
		if haste, hasty := connectors.HasteOf(ctx); hasty && haste.Trying != nil {
			haste.Trying(fmt.Sprintf("%v; trying again in %s", err, patience<<tries))
		}
		if err := s.clock.Sleep(ctx, patience<<tries); err != nil {
			return nil, err
		}
	}
}

const loginTries = 3

// explain puts what a person can do about an error of the server to it, and says
// whether it may pass by itself.
func (s *source) explain(p *plan, err error) error {
	if passing(err) {
		err = connectors.Passing(true, err)
	}
	if hint := s.server.hint(p, err); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

// Backfills says whether a dataset's changes are told by times.
func (s *source) Backfills(dataset string) bool {
	p, err := s.plan(dataset)
	return err == nil && p.config.ChangedAt != "" && !p.overlap.isNumber()
}

// isNumber says that the overlap is configured as a number.
func (o Overlap) isNumber() bool { return o.Node.IsSet() && o.Number > 0 }

// Plan says how a dataset would be read.
func (s *source) Plan(_ context.Context, req connectors.Request) ([]connectors.PlannedInput, error) {
	p, err := s.plan(req.Dataset)
	if err != nil {
		return nil, err
	}
	reason := "read whole"
	switch {
	case len(req.Cursors) == 0:
		reason = "new"
	case p.config.ChangedAt != "":
		reason = "changed"
	case p.config.AppendOnly:
		reason = "appended"
	}
	return []connectors.PlannedInput{{Name: p.from, Reason: reason}}, nil
}

// Sweeps says how often the keys of a dataset are compared.
func (s *source) Sweeps(dataset string) ([]*entity.Schema, time.Duration) {
	p, err := s.plan(dataset)
	if err != nil || p.sweep == 0 {
		return nil, 0
	}
	return []*entity.Schema{p.schema}, p.sweep
}
