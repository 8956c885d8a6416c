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
	awake  func() error // lets other processes in
}

// Wake has all tables as the engine loads them when it opens a warehouse that is not
// asleep, and lets other processes in. It does nothing where they are already. No
// statement may read them meanwhile.
func (w *Warehouse) Wake(ctx context.Context) error {
	w.sleep.mu.Lock()
	defer w.sleep.mu.Unlock()
	if !w.sleep.asleep {
		return nil
	}
	if err := w.wakeTables(ctx); err != nil {
		return fmt.Errorf("load the tables of models: %w", err)
	}
	w.sleep.asleep = false
	return w.sleep.awake()
}

// wakeTables attaches the tables that sleep anew, which loads them for good. Should the
// process end in between, they are there when the warehouse is opened again.
func (w *Warehouse) wakeTables(ctx context.Context) error {
	rows, err := w.Query(ctx, "SELECT database, name FROM system.tables WHERE engine = 'TableProxy'")
	if err != nil {
		return err
	}
	defer rows.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(tablesAtOnce)
	for rows.Next() {
		var database, name string
		if err := rows.Scan(&database, &name); err != nil {
			return errors.Join(err, group.Wait())
		}
		table := quote.Table(database, name)
		group.Go(func() error {
			if err := w.Exec(ctx, "DETACH TABLE "+table+" SYNC"); err != nil {
				return err
			}
			return w.Exec(context.WithoutCancel(ctx), "ATTACH TABLE "+table)
		})
	}
	return errors.Join(rows.Err(), group.Wait())
}

// tablesAtOnce is how many tables are loaded side by side.
const tablesAtOnce = 4
