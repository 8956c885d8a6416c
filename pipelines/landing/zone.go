package landing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// Folders of a source beside those of its entities.
const (
	manifestDir   = "_manifests"
	quarantineDir = "_quarantine"
	failedDir     = "_failed"
	runPrefix     = "run="
)

// Zone is a landing zone.
type Zone struct {
	root  string
	files files
	now   func() time.Time
	// remote is the store that the zone is kept in, if its folder is a working copy.
	remote *remote

	mu    sync.Mutex
	parts map[string]int // last part number given out, by folder

	traceChunk   int   // as the constant, in tests fewer
	comparedFrom int64 // so, too
	indexFrom    int   // how many manifests an index may lack
	catalogsMu   sync.Mutex
	catalogs     map[string]*catalog // by source
}

// Open returns the landing zone in a folder, which need not exist yet.
func Open(root string) *Zone {
	return &Zone{
		root: root, files: disk{}, now: time.Now, parts: map[string]int{}, catalogs: map[string]*catalog{},
		traceChunk: traceChunk, comparedFrom: comparedFrom, indexFrom: indexFrom,
	}
}

// Root returns the zone's folder.
func (z *Zone) Root() string { return z.root }

// dir returns a folder of a source.
func (z *Zone) dir(source string, more ...string) string {
	return filepath.Join(append([]string{z.root, source}, more...)...)
}

// Path returns where a file of a manifest is, for people: a path, or s3://bucket/….
func (z *Zone) Path(relative string) string {
	if z.remote != nil {
		return z.remote.store.String() + "/" + relative
	}
	return z.local(relative)
}

// local returns the path of a file in the zone's folder.
func (z *Zone) local(relative string) string {
	return filepath.Join(z.root, filepath.FromSlash(relative))
}

// relative is the reverse of local.
func (z *Zone) relative(path string) string {
	return filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, z.root), string(filepath.Separator)))
}

// Sources returns the names of the sources that the zone has something of.
func (z *Zone) Sources() ([]string, error) {
	if err := z.refresh(context.Background()); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(z.root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, storageError("read", z.root, err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && safeName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// RunInfo names a run for the rows and files it leaves.
type RunInfo struct {
	RunID  string // unique, fit for a file name
	Source string // configured name of the source
	// ExtractedAt is when the run began to read. Rows carry it as their version,
	// moved on where an earlier run has the same or a later one, as after the
	// clock went back.
	ExtractedAt time.Time
}

// Options say how a dataset is written. The zero value means the defaults.
type Options struct {
	// PartBytes is how much memory the rows of one part may take, by default
	// 64 MiB. A part file is about a quarter of that.
	PartBytes int
	// PartRows is how many rows a part may have, by default 1,048,576.
	PartRows int
	// MemoryBytes is how much memory the rows being collected may take for all
	// entities of the dataset, by default twice PartBytes. As much again may be
	// on the way to the disk.
	MemoryBytes int
	// PartsInFlight is how many parts are sorted and written in the background
	// at once, by default 2.
	PartsInFlight int
	// RejectLimit is the share of an entity's records, 0 to 1, that may be
	// rejected, by default 0.05.
	RejectLimit entity.Opt[float64]
	// RejectFrom is how many rejected records the limit counts from, by default 1.
	// Fewer are too many only where they are more than half of all, or none is
	// allowed.
	RejectFrom int64
	// DropPayload leaves out the source's own record.
	DropPayload bool
	// DropUnchanged leaves out the rows that say nothing new: the newest landed row of
	// the source with their key says the same.
	DropUnchanged bool
	// Eraser, if set, says which rows are not taken in, and what is taken out of
	// others; rows that are not taken in count as ignored.
	Eraser Eraser
}

// Defaults of Options.
const (
	defaultPartBytes     = 64 << 20
	defaultPartRows      = 1 << 20
	defaultPartsInFlight = 2
	defaultRejectLimit   = 0.05
)

func (o Options) withDefaults() Options {
	set := func(to *int, value int) {
		if *to <= 0 {
			*to = value
		}
	}
	set(&o.PartBytes, defaultPartBytes)
	set(&o.PartRows, defaultPartRows)
	set(&o.MemoryBytes, 2*o.PartBytes)
	set(&o.PartsInFlight, defaultPartsInFlight)
	if !o.RejectLimit.OK {
		o.RejectLimit = entity.Some(defaultRejectLimit)
	}
	return o
}

// safeName is what may stand in a path of the zone.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.\-]*$`)

// ErrCommitted says that the run has already committed the dataset.
var ErrCommitted = errors.New("already committed")

// Begin starts to write what a run extracts of one dataset. The writer must be
// ended by Commit or Abort. Errors: ErrCommitted, *ManifestError, *StorageError.
func (z *Zone) Begin(ctx context.Context, run RunInfo, dataset connectors.Dataset, options Options) (*Writer, error) {
	for what, name := range map[string]string{"run": run.RunID, "source": run.Source, "dataset": dataset.Name} {
		if !safeName.MatchString(name) {
			return nil, fmt.Errorf("%s name %q does not suit a file name: use letters, digits, '_', '-' and '.'", what, name)
		}
	}
	if err := z.mayWrite(); err != nil {
		return nil, err
	}
	m := &Manifest{Format: manifestFormat, RunID: run.RunID, Source: run.Source, Dataset: dataset.Name, StartedAt: z.now().UTC()}
	if _, err := os.Lstat(filepath.Join(z.dir(run.Source, manifestDir), m.fileName())); err == nil {
		return nil, fmt.Errorf("begin dataset %s in run %s: %w", dataset.Name, run.RunID, ErrCommitted)
	}
	c, err := z.catalog(run.Source)
	if err != nil {
		return nil, err
	}
	before, err := c.lastCursor(dataset.Name)
	if err != nil {
		return nil, err
	}
	m.CursorBefore = append(m.CursorBefore, before...)
	m.ExtractedAt = c.versionFor(run).Go()
	return newWriter(ctx, z, m, dataset, options.withDefaults())
}

// versionFor returns the version of a run's rows: its time, or the first instant
// after all other runs of the source.
func (c *catalog) versionFor(run RunInfo) entity.Time {
	version := entity.TimeOf(run.ExtractedAt)
	if other := c.newestBut(run.RunID); !other.IsZero() && version <= entity.TimeOf(other) {
		return entity.TimeOf(other) + 1
	}
	return version
}

// nextPart gives out the path of a new part file in a folder. Two datasets of a
// run may feed the same entity at the same time.
func (z *Zone) nextPart(dir string) string {
	z.mu.Lock()
	defer z.mu.Unlock()
	for {
		z.parts[dir]++
		path := filepath.Join(dir, fmt.Sprintf("part-%05d.parquet", z.parts[dir]))
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
}
