package landing_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"winback/pipelines/landing"
)

// age has the folders of a zone look as if nothing had changed in them for a while.
func age(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || time.Since(info.ModTime()) > time.Minute {
			return err
		}
		then := time.Now().Add(-time.Hour - time.Duration(rand.IntN(1e9)))
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestIndex does at random what happens to a zone: runs, compactions, cleaning up,
// manifests that somebody deletes, an index that is damaged, cut, or gone. What the
// zone says is always what the manifests' files say.
func TestIndex(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random, root := rand.New(rand.NewPCG(seed, 2)), t.TempDir()
			long := landing.OpenIndexed(root, 3) // as of a program that goes on
			for step := range 60 {
				z := landing.OpenIndexed(root, 3)
				if random.IntN(3) == 0 {
					z = long
				}
				name := happen(t, z, random, step)
				if random.IntN(3) > 0 {
					age(t, root)
				}
				for what, z := range map[string]*landing.Zone{"new": landing.OpenIndexed(root, 3), "long": long} {
					want, err := z.ReadManifests("shop")
					if err != nil {
						t.Fatal(err)
					}
					got, err := z.Manifests("shop")
					if err != nil {
						t.Fatal(err)
					}
					equal(t, fmt.Sprintf("step %d, %s, %s program", step, name, what), got, want)
				}
			}
		})
	}
}

func happen(t *testing.T, z *landing.Zone, random *rand.Rand, step int) string {
	t.Helper()
	change := func(name string, to func([]byte) []byte) {
		path := filepath.Join(z.Root(), "shop", name)
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) || len(text) == 0 {
			return
		}
		if err == nil {
			err = os.WriteFile(path, to(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := []string{landing.IndexName, landing.StampName}[random.IntN(2)]
	switch random.IntN(12) {
	case 0:
		compact := landing.CompactOptions{KeepBytes: 3500}
		if _, err := z.Compact(t.Context(), "shop", compact); err != nil {
			t.Fatal(err)
		}
		return "compaction"
	case 1, 2, 3:
		if _, err := z.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		return "cleaning up"
	case 4:
		manifests, err := filepath.Glob(filepath.Join(z.Root(), "shop", "_manifests", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(manifests) > 0 {
			if err := os.Remove(manifests[random.IntN(len(manifests))]); err != nil {
				t.Fatal(err)
			}
		}
		return "a manifest is deleted"
	case 5:
		change(file, func(text []byte) []byte { text[random.IntN(len(text))] ^= 1 << random.IntN(8); return text })
		return file + " is damaged"
	case 6:
		change(file, func(text []byte) []byte { return text[:random.IntN(len(text))] })
		return file + " is cut"
	}
	rows := map[string]string{fmt.Sprint(random.IntN(20)): fmt.Sprint(step), fmt.Sprint(random.IntN(20)): "deleted"}
	if _, err := landRun(t.Context(), z, fmt.Sprintf("r%03d", step), rows); err != nil {
		t.Fatal(err)
	}
	return "a run"
}

// A zone in which nothing has changed is not looked through again, and what an
// interrupted run leaves is found all the same.
func TestRecover_Indexed(t *testing.T) {
	root := t.TempDir()
	z := landing.OpenIndexed(root, 3)
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	recover := func() landing.Recovery {
		t.Helper()
		age(t, root)
		r, err := landing.OpenIndexed(root, 3).Recover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	recover()
	for _, name := range []string{landing.IndexName, landing.StampName} {
		if _, err := os.Stat(filepath.Join(root, "shop", name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, left := range []string{
		"shop/shop.orders/run=r9/part-00001.parquet", "shop/_quarantine/run=r9/orders-00001.parquet",
		"shop/_manifests/r9.orders.json.tmp", "shop/shop.customers/run=r9/part-00001.parquet.tmp",
	} {
		path := filepath.Join(root, left)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if r := recover(); len(r.Files) != 1 || r.Files[0] != left {
			t.Errorf("removed %q, want %q", r.Files, left)
		}
	}
	t.Run("an index of another format is written anew, whatever its stamp says", func(t *testing.T) {
		index := filepath.Join(root, "shop", landing.IndexName)
		recover() // writes a stamp
		for _, name := range []string{index, filepath.Join(root, "shop", landing.StampName)} {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			older := bytes.Replace(text, []byte("winback index "), []byte("winback older "), 1)
			if err := errors.Join(os.WriteFile(name, older, 0o644), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
				t.Fatal(err)
			}
		}
		recover()
		if text, err := os.ReadFile(index); err != nil || !bytes.HasPrefix(text, []byte("winback index ")) {
			t.Errorf("the index begins with %q, %v", text[:min(len(text), 20)], err)
		}
	})
	t.Run("a manifest that somebody deletes takes its files along", func(t *testing.T) {
		if err := os.Remove(filepath.Join(root, "shop/_manifests/r3.orders.json")); err != nil {
			t.Fatal(err)
		}
		if r := recover(); len(r.Files) != 1 || r.Files[0] != "shop/shop.orders/run=r3/part-00001.parquet" {
			t.Errorf("removed %q", r.Files)
		}
	})
}
