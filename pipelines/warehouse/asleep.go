package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"

	"winback/pipelines/quote"
)

// To load a table, with the pieces its rows lie in, takes the engine milliseconds, and
// models have hundreds: most of the time of a short look. For a glance those tables
// stay asleep, and each is loaded when a statement first asks for it. Until then the
// engine knows little of them (system.tables neither engine nor rows, system.parts
// nothing), and it changes none, nor their parts, also later. A run that may find
// nothing to do begins so as well, and wakes them all when it does find something.

// asleepClause in a database's definition has its tables sleep.
const asleepClause = "\nSETTINGS lazy_load_tables = 1"

// sleepers are the databases that hold the tables of models.
var sleepers = []string{Staging, Mart}

// putToSleep has tables of models sleep when the engine opens the warehouse in the
// folder, if they may, and be loaded otherwise. It must not be called while the engine
// has the warehouse open.
func putToSleep(warehouse string, asleep bool) error {
	definitions, err := filepath.Glob(filepath.Join(warehouse, "metadata", "*.sql"))
	if err != nil {
		return err
	}
	for _, path := range definitions {
		database := strings.TrimSuffix(filepath.Base(path), ".sql")
		if err := defineAsleep(path, asleep && slices.Contains(sleepers, database)); err != nil {
			return fmt.Errorf("say how the tables of %s are loaded: %w", database, err)
		}
	}
	return nil
}

// defineAsleep writes into a database's definition whether its tables sleep. One of
// another form, as with a setting of somebody else, stays as it is.
func defineAsleep(path string, asleep bool) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) { // a link that leads nowhere
		return nil
	}
	if err != nil {
		return err
	}
	plain, slept := strings.CutSuffix(strings.TrimRight(string(text), "\n"), asleepClause)
	if slept == asleep || !strings.HasSuffix(plain, "\nENGINE = Atomic") {
		return nil
	}
	if asleep {
		plain += asleepClause
	}
	return renameio.WriteFile(path, []byte(plain+"\n"), 0o640)
}

// sleep is that of the tables of models in a warehouse that this process opened.
type sleep struct {
	mu     sync.Mutex
	asleep bool
	tables map[string]bool // those that sleep, quoted; nil until they were looked up
	awake  func() error    // lets other processes in
}

// Wake has all tables as the engine loads them when it opens a warehouse that is not
// asleep, and lets other processes in. It does nothing where they are already, and goes
// on where it failed before. No statement may read them meanwhile.
func (w *Warehouse) Wake(ctx context.Context) error {
	w.sleep.mu.Lock()
	defer w.sleep.mu.Unlock()
	if !w.sleep.asleep {
		return nil
	}
	if w.sleep.tables == nil {
		if err := w.findSleepers(ctx); err != nil {
			return fmt.Errorf("look up the tables of models: %w", err)
		}
	}
	if err := w.wakeTables(ctx); err != nil {
		return fmt.Errorf("load the tables of models: %w", err)
	}
	if err := w.sleep.awake(); err != nil {
		return err
	}
	w.sleep.asleep = false
	return nil
}

// findSleepers looks up the tables that sleep. One that was read is called by its engine,
// though it is no more awake for that.
func (w *Warehouse) findSleepers(ctx context.Context) error {
	rows, err := w.Query(ctx, "SELECT database, name FROM system.tables WHERE database IN (?) AND (engine = 'TableProxy' OR engine LIKE '%MergeTree')", sleepers)
	if err != nil {
		return err
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var database, name string
		if err := rows.Scan(&database, &name); err != nil {
			return err
		}
		found[quote.Table(database, name)] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	w.sleep.tables = found
	return nil
}

// wakeTables attaches the tables that sleep anew, which loads them for good. One that
// fails keeps no other from being loaded, and is attached all the same. Should the
// process end in between, they are there when the warehouse is opened again.
func (w *Warehouse) wakeTables(ctx context.Context) error {
	var loaded sync.Map
	var group errgroup.Group
	group.SetLimit(tablesAtOnce)
	for table := range w.sleep.tables {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			whole := context.WithoutCancel(ctx)
			detached := w.Exec(whole, "DETACH TABLE IF EXISTS "+table+" SYNC")
			err := errors.Join(detached, w.Exec(whole, "ATTACH TABLE IF NOT EXISTS "+table))
			if err == nil {
				loaded.Store(table, true)
			}
			return err
		})
	}
	err := group.Wait()
	for table := range loaded.Range {
		delete(w.sleep.tables, table.(string))
	}
	return err
}

// tablesAtOnce is how many tables are loaded side by side.
const tablesAtOnce = 4
