package warehouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// removeEmptyDefinitions removes the definition files of tables and databases
// that are empty, and returns their names. The engine leaves them behind when the
// disk is full or the machine stops while it makes a table, and then refuses to
// open the warehouse at all. What such a file stood for is made again by the next
// run. It must not be called while the engine has the warehouse open.
func removeEmptyDefinitions(warehouse string) ([]string, error) {
	empty := func(_ string, size int64) (bool, error) { return size == 0, nil }
	return removeDamaged(warehouse, empty, "metadata/*.sql", "store/*/*/*.sql")
}

// removeCutMutations removes, as removeEmptyDefinitions does, what the engine leaves
// behind of a DELETE or UPDATE that it could not write down: the statement has failed.
func removeCutMutations(warehouse string) error {
	_, err := removeDamaged(warehouse, isCut, "store/*/*/mutation_*.txt")
	return err
}

// isCut says that a text does not end with a line's end.
func isCut(path string, size int64) (cut bool, err error) {
	if size == 0 {
		return true, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var last [1]byte
	if _, err := file.ReadAt(last[:], size-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// removeDamaged removes the files that fit one of the patterns and are damaged, and
// returns their names.
func removeDamaged(warehouse string, damaged func(path string, size int64) (bool, error), patterns ...string) ([]string, error) {
	var removed []string
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(warehouse, pattern))
		if err != nil {
			return removed, err
		}
		for _, path := range files {
			info, err := os.Lstat(path)
			if err != nil {
				return removed, fmt.Errorf("look at the warehouse's files: %w", err)
			}
			if !info.Mode().IsRegular() {
				continue
			}
			if is, err := damaged(path, info.Size()); err != nil {
				return removed, fmt.Errorf("look at the warehouse's files: %w", err)
			} else if !is {
				continue
			}
			if err := os.Remove(path); err != nil {
				return removed, fmt.Errorf("remove a damaged file: %w", err)
			}
			removed = append(removed, filepath.Base(path))
		}
	}
	return removed, nil
}

// loadAgain has the next run load everything that was landed, which changes
// nothing in tables that are whole: one of those lost may have had rows.
func loadAgain(ctx context.Context, conn driver.Conn) error {
	var exists uint8
	err := conn.QueryRow(ctx, "EXISTS TABLE ops.loads").Scan(&exists)
	if err == nil && exists == 1 {
		err = conn.Exec(ctx, "TRUNCATE TABLE ops.loads")
	}
	if err != nil {
		return errors.Join(errors.New("have everything loaded again after a table's definition was lost"), err)
	}
	return nil
}
