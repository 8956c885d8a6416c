package export

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/parquet-go/parquet-go"

	"winback/pipelines/engine/enginetest"
)

func create(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestParquetIsTyped(t *testing.T) {
	path, result := write(t, "all.parquet", everyType)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if result.Rows != 1 || file.NumRows() != 1 || result.Bytes != info.Size() {
		t.Errorf("%+v", result)
	}
	for name, want := range map[string]string{
		"u64": "UINT_64", "day": "DATE", "old_day": "DATE", "micro": "TIMESTAMP", "second": "TIMESTAMP", "d128": "DECIMAL(38,4)",
		"text": "STRING", "list": "LIST", "ids": "MAP", "yes": "BOOLEAN", "uuid": "STRING", "enum": "STRING",
	} {
		column, ok := file.Schema().Lookup(name)
		node := file.Root().Column(name)
		if node == nil {
			t.Errorf("no column %s", name)
			continue
		}
		kind := node.Type().String()
		if !strings.Contains(strings.ReplaceAll(kind, "INT(64,false)", "UINT_64"), want) {
			t.Errorf("%s is %s, not %s (%v %v)", name, kind, want, column.Path, ok)
		}
	}
}

// Every way in which an export can fail leaves the file that was there, and
// nothing beside it.
func TestAFailedExportLeavesWhatWasThere(t *testing.T) {
	conn := enginetest.Start(t).Conn(t)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	cases := []struct {
		name, sql, said string
		ctx             context.Context
	}{
		{"a query that is wrong", "select throwIf(number = 0) from numbers(1)", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", t.Context()},
		{"a result that breaks off", "select throwIf(number = 200000) as n, number from numbers(300000)", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", t.Context()},
		{"a signal", "select 1 as one", "context canceled", cancelled},
	}
	for _, c := range cases {
		for _, name := range []string{"f.csv", "f.xlsx", "f.parquet"} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte("earlier"), 0o600); err != nil {
					t.Fatal(err)
				}
				target, open := ask(t, conn, path, c.sql)
				_, err := Write(c.ctx, target, open)
				if err == nil || !strings.Contains(err.Error(), c.said) {
					t.Errorf("it says %v", err)
				}
				onlyEarlier(t, dir, path)
			})
		}
	}
}

func onlyEarlier(t *testing.T, dir, path string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || content(t, path) != "earlier" {
		t.Errorf("there are %v, and the file holds %.80q", entries, content(t, path))
	}
}

func TestExportReplacesAFileAndKeepsItsPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.csv")
	if err := os.WriteFile(path, []byte("earlier"), 0o600); err != nil {
		t.Fatal(err)
	}
	target, open := ask(t, enginetest.Start(t).Conn(t), path, "select 1 as one")
	if _, err := Write(t.Context(), target, open); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || content(t, path) != "one\r\n1\r\n" {
		t.Errorf("%v %q %v", info.Mode(), content(t, path), err)
	}
}

func TestExportSaysWhereItCannotWrite(t *testing.T) {
	open := func(string) (io.ReadCloser, error) { t.Error("the query ran"); return nil, errors.New("no") }
	for path, said := range map[string]string{
		filepath.Join(t.TempDir(), "missing", "f.csv"): "there is no folder",
		"f.doc": "the file's ending says what to write",
		"f":     "the file's ending says what to write",
	} {
		if _, err := Write(t.Context(), Target{Path: path}, open); err == nil || !strings.Contains(err.Error(), said) {
			t.Errorf("%s: it says %v", path, err)
		}
	}
}

func TestAFullDiskIsTold(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("SKIPPED, NOTHING WAS TESTED: a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) }) //nolint:errcheck // the machine's own
	for _, name := range []string{"f.csv", "f.xlsx", "f.parquet"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("earlier"), 0o600); err != nil {
			t.Fatal(err)
		}
		target, open := ask(t, enginetest.Start(t).Conn(t), path, "select generateUUIDv4() as a, generateUUIDv4() as b from numbers(20000)")
		_, err := Write(t.Context(), target, open)
		if full := (*DiskFullError)(nil); !errors.As(err, &full) || full.Hint() == "" || !strings.HasPrefix(err.Error(), "there is no room for "+name) {
			t.Errorf("it says %v", err)
		}
		onlyEarlier(t, dir, path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
