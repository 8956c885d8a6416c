package landing

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"
)

// The manifests of a source are many small files. Once there are more than a few,
// their content is kept in one file beside their folder as well, the index, which is
// read in their stead. It is a copy: each record in it counts only while the file it
// was made of is there with the size and time it had; what the index lacks is read
// from the files; a damaged index costs time and nothing else.

const (
	indexName = "_manifests.index"
	// indexMagic begins an index and names its format.
	indexMagic = "winback index 4\n"
	// indexFrom is how many manifests an index may lack before it is written anew.
	indexFrom = 64
)

// catalog is what is known of the manifests of a source.
type catalog struct {
	dir     string
	changed time.Time // when a name in their folder changed last
	index   *os.File  // the index as it was then, or nil
	valid   []uint64  // bits: which records of the index count; nil for all
	indexed int       // how many do
	invalid int       // how many do not
	extras  []*Brief  // manifests that the index lacks, oldest first
	gist              // of all manifests
	// clean are the folders of the source and when a name in them changed last, if
	// nothing has changed since they were swept.
	clean map[string]int64
}

// Briefs goes through the manifests of a source that count, oldest first, without
// holding all of them. A source that nothing was extracted from has none. The error
// is a *ManifestError if one of them is damaged.
func (z *Zone) Briefs(source string) iter.Seq2[*Brief, error] {
	return func(yield func(*Brief, error) bool) {
		c, err := z.catalog(source)
		if err != nil {
			yield(nil, err)
			return
		}
		for b, err := range c.live() {
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// live goes through the manifests that count, oldest first.
func (c *catalog) live() iter.Seq2[*Brief, error] {
	return func(yield func(*Brief, error) bool) {
		for b, err := range c.all() {
			if err == nil && b.replacedBy(c.heads[b.Dataset]) {
				continue
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// all goes through all manifests, oldest first, those among them that were replaced.
func (c *catalog) all() iter.Seq2[*Brief, error] {
	return func(yield func(*Brief, error) bool) {
		extras, read, found := c.extras, 0, 0
		for b := range readIndex(c.index) {
			if read++; !c.counts(read - 1) {
				continue
			}
			found++
			for len(extras) > 0 && extras[0].before(b) < 0 {
				if !yield(extras[0], nil) {
					return
				}
				extras = extras[1:]
			}
			if !yield(b, nil) {
				return
			}
		}
		if found < c.indexed { // the index was damaged since: the files have the rest
			lost, err := c.unread(read)
			if err != nil {
				yield(nil, err)
				return
			}
			extras = slices.Concat(extras, lost)
			slices.SortFunc(extras, (*Brief).before)
		}
		for _, b := range extras {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// counts says whether a record of the index stands for a file that is there.
func (c *catalog) counts(record int) bool {
	return c.valid == nil || record/64 < len(c.valid) && c.valid[record/64]&(1<<(record%64)) != 0
}

// unread reads the manifests that are neither among the first records of the index
// nor among the extras.
func (c *catalog) unread(records int) ([]*Brief, error) {
	files, err := signatures(c.dir)
	if err != nil {
		return nil, err
	}
	for b := range readIndex(c.index) {
		if records--; records < 0 {
			break
		}
		delete(files, xxhash.Sum64String(b.fileName()))
	}
	for _, b := range c.extras {
		delete(files, xxhash.Sum64String(b.fileName()))
	}
	return readExtras(c.dir, files)
}

// catalog returns what is known of a source's manifests, after a look at whether
// that is still so.
func (z *Zone) catalog(source string) (*catalog, error) {
	if err := z.refresh(context.Background()); err != nil {
		return nil, err
	}
	z.catalogsMu.Lock()
	defer z.catalogsMu.Unlock()
	dir := z.dir(source, manifestDir)
	known := z.catalogs[source]
	var c *catalog
	for range attempts {
		before, err := changed(dir)
		if err != nil {
			return nil, err
		}
		if known != nil && known.changed.Equal(before) && !before.IsZero() {
			return known, nil
		}
		c, err = z.takeStock(source, before)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, z.inStore(err)
		}
		after, again := changed(dir)
		if again != nil {
			return nil, again
		}
		if err == nil && after.Equal(before) {
			c.changed = before
			// A name that changes in the moment of the look may bear its time.
			if time.Since(before) > time.Second {
				z.catalogs[source] = c
			}
			return c, nil
		}
	}
	if c == nil {
		return nil, storageError("read", dir, errors.New("it changes all the time"))
	}
	return c, nil
}

// takeStock finds out what there is of a source's manifests, whose folder changed
// then.
func (z *Zone) takeStock(source string, then time.Time) (*catalog, error) {
	// The index stays open: what is known of it holds for this file, not for one
	// that another process puts in its place.
	index, err := os.Open(z.dir(source, indexName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, storageError("read", z.dir(source, indexName), err)
	}
	if c := z.readStamp(source, then, index); c != nil {
		return c, nil
	}
	return compareIndex(z.dir(source, manifestDir), index)
}

// compareIndex compares a folder of manifests with its index.
func compareIndex(dir string, index *os.File) (*catalog, error) {
	files, err := signatures(dir)
	if err != nil {
		return nil, err
	}
	c := &catalog{dir: dir, index: index, valid: []uint64{}, gist: newGist()}
	n := 0
	for b := range readIndex(c.index) {
		if n/64 >= len(c.valid) {
			c.valid = append(c.valid, 0)
		}
		id := xxhash.Sum64String(b.fileName())
		if have, ok := files[id]; ok && have == signature(b.size, b.changed) {
			c.valid[n/64] |= 1 << (n % 64)
			c.indexed++
			delete(files, id)
			c.note(b)
		} else {
			c.invalid++
		}
		n++
	}
	if len(files) > 0 {
		if c.extras, err = readExtras(dir, files); err != nil {
			return nil, err
		}
		for _, b := range c.extras {
			c.note(b)
		}
	}
	return c, nil
}

// signatures tells of each manifest in a folder, by the hash of its name, what its
// file looks like.
func signatures(dir string) (map[uint64]uint64, error) {
	files := map[uint64]uint64{}
	err := eachName(dir, func(e fs.DirEntry) error {
		if !strings.HasSuffix(e.Name(), manifestSuffix) {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		files[xxhash.Sum64String(e.Name())] = signature(info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return files, err
}

// eachName calls visit for what is in a folder, in no order. A folder that is not
// there is empty.
func eachName(dir string, visit func(fs.DirEntry) error) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return storageError("read", dir, err)
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(1024)
		for _, e := range entries {
			if err := visit(e); err != nil {
				return storageError("read", filepath.Join(dir, e.Name()), err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return storageError("read", dir, err)
		}
	}
}

// readExtras reads the manifests of a folder that are wanted, by the hashes of their
// names, oldest first.
func readExtras(dir string, wanted map[uint64]uint64) ([]*Brief, error) {
	var (
		group errgroup.Group
		mu    sync.Mutex
		list  []*Brief
	)
	group.SetLimit(runtime.GOMAXPROCS(0))
	err := eachName(dir, func(e fs.DirEntry) error {
		if _, ok := wanted[xxhash.Sum64String(e.Name())]; !ok || !strings.HasSuffix(e.Name(), manifestSuffix) {
			return nil
		}
		group.Go(func() error {
			b, err := readBrief(dir, e)
			mu.Lock()
			defer mu.Unlock()
			list = append(list, b)
			return err
		})
		return nil
	})
	if err = errors.Join(group.Wait(), err); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *Brief) int { return a.before(b) })
	return list, nil
}

func readBrief(dir string, e fs.DirEntry) (*Brief, error) {
	path := filepath.Join(dir, e.Name())
	info, err := e.Info()
	if err != nil {
		return nil, storageError("read", path, err)
	}
	m, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	return briefOf(m, e.Name(), info.Size(), info.ModTime().UnixNano())
}
