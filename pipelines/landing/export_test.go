package landing

import (
	"errors"
	"sync"
)

// Disk stands in for the file system of a zone: it counts what is asked of it
// and fails at one point, and then, if it is to crash, at everything after.
type Disk struct {
	FailAt  int   // number of the operation that fails, from 1; 0 never
	Err     error // what it fails with
	Crashes bool

	mu   sync.Mutex
	Done int
	Log  []string
}

// ErrCrash is how a crashing disk fails.
var ErrCrash = errors.New("the process was killed")

// OpenOn returns a zone on a disk.
func OpenOn(root string, d *Disk) *Zone {
	z := Open(root)
	z.files = d
	return z
}

func (d *Disk) step(op, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Done++
	d.Log = append(d.Log, op+" "+path)
	if d.FailAt > 0 && (d.Done == d.FailAt || d.Crashes && d.Done > d.FailAt) {
		return d.Err
	}
	return nil
}

func (d *Disk) create(path string) (writtenFile, error) {
	if err := d.step("create", path); err != nil {
		return nil, err
	}
	f, err := disk{}.create(path)
	return &diskFile{writtenFile: f, disk: d, path: path}, err
}

func (d *Disk) rename(from, to string) error {
	if err := d.step("rename", to); err != nil {
		return err
	}
	return disk{}.rename(from, to)
}

func (d *Disk) syncDir(path string) error {
	if err := d.step("sync", path); err != nil {
		return err
	}
	return disk{}.syncDir(path)
}

func (d *Disk) mkdir(path string) error {
	if err := d.step("mkdir", path); err != nil {
		return err
	}
	return disk{}.mkdir(path)
}

func (d *Disk) remove(path string) error {
	if err := d.step("remove", path); err != nil {
		return err
	}
	return disk{}.remove(path)
}

type diskFile struct {
	writtenFile
	disk *Disk
	path string
}

// Write fails after half of the bytes, as a full disk does.
func (f *diskFile) Write(p []byte) (int, error) {
	if err := f.disk.step("write", f.path); err != nil {
		n, _ := f.writtenFile.Write(p[:len(p)/2])
		return n, err
	}
	return f.writtenFile.Write(p)
}

func (f *diskFile) Sync() error {
	if err := f.disk.step("sync", f.path); err != nil {
		return err
	}
	return f.writtenFile.Sync()
}

// OpenIndexed returns a zone that keeps an index as soon as there are so many
// manifests.
func OpenIndexed(root string, from int) *Zone {
	z := Open(root)
	z.indexFrom = from
	return z
}

// OpenComparing returns a zone that keeps few traces of rows in memory, and compares
// all from so many rows that are landed only if enough come.
func OpenComparing(root string, chunk int, from int64) *Zone {
	z := Open(root)
	z.traceChunk, z.comparedFrom = chunk, from
	return z
}

// ComparingOn is OpenComparing on a disk.
func ComparingOn(root string, d *Disk, chunk int) *Zone {
	z := OpenComparing(root, chunk, comparedFrom)
	z.files = d
	return z
}

// ReadManifests reads the manifests of a source from their files, whatever an index
// says, and leaves out those that were replaced.
func (z *Zone) ReadManifests(source string) ([]*Manifest, error) {
	all, err := readFolder(z.dir(source, manifestDir))
	if err != nil {
		return nil, err
	}
	heads := map[string]*Manifest{}
	for _, m := range all {
		if head := heads[m.Dataset]; m.Compacted != nil && (head == nil || head.Compacted.Generation < m.Compacted.Generation) {
			heads[m.Dataset] = m
		}
	}
	var live []*Manifest
	for _, m := range all {
		if head := heads[m.Dataset]; head == nil || head == m || m.ExtractedAt.After(head.ExtractedAt) {
			live = append(live, m)
		}
	}
	return live, nil
}

// Names of the files that speed up the reading of manifests.
const (
	IndexName = indexName
	StampName = stampName
)
