package pipelines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"winback/connectors/entity"
	"winback/pipelines/erasure"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// erasureFolder keeps, in a project's home, who must not come back, as keyed hashes,
// and the receipts of what was erased.
const erasureFolder = "erasures"

func (p *Project) erasures() (*erasure.Book, error) {
	return erasure.Open(filepath.Join(p.Home, erasureFolder))
}

// erasing is an erasure that goes on.
type erasing struct {
	*run
	book    *erasure.Book
	people  *erasure.Eraser // who is erased; nil where rows only grew too old
	eraser  landing.Eraser
	among   []string // entities that may have some of the rows
	found   landed
	receipt erasure.Receipt
}

// newErasing prepares the erasure of everybody whom a book has marks of.
func newErasing(r *run, book *erasure.Book) *erasing {
	people := book.Eraser()
	e := &erasing{run: r, book: book, people: people, eraser: people, among: erasure.Order(), receipt: newReceipt()}
	if kept := keptFolders(r.Home); len(kept) > 0 {
		e.receipt.Remains = append([]string{"copies that a rebuild or a restore kept, which are yours to remove: " + strings.Join(kept, ", ")}, remains...)
	}
	return e
}

// keptFolders are the folders of a home with what a rebuild or a restore took out of use and kept.
func keptFolders(home string) []string {
	var kept []string
	for _, prefix := range []string{oldWarehousePrefix, beforeRestorePrefix} {
		entries, err := os.ReadDir(home)
		if err != nil {
			return nil // whoever reads the home says so
		}
		for _, entry := range entries {
			if entry.IsDir() && strings.HasPrefix(entry.Name(), prefix) {
				kept = append(kept, filepath.Join(home, entry.Name()))
			}
		}
	}
	return kept
}

func newReceipt() erasure.Receipt {
	return erasure.Receipt{Rows: map[string]int64{}, Redacted: map[string]int64{}, Books: map[string]int64{}, Models: []string{}, Remains: remains}
}

// landed are the rows of the landing zone that are to be erased, by entity.
type landed struct {
	drops   map[string]map[uint64]string // hashes of keys, and the sources of the rows
	redacts map[string]map[uint64]bool
	// stays are keys of which versions grew too old, and the last one did not.
	stays map[string]map[uint64]bool
}

// finishErasures erases what was asked for by requests that were not finished.
func (r *run) finishErasures(ctx context.Context) error {
	book, err := r.erasures()
	if err != nil {
		return err
	}
	if len(book.Pending()) == 0 {
		return nil
	}
	r.o.Observer.Note(fmt.Sprintf("%d erasures on request were begun and not finished; they are now", len(book.Pending())))
	started := r.now()
	only := r.only
	r.only = selection{}
	_, err = r.erase(ctx, book)
	r.only = only
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		r.failed("erase", "requests", started, err)
	}
	return nil
}

// erase erases everything that the book has marks of: from the warehouse first, then
// from the landing zone, which holds what says where to look. After a kill it begins
// again, with the same end.
func (r *run) erase(ctx context.Context, book *erasure.Book) (*erasure.Receipt, error) {
	e := newErasing(r, book)
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"look for them in the landing zone", e.look},
		{"erase them from the warehouse", e.fromWarehouse},
		{"erase them from the landing zone", e.fromLanding},
		{"erase them from the books", e.fromBooks},
		{"search for them", e.search},
	} {
		r.log.Debug("erasure begins to", "step", step.what)
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w; nothing of them comes in any more, and the next run goes on erasing", step.what, err)
		}
		r.log.Debug("erasure is done to", "step", step.what)
	}
	return &e.receipt, e.finish()
}

// remains is what this program cannot reach.
var remains = []string{
	"the sources themselves: what they still hold is not taken in any more",
	"files that somebody exported, reports that were sent, and recordings of calls",
	"backups: they hold what they held, and what is restored of them is erased before anybody can see it",
	"free text that names somebody without an e-mail address or a phone number",
	"the engine's own old files, which it removes within minutes of being open",
}

// look finds the rows to be erased, and learns which others belong to them.
func (e *erasing) look(ctx context.Context) error {
	e.found = landed{drops: map[string]map[uint64]string{}, redacts: map[string]map[uint64]bool{}, stays: map[string]map[uint64]bool{}}
	for _, name := range e.among {
		drops, redacts, stays := map[uint64]string{}, map[uint64]bool{}, map[uint64]bool{}
		err := e.eachJudged(ctx, e.eraser, name, func(source string, key uint64, v landing.Verdict) {
			switch v {
			case landing.Drop:
				drops[key] = source
				delete(stays, key)
			case landing.Redact:
				redacts[key] = true
			case landing.Stay:
				// Of somebody who is erased every version goes; by age the last one decides.
				if _, dropped := drops[key]; dropped && e.people == nil {
					delete(drops, key)
					stays[key] = true
				}
			}
		})
		if err != nil {
			return err
		}
		if len(drops) > 0 {
			e.found.drops[name] = drops
			e.receipt.Rows[name] = int64(len(drops))
		}
		if len(redacts) > 0 {
			e.found.redacts[name] = redacts
			e.receipt.Redacted[name] = int64(len(redacts))
		}
		if len(stays) > 0 {
			e.found.stays[name] = stays
		}
	}
	if e.people == nil {
		return nil
	}
	e.people.Keep()
	return e.book.Write()
}

