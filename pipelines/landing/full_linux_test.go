package landing_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// TestFullDisk fills a real file system.
func TestFullDisk(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mount("tmpfs", root, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("SKIPPED, NOTHING WAS TESTED: mounting needs root: %v", err)
	}
	defer syscall.Unmount(root, 0) //nolint:errcheck // the machine's own
	z := landing.Open(root)
	if _, err := twoParts(t.Context(), z, "r0"); err != nil {
		t.Fatal(err)
	}
	kept := tree(t, root)
	w := begin(t, z, "r1", dataset("orders", orders), landing.Options{PartRows: 1000})
	var err error
	for i := 0; err == nil && i < 1_000; i++ {
		b := w.NewBatch(orders)
		for row := range 1000 {
			b.SetString(orders.Field("id").Index, fmt.Sprintf("%x", uint64(i*1000+row+1)*0x9E3779B97F4A7C15))
			if err := b.EndRow(entity.Origin{}); err != nil {
				t.Fatal(err)
			}
		}
		err = w.Write(t.Context(), b)
	}
	var storage *landing.StorageError
	if !errors.As(err, &storage) || !strings.Contains(err.Error(), "the disk is full; free some space") {
		t.Fatalf("got %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	equal(t, "files", tree(t, root), kept)
}
