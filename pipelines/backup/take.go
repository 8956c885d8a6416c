package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"winback/pipelines/objects"
)

// parallel is how many files are on the way at once.
const parallel = 8

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Distant is a file that is to be in a backup and is kept elsewhere.
type Distant struct {
	Path    string // in the backup
	Size    int64
	Changed time.Time
	Open    func(ctx context.Context) (io.ReadCloser, error)
}

// Take stores a folder that nobody changes meanwhile, and distant files. The manifest says who and
// when; its Files, Kind, Generation and Stored are filled in. An incremental backup
// goes on with the generation of the last one, and becomes a full one if there is
// none. A file that has size and time of change of the last backup is taken to be
// the same. The error is a *OtherHomeError if the store is of another home.
func Take(ctx context.Context, store objects.Store, folder string, m *Manifest, now func() time.Time, distant ...Distant) error {
	known, err := List(ctx, store)
	if err != nil {
		return err
	}
	t := &taking{store: store, folder: folder, manifest: m, have: map[string]bool{}, same: map[string]File{}, distant: map[string]Distant{}}
	for _, d := range distant {
		t.distant[d.Path] = d
	}
	if err := t.buildOn(ctx, known); err != nil {
		return err
	}
	if err := t.find(); err != nil {
		return err
	}
	if err := t.storeAll(ctx); err != nil {
		return err
	}
	m.FinishedAt = now().UTC()
	return m.write(ctx, store)
}

// OtherHomeError says that a store holds the backups of another home.
type OtherHomeError struct{ Store, Project string }

func (e *OtherHomeError) Error() string {
	return fmt.Sprintf("%s holds backups of another home (project %s); name a directory or a prefix of its own", e.Store, e.Project)
}

type taking struct {
	store    objects.Store
	folder   string
	manifest *Manifest
	same     map[string]File // files of the last backup, by path
	distant  map[string]Distant

	mu   sync.Mutex
	have map[string]bool // contents that the generation has, or that are being stored
}

// buildOn looks at what is there, for an incremental backup.
func (t *taking) buildOn(ctx context.Context, known []*Manifest) error {
	m := t.manifest
	m.Format = manifestFormat
	for _, k := range known {
		if k.Home != m.Home {
			return &OtherHomeError{Store: t.store.String(), Project: k.Project}
		}
	}
	if len(known) == 0 {
		m.Kind = Full
	}
	if m.Kind == Full {
		m.Generation = m.ID
		return nil
	}
	last := known[len(known)-1]
	m.Generation = last.Generation
	for _, f := range last.Files {
		t.same[f.Path] = f
	}
	// What is named is not always there: somebody may have removed an object.
	for info, err := range t.store.List(ctx, objectFolder+m.Generation+"/") {
		if err != nil {
			return fmt.Errorf("list what the last backups stored: %w", err)
		}
		t.have[info.Key[strings.LastIndexByte(info.Key, '/')+1:]] = true
	}
	return nil
}

// find lists the files of the folder.
func (t *taking) find() error {
	err := filepath.WalkDir(t.folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(t.folder, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		f := File{Path: filepath.ToSlash(relative), Size: info.Size(), Changed: info.ModTime().UTC()}
		if e.Type()&fs.ModeSymlink != 0 {
			f.Size = 0
			if f.Link, err = os.Readlink(path); err != nil {
				return err
			}
		}
		t.manifest.Files = append(t.manifest.Files, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list what is to be backed up: %w", err)
	}
	for _, d := range t.distant {
		t.manifest.Files = append(t.manifest.Files, File{Path: d.Path, Size: d.Size, Changed: d.Changed.UTC()})
	}
	slices.SortFunc(t.manifest.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// storeAll stores the files beside each other.
func (t *taking) storeAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range t.manifest.Files {
		f := &t.manifest.Files[i]
		if f.Link != "" {
			continue
		}
		group.Go(func() error {
			if err := t.storeFile(ctx, f); err != nil {
				return fmt.Errorf("back up %s: %w", f.Path, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (t *taking) storeFile(ctx context.Context, f *File) error {
	if was, ok := t.same[f.Path]; ok && was.Size == f.Size && was.Changed.Equal(f.Changed) && t.has(was.SHA256) {
		f.SHA256 = was.SHA256
		return nil
	}
	file, err := t.open(ctx, f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return err
	}
	if size != f.Size {
		return errors.New("it changed while it was read")
	}
	f.SHA256 = hex.EncodeToString(hash.Sum(nil))
	if !t.claim(f) {
		return nil
	}
	_, err = t.store.Write(ctx, t.manifest.objectKey(f.SHA256), file, size, objects.Always())
	return err
}

// open opens a file of the folder, or brings a distant one, which is read twice: for its
// sum and to be stored.
func (t *taking) open(ctx context.Context, path string) (*os.File, error) {
	d, distant := t.distant[path]
	if !distant {
		return os.Open(filepath.Join(t.folder, filepath.FromSlash(path)))
	}
	in, err := d.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	file, err := os.CreateTemp(t.folder, ".distant-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(file.Name()) // it stays as long as it is open
	if err == nil {
		_, err = io.Copy(file, in)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (t *taking) has(sum string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.have[sum]
}

// claim says whether the caller is the one to store a content.
func (t *taking) claim(f *File) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.have[f.SHA256] {
		return false
	}
	t.have[f.SHA256] = true
	t.manifest.Stored.Files++
	t.manifest.Stored.Bytes += f.Size
	return true
}
