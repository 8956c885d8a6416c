package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/warehouse"
)

// retentionFile says, in a project's home, up to when old rows have left.
const retentionFile = "retention.json"

// aging drops rows that are older than their entity's are kept, and leaves the rest to
// another eraser.
type aging struct {
	landing.Eraser
	limits map[string]limit // by entity
}

type limit struct {
	field  string
	before time.Time
}

// Judge drops what is too old. A row without a time stays.
func (a *aging) Judge(r landing.Row) landing.Verdict {
	if l, ok := a.limits[r.Schema().FullName()]; ok {
		if at, ok := r.Number(l.field); ok && at < l.before.UnixMicro() {
			return landing.Drop
		}
	}
	return a.Eraser.Judge(r)
}

// Quarantined drops what was put aside before the day, whatever it says of its own age.
func (a *aging) Quarantined(q landing.QuarantineRow) bool {
	if l, ok := a.limits[q.Entity]; ok && q.At < l.before.UnixMicro() {
		return true
	}
	return a.Eraser.Quarantined(q)
}

// Concerns says whether rows of an entity may be too old, where nothing else is erased.
func (a *aging) Concerns(entity string) bool {
	_, limited := a.limits[entity]
	_, only := a.Eraser.(staying)
	return limited || !only
}

// staying erases nothing.
type staying struct{}

func (staying) Judge(landing.Row) landing.Verdict      { return landing.Stay }
func (staying) Redact(text string) string              { return text }
func (staying) Quarantined(landing.QuarantineRow) bool { return false }

// limits are the days before which rows have left, by entity: Mondays, so that files are
// written anew once a week at most.
func (p *Project) limits() map[string]limit {
	limits := map[string]limit{}
	for _, r := range p.Config.Retentions() {
		now := p.now().In(p.Config.Location)
		day := time.Date(now.Year(), now.Month(), now.Day()-r.Days, 0, 0, 0, 0, p.Config.Location)
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		limits[r.Entity] = limit{field: r.Field, before: monday}
	}
	return limits
}

// eraser says what must not come into the landing zone: who was forgotten, and what is
// too old; nil for nothing.
func (p *Project) eraser() (landing.Eraser, error) {
	book, err := p.erasures()
	if err != nil {
		return nil, err
	}
	limits := p.limits()
	switch people := book.Eraser(); {
	case people == nil && len(limits) == 0:
		return nil, nil
	case people == nil:
		return &aging{Eraser: staying{}, limits: limits}, nil
	case len(limits) == 0:
		return people, nil
	default:
		return &aging{Eraser: people, limits: limits}, nil
	}
}

// retentionDue returns the limits up to which old rows are still to leave; none if all
// have.
func (p *Project) retentionDue() (due map[string]limit, stamp []byte, err error) {
	limits := p.limits()
	if len(limits) == 0 {
		return nil, nil, nil
	}
	days := map[string]string{}
	for name, l := range limits {
		days[name] = l.before.Format(time.DateOnly)
	}
	if stamp, err = json.Marshal(days); err != nil {
		return nil, nil, err
	}
	had, err := readIfThere(filepath.Join(p.Home, retentionFile))
	if err != nil {
		return nil, nil, fmt.Errorf("see which rows have left: %w", err)
	}
	if string(had) == string(stamp) {
		return nil, nil, nil
	}
	return limits, stamp, nil
}

// retain drops the rows that are older than they are kept: from the warehouse, then from
// the landing zone, as an erasure does. After a kill the next run begins again.
func (r *run) retain(ctx context.Context) error {
	limits, stamp, err := r.retentionDue()
	if err != nil || len(limits) == 0 {
		return err
	}
	started := r.now()
	e := &erasing{run: r, eraser: &aging{Eraser: staying{}, limits: limits}, among: slices.Sorted(maps.Keys(limits)), receipt: newReceipt()}
	only := r.only
	r.only = selection{}
	err = e.dropOld(ctx, limits)
	r.only = only
	if err == nil {
		err = renameio.WriteFile(filepath.Join(r.Home, retentionFile), stamp, 0o600)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		r.failed("retain", "old rows", started, err)
		return nil
	}
	if n := e.receipt.Quarantine; n > 0 {
		r.o.Observer.Note(fmt.Sprintf("records that were put aside before they grew too old have left quarantine, of which %d files were written anew", n))
	}
	for name, rows := range e.receipt.Rows {
		r.o.Observer.Note(fmt.Sprintf("%s: %d rows from before %s have left, as the configuration's retention says", name, rows, limits[name].before.Format(time.DateOnly)))
		r.step(ledger.Step{Kind: "retain", Name: name, State: ledger.Done, Rows: rows, Started: started, Duration: r.now().Sub(started)})
	}
	return nil
}

// dropOld takes out what is too old, rows and what was put aside.
func (e *erasing) dropOld(ctx context.Context, limits map[string]limit) error {
	if err := e.look(ctx); err != nil {
		return err
	}
	if len(e.found.drops)+len(e.found.stays) > 0 {
		if err := e.fromWarehouse(ctx); err != nil {
			return err
		}
		if err := e.dropVersions(ctx, limits); err != nil {
			return err
		}
		return e.fromLanding(ctx)
	}
	aside, err := e.hasAside(limits)
	if err != nil || !aside {
		return err
	}
	return e.fromLanding(ctx)
}

// hasAside says whether something was put aside before one of the limits.
func (e *erasing) hasAside(limits map[string]limit) (bool, error) {
	sources, err := e.Zone.Sources()
	if err != nil {
		return false, err
	}
	for _, source := range sources {
		groups, err := e.Zone.QuarantineGroups(source)
		if err != nil {
			return false, err
		}
		for _, g := range groups {
			for _, l := range limits {
				if g.At.Before(l.before) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

// dropVersions takes versions out of the raw tables that grew too old, of rows that stay.
func (e *erasing) dropVersions(ctx context.Context, limits map[string]limit) error {
	for name := range e.found.stays {
		table, l := warehouse.Raw+"."+entity.Lookup(name).Table(), limits[name]
		err := e.warehouse.Exec(ctx, fmt.Sprintf("ALTER TABLE %s DELETE WHERE %s < fromUnixTimestamp64Micro(%d) SETTINGS mutations_sync = 2", table, l.field, l.before.UnixMicro()))
		if err != nil {
			return fmt.Errorf("delete old versions of rows of %s: %w", table, err)
		}
	}
	return nil
}

// PlannedDrop is what would leave of an entity since it is too old.
type PlannedDrop struct {
	Entity string `json:"entity"`
	Before string `json:"before"`
	Rows   int64  `json:"rows"`
}

// plannedDrops counts the rows that would leave.
func (r *run) plannedDrops(ctx context.Context) ([]PlannedDrop, error) {
	limits, _, err := r.retentionDue()
	if err != nil || len(limits) == 0 {
		return nil, err
	}
	eraser := &aging{Eraser: staying{}, limits: limits}
	var drops []PlannedDrop
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		keys := map[uint64]bool{}
		err := r.eachJudged(ctx, eraser, name, func(_ string, key uint64, v landing.Verdict) {
			if v == landing.Drop {
				keys[key] = true
			} else {
				delete(keys, key) // a row is as old as its last version
			}
		})
		if err != nil {
			return nil, err
		}
		if len(keys) > 0 {
			drops = append(drops, PlannedDrop{Entity: name, Before: limits[name].before.Format(time.DateOnly), Rows: int64(len(keys))})
		}
	}
	return drops, nil
}
