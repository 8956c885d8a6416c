package landing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// twoParts extracts a dataset with two parts that share a key, and a reject.
func twoParts(ctx context.Context, z *landing.Zone, run string) (*landing.Manifest, error) {
	o := landing.Options{PartRows: 3, PartsInFlight: 1, RejectLimit: entity.Some(0.5)}
	w, err := z.Begin(ctx, landing.RunInfo{RunID: run, Source: "shop", ExtractedAt: began}, dataset("orders", orders), o)
	if err != nil {
		return nil, err
	}
	write := func() error {
		for part := range 2 {
			b := w.NewBatch(orders)
			for row := range 3 {
				b.SetString(orders.Field("id").Index, fmt.Sprint(part+row*2-part*row))
				b.SetString(orders.Field("channel").Index, fmt.Sprint(part))
				if err := b.EndRow(entity.Origin{Input: 1, Line: int64(row)}); err != nil {
					return err
				}
			}
			if err := w.Write(ctx, b); err != nil {
				return err
			}
		}
		return w.Reject(ctx, connectors.Reject{Entity: orders, Line: 9, Reason: "no id"})
	}
	if err := write(); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w.Commit(ctx, json.RawMessage(`"`+run+`"`))
}

// operations returns how often the disk is asked for something in twoParts.
func operations(t *testing.T) int {
	t.Helper()
	d := &landing.Disk{}
	if _, err := twoParts(t.Context(), landing.OpenOn(t.TempDir(), d), "r1"); err != nil {
		t.Fatal(err)
	}
	return d.Done
}

// TestCrash kills the process at every operation on the disk. The next run
// cleans up, and then there is either the run as a whole or nothing of it.
func TestCrash(t *testing.T) {
	for at := 1; at <= operations(t); at++ {
		t.Run(fmt.Sprint("operation ", at), func(t *testing.T) {
			root := t.TempDir()
			before, err := twoParts(t.Context(), landing.Open(root), "r0")
			if err != nil {
				t.Fatal(err)
			}
			d := &landing.Disk{FailAt: at, Err: landing.ErrCrash, Crashes: true}
			_, crashed := twoParts(t.Context(), landing.OpenOn(root, d), "r1")

			z := landing.Open(root)
			if _, err := z.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			manifests, err := z.Manifests("shop")
			if err != nil {
				t.Fatal(err)
			}
			named := []string{}
			for _, m := range manifests {
				named = append(named, fmt.Sprintf("shop/_manifests/%s.orders.json", m.RunID))
				for _, f := range m.Files {
					named = append(named, f.Path)
				}
				for _, q := range m.Quarantine {
					named = append(named, q.Path)
				}
			}
			equal(t, "files", tree(t, root), sortedStrings(named))
			equal(t, "earlier run", manifests[0], before)
			if crashed == nil && len(manifests) != 2 {
				t.Error("the run says it is done, but is not there")
			}
			again, err := twoParts(t.Context(), z, "r2")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "next run", readOrders(t, z, again), readOrders(t, z, before))
		})
	}
}

// TestFailingDisk lets the disk fail once, at every operation. The run then says
// so in one sentence with the path, and leaves nothing that counts.
func TestFailingDisk(t *testing.T) {
	errs := []struct {
		words string
		err   error
	}{{"is full", syscall.ENOSPC}, {"no permission", os.ErrPermission}, {"input/output error", syscall.EIO}}
	all := operations(t)
	for at := 1; at <= all; at++ {
		for _, cause := range errs[at%len(errs):][:1] {
			root := t.TempDir()
			d := &landing.Disk{FailAt: at, Err: cause.err}
			m, err := twoParts(t.Context(), landing.OpenOn(root, d), "r1")
			if m != nil && err != nil && !strings.HasPrefix(d.Log[at-1], "remove") {
				t.Errorf("operation %d (%s): a manifest and an error: %v", at, d.Log[at-1], err)
			}
			manifests, readErr := landing.Open(root).Manifests("shop")
			if readErr != nil {
				t.Fatal(readErr)
			}
			if m == nil && len(manifests) != 0 {
				t.Errorf("operation %d (%s): the run failed and is visible", at, d.Log[at-1])
			}
			if err == nil {
				continue // a removal that nothing depends on
			}
			var storage *landing.StorageError
			if !errors.As(err, &storage) || !strings.Contains(storage.Error(), cause.words) || !strings.Contains(err.Error(), root) {
				t.Errorf("operation %d (%s): %v", at, d.Log[at-1], err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("operation %d (%s): more than one sentence: %v", at, d.Log[at-1], err)
			}
		}
	}
}

func TestRecover(t *testing.T) {
	root := t.TempDir()
	z := landing.Open(root)
	if _, err := twoParts(t.Context(), z, "r0"); err != nil {
		t.Fatal(err)
	}
	kept := tree(t, root)
	put := func(path string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	left := []string{
		"shop/_manifests/r1.orders.json.tmp",
		"shop/_quarantine/run=r1/orders-00001.parquet",
		"shop/shop.orders/run=r1/part-00001.parquet",
		"shop/shop.orders/run=r1/part-00001.parquet.origins.tmp",
		"shop/shop.orders/run=r1/part-00002.parquet.tmp",
	}
	for _, path := range left {
		put(path)
	}
	put("shop/README.txt")
	kept = sortedStrings(append(kept, "shop/README.txt"))

	t.Run("a damaged manifest keeps everything", func(t *testing.T) {
		manifest := filepath.Join(root, "shop/_manifests/r0.orders.json")
		good, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string][]byte{
			"cut":     good[:len(good)/2],
			"empty":   nil,
			"changed": bytes.Replace(good, []byte(`"rows": 3`), []byte(`"rows": 4`), 1),
			"newer":   bytes.Replace(good, []byte(`"format": 1`), []byte(`"format": 2`), 1),
		} {
			if err := os.WriteFile(manifest, text, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := z.Recover(t.Context())
			var damaged *landing.ManifestError
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), manifest) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := os.WriteFile(manifest, good, 0o644); err != nil {
			t.Fatal(err)
		}
		equal(t, "files", tree(t, root), sortedStrings(append(append([]string{}, kept...), left...)))
	})

	r, err := z.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "removed", r.Files, left)
	equal(t, "files", tree(t, root), kept)
	if want := "an interrupted run left 5 files (0.0 MB), among them shop/_manifests/r1.orders.json.tmp, which were removed"; r.String() != want {
		t.Errorf("got %q", r.String())
	}
	if _, err := os.Stat(filepath.Join(root, "shop/shop.orders/run=r1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the empty folder of the run is still there: %v", err)
	}
	if r, err := z.Recover(t.Context()); err != nil || r.String() != "" {
		t.Errorf("again: %v, %v", r, err)
	}
}

func TestOpenPart_Damaged(t *testing.T) {
	z := landing.Open(t.TempDir())
	m, err := twoParts(t.Context(), z, "r0")
	if err != nil {
		t.Fatal(err)
	}
	path := z.Path(m.Files[0].Path)
	if err := z.VerifyFile(m.Files[0]); err != nil {
		t.Errorf("whole: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var changed *landing.DamagedError
	if err := z.VerifyFile(m.Files[0]); !errors.As(err, &changed) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("changed: %v", err)
	}
	if err := os.Truncate(path, m.Files[0].Bytes-1); err != nil {
		t.Fatal(err)
	}
	_, err = z.OpenPart(m.Files[0])
	var damaged *landing.DamagedError
	if !errors.As(err, &damaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("cut: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = z.OpenPart(m.Files[0])
	var storage *landing.StorageError
	if !errors.As(err, &storage) || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("missing: %v", err)
	}
}