// eachJudged has an eraser judge the rows of an entity that are landed, of each key the
// older versions before the newer ones.
func (p *Project) eachJudged(ctx context.Context, eraser landing.Eraser, name string, each func(source string, key uint64, v landing.Verdict)) error {
	sources, err := p.Zone.Sources()
	if err != nil {
		return err
	}
	for _, source := range sources {
		err := p.Zone.EachRow(ctx, source, name, func(_ landing.File, row landing.Row) error {
			each(source, row.KeyHash(), eraser.Judge(row))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fromWarehouse takes the rows out of the raw tables: they are marked as deleted, the
// models are built without them, and then they go for good.
func (e *erasing) fromWarehouse(ctx context.Context) error {
	if err := e.warehouse.Wake(ctx); err != nil {
		return err
	}
	for name, drops := range e.found.drops {
		if err := e.markDeleted(ctx, entity.Lookup(name), drops); err != nil {
			return err
		}
	}
	if err := e.rebuildModels(ctx); err != nil {
		return err
	}
	for name, drops := range e.found.drops {
		if err := e.deleteRaw(ctx, entity.Lookup(name), drops); err != nil {
			return err
		}
	}
	return nil
}

// hashesAtOnce bounds the length of a statement.
const hashesAtOnce = 10_000

func hashList(hashes []uint64) string {
	texts := make([]string, len(hashes))
	for i, h := range hashes {
		texts[i] = strconv.FormatUint(h, 10)
	}
	return strings.Join(texts, ", ")
}

// markDeleted adds a newer version of the rows that says that they are deleted, as a
// source does that has them no more, and writes it into the books as a load: so the
// models that are built in part learn of it.
func (e *erasing) markDeleted(ctx context.Context, s *entity.Schema, drops map[uint64]string) error {
	table, version := warehouse.Raw+"."+s.Table(), e.summary.RunID
	for hashes := range slices.Chunk(slices.Sorted(maps.Keys(drops)), hashesAtOnce) {
		// The condition stands apart: beside the new values it would be about them.
		err := e.warehouse.Exec(ctx, fmt.Sprintf(
			`INSERT INTO %[1]s SELECT * REPLACE (true AS deleted, %[2]s AS run_id, extracted_at + toIntervalMicrosecond(1) AS extracted_at)
			FROM (SELECT * FROM %[1]s FINAL WHERE NOT deleted AND %[3]s IN (%[4]s))`,
			table, quote.Literal(version), landing.HashOfKey(s), hashList(hashes)))
		if err != nil {
			return fmt.Errorf("mark rows of %s as deleted: %w", table, err)
		}
		var left uint64
		err = e.warehouse.QueryRow(ctx, fmt.Sprintf("SELECT count() FROM %s FINAL WHERE NOT deleted AND %s IN (%s)", table, landing.HashOfKey(s), hashList(hashes))).Scan(&left)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d rows still count", left)
		}
		if err != nil {
			return fmt.Errorf("mark rows of %s as deleted: %w", table, err)
		}
	}
	bySource := map[string]int64{}
	for _, source := range drops {
		bySource[source]++
	}
	var loads []ledger.Load
	for source, rows := range bySource {
		path := fmt.Sprintf("erased/%s/%s/%s", version, source, s.FullName())
		loads = append(loads, ledger.Load{Path: path, Checksum: version, Source: source, Entity: s.FullName(), RunID: version, Rows: rows})
	}
	return e.ledger.RecordLoads(ctx, loads)
}

// rebuildModels builds the models whose rows changed. One that fails keeps its last
// good rows, with those to be erased: that is an error.
func (e *erasing) rebuildModels(ctx context.Context) error {
	before := len(e.steps)
	e.landed = true
	if err := e.build(ctx); err != nil {
		return err
	}
	for _, s := range e.steps[before:] {
		if s.Kind != "model" {
			continue
		}
		if s.State == ledger.Failed || s.State == ledger.Skipped {
			return fmt.Errorf("%s was not built and keeps its last good rows: %s", s.Name, s.Message)
		}
		if s.State == ledger.Done && !slices.Contains(e.receipt.Models, s.Name) {
			e.receipt.Models = append(e.receipt.Models, s.Name)
		}
	}
	return e.applyMasks(ctx)
}

// applyMasks has the engine write the pieces anew in which rows are only marked as
// deleted.
func (e *erasing) applyMasks(ctx context.Context) error {
	tables, err := names(ctx, e.warehouse, "SELECT DISTINCT concat(database, '.', table) FROM system.parts WHERE active AND has_lightweight_delete AND database IN ('raw', 'staging', 'mart', 'ops')")
	if err != nil {
		return fmt.Errorf("look for rows that are only marked as deleted: %w", err)
	}
	for _, table := range tables {
		database, name, _ := strings.Cut(table, ".")
		if err := e.warehouse.Exec(ctx, "ALTER TABLE "+quote.Table(database, name)+" APPLY DELETED MASK SETTINGS mutations_sync = 2"); err != nil {
			return fmt.Errorf("remove deleted rows of %s: %w", table, err)
		}
	}
	return nil
}

func (e *erasing) deleteRaw(ctx context.Context, s *entity.Schema, drops map[uint64]string) error {
	table := warehouse.Raw + "." + s.Table()
	for hashes := range slices.Chunk(slices.Sorted(maps.Keys(drops)), hashesAtOnce) {
		err := e.warehouse.Exec(ctx, fmt.Sprintf("ALTER TABLE %s DELETE WHERE %s IN (%s) SETTINGS mutations_sync = 2", table, landing.HashOfKey(s), hashList(hashes)))
		if err != nil {
			return fmt.Errorf("delete rows of %s: %w", table, err)
		}
	}
	return nil
}

// fromLanding writes the landing files anew, and has tables loaded again of which rows
// stay with other texts.
func (e *erasing) fromLanding(ctx context.Context) error {
	sources, err := e.Zone.Sources()
	if err != nil {
		return err
	}
	redacted := map[string]bool{}
	for _, source := range sources {
		if err := e.adopt(ctx, source); err != nil {
			return err
		}
		done, err := e.Zone.Erase(ctx, source, e.eraser)
		for _, d := range done {
			e.receipt.Files += d.Files
			e.receipt.Quarantine += d.Quarantine
			for _, name := range d.Redacted {
				redacted[name] = true
			}
		}
		if err != nil {
			return err
		}
		left, err := e.Zone.Replaced(source)
		if err != nil {
			return err
		}
		if left {
			return fmt.Errorf("files of %s are being read by somebody and could not be removed", source)
		}
		if err := e.adopt(ctx, source); err != nil {
			return err
		}
	}
	for name := range e.found.redacts {
		redacted[name] = true
	}
	for name := range redacted {
		if err := e.warehouse.Renew(ctx, entity.Lookup(name)); err != nil {
			return err
		}
	}
	if err := e.load(ctx); err != nil || len(redacted) == 0 {
		return err
	}
	return e.rebuildModels(ctx)
}

// finish writes the receipts.
func (e *erasing) finish() error {
	for _, request := range e.book.Pending() {
		receipt := e.receipt
		receipt.Request, receipt.By, receipt.AskedAt, receipt.FinishedAt = request.ID, request.By, request.At, e.now().UTC()
		request.State, request.Receipt = erasure.Done, &receipt
		e.receipt = receipt
		if _, err := e.book.WriteReceipt(&receipt); err != nil {
			return err
		}
	}
	return e.book.Write()
}

// eraseIn does the erasures of the project again on a home that was restored from a
// backup, which may be older than they are. It returns the requests.
func (p *Project) eraseIn(ctx context.Context, home string, others *erasure.Book, o Observer) (erased []string, err error) {
	here, err := p.erasures()
	if err != nil {
		return nil, err
	}
	there, err := erasure.Open(filepath.Join(home, erasureFolder))
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, request := range there.Requests {
		done[request.ID] = request.State == erasure.Done
	}
	for _, other := range []*erasure.Book{here, others} {
		if _, err := there.Merge(other); err != nil {
			return nil, err
		}
	}
	erased = []string{}
	for _, request := range there.Requests {
		if !done[request.ID] {
			request.State = erasure.Pending
			erased = append(erased, request.ID)
		}
	}
	if len(erased) == 0 {
		return erased, nil
	}
	if err := there.Write(); err != nil {
		return nil, err
	}
	aside := *p
	aside.Home, aside.Zone = home, landing.Open(filepath.Join(home, "landing"))
	r := aside.newRun(RunOptions{Observer: o, as: "restore"}, selection{})
	if !p.Config.Warehouse.Embedded() {
		return erased, r.eraseLandingOnly(ctx, there)
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.warehouse.Close()) }()
	err = r.begin(ctx)
	if err == nil {
		_, err = r.erase(ctx, there)
	}
	_, err = r.finish(err)
	return erased, err
}

// eraseLandingOnly erases in a landing zone whose warehouse is elsewhere, and is built
// from it afterwards.
func (r *run) eraseLandingOnly(ctx context.Context, book *erasure.Book) error {
	e := newErasing(r, book)
	if err := e.look(ctx); err != nil {
		return err
	}
	sources, err := e.Zone.Sources()
	for _, source := range sources {
		if _, failed := e.Zone.Erase(ctx, source, e.eraser); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return errors.Join(err, e.finish())
}
