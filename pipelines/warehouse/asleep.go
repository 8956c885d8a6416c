package warehouse

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

// To load a table, with the pieces its rows lie in, takes the engine milliseconds, and
// models have hundreds: most of the time of a short look. For a glance those tables
// stay asleep, and each is loaded when a statement first asks for it. Until then the
// engine knows little of them (system.tables neither engine nor rows, system.parts
// nothing), and it changes none, nor their parts, also later.

// asleepClause in a database's definition has its tables sleep.
const asleepClause = "\nSETTINGS lazy_load_tables = 1"

// sleepers are the databases that hold the tables of models.
var sleepers = []string{Staging, Mart}

// putToSleep has tables of models sleep when the engine opens the warehouse in the
// folder, if they may, and be loaded otherwise. It must not be called while the engine
// has the warehouse open.
func putToSleep(warehouse string, purpose Purpose) error {
	definitions, err := filepath.Glob(filepath.Join(warehouse, "metadata", "*.sql"))
	if err != nil {
		return err
	}
	for _, path := range definitions {
		database := strings.TrimSuffix(filepath.Base(path), ".sql")
		if err := defineAsleep(path, purpose == ForGlance && slices.Contains(sleepers, database)); err != nil {
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
