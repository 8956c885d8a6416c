// Package backup keeps copies of a folder in an object store, a directory or a
// bucket. The content of files is kept under its SHA-256, in a generation that a
// full backup begins and incremental ones go on with; a backup is a manifest that
// names the objects it is made of, written last. So a backup that broke off is no
// backup, each one is listed and restored by itself, and a full one depends on
// nothing that was stored before.
//
//	backups/<id>.json                          manifests
//	objects/<id of a full backup>/ab/ab12…     contents
package backup

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"winback/pipelines/objects"
)

// Kind says what a backup builds on.
type Kind string

// The kinds of backups.
const (
	Full        Kind = "full"        // all content was stored anew
	Incremental Kind = "incremental" // content that the generation has was not stored again
)

const manifestFormat = 1

// Manifest says what a backup holds.
type Manifest struct {
	Format int `json:"format"`
	// ID sorts by time.
	ID      string `json:"id"`
	Kind    Kind   `json:"kind"`
	Project string `json:"project"`
	// Home is the id of the home that was backed up: a store is of one home.
	Home string `json:"home"`
	// Generation is the full backup whose objects it shares.
	Generation string `json:"generation"`
	// TakenAt is the moment that the backup shows, FinishedAt when it was stored.
	TakenAt    time.Time `json:"taken_at"`
	FinishedAt time.Time `json:"finished_at"`
	// Program and Engine are the versions of winback and of ClickHouse.
	Program string `json:"program"`
	Engine  string `json:"engine,omitempty"`
	// Files are what was backed up, in the order of their paths.
	Files []File `json:"files"`
	// Tables are what the warehouse held, for those who restore to compare with.
	Tables []Table `json:"tables,omitempty"`
	// LeftOut says what is not in it, and why.
	LeftOut []string `json:"left_out,omitempty"`
	// Stored is what had to be stored, the rest was there.
	Stored Size `json:"stored"`
}

// File is a file of a backup, or a symbolic link.
type File struct {
	Path string `json:"path"` // relative, with slashes
	Size int64  `json:"size"`
	// Changed tells an incremental backup that a file is the one it knows.
	Changed time.Time `json:"changed"`
	SHA256  string    `json:"sha256,omitempty"`
	Link    string    `json:"link,omitempty"` // where a symbolic link leads
}

// Table is what a table held when the backup was taken.
type Table struct {
	Name string `json:"name"`
	Rows uint64 `json:"rows"`
	// Hash is the same for the same rows in any order.
	Hash string `json:"hash"`
}

// Size counts files.
type Size struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Size is what restoring the backup writes.
func (m *Manifest) Size() Size {
	var s Size
	for _, f := range m.Files {
		if f.Link == "" {
			s.Files++
			s.Bytes += f.Size
		}
	}
	return s
}

const (
	manifestFolder = "backups/"
	objectFolder   = "objects/"
	manifestSuffix = ".json"
)

func manifestKey(id string) string { return manifestFolder + id + manifestSuffix }

// objectKey is where content is kept.
func (m *Manifest) objectKey(sum string) string {
	return objectFolder + m.Generation + "/" + sum[:2] + "/" + sum
}

// NotFoundError says that a store has no such backup.
type NotFoundError struct {
	Store, ID string
	Known     []string
}

func (e *NotFoundError) Error() string {
	switch {
	case len(e.Known) == 0:
		return fmt.Sprintf("%s holds no backup", e.Store)
	case e.ID == "":
		return fmt.Sprintf("%s holds no such backup", e.Store)
	}
	return fmt.Sprintf("%s holds no backup %q; winback backup list shows those it has, the last is %s", e.Store, e.ID, e.Known[len(e.Known)-1])
}

// IDs returns the backups of a store, oldest first.
func IDs(ctx context.Context, store objects.Store) ([]string, error) {
	var ids []string
	for info, err := range store.List(ctx, manifestFolder) {
		if err != nil {
			return nil, fmt.Errorf("list the backups: %w", err)
		}
		name := strings.TrimPrefix(info.Key, manifestFolder)
		if id, ok := strings.CutSuffix(name, manifestSuffix); ok && !strings.Contains(id, "/") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// List returns the backups of a store, oldest first.
func List(ctx context.Context, store objects.Store) ([]*Manifest, error) {
	ids, err := IDs(ctx, store)
	if err != nil {
		return nil, err
	}
	list := make([]*Manifest, 0, len(ids))
	for _, id := range ids {
		m, err := read(ctx, store, id)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// Find returns a backup by its id, or the last one if none is given. The error is a
// *NotFoundError if there is none.
func Find(ctx context.Context, store objects.Store, id string) (*Manifest, error) {
	ids, err := IDs(ctx, store)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 || id != "" && !slices.Contains(ids, id) {
		return nil, &NotFoundError{Store: store.String(), ID: id, Known: ids}
	}
	return read(ctx, store, cmp.Or(id, ids[len(ids)-1]))
}

// Last is when the newest backup was taken; zero if there is none.
func Last(ctx context.Context, store objects.Store) (time.Time, error) {
	m, err := Find(ctx, store, "")
	var none *NotFoundError
	if errors.As(err, &none) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return m.TakenAt, nil
}

// read reads a manifest, which carries the SHA-256 of its text in a line before it.
func read(ctx context.Context, store objects.Store, id string) (*Manifest, error) {
	text, _, err := objects.ReadBytes(ctx, store, manifestKey(id))
	if err != nil {
		return nil, err
	}
	sum, body, found := bytes.Cut(text, []byte("\n"))
	m := &Manifest{}
	switch {
	case !found || string(sum) != sumOf(body):
		err = errors.New("its checksum is wrong")
	default:
		err = json.Unmarshal(body, m)
	}
	if err == nil && (m.Format != manifestFormat || m.ID != id) {
		err = fmt.Errorf("it is of format %d, which this winback does not know", m.Format)
	}
	if err != nil {
		return nil, &DamagedError{Place: store.String() + "/" + manifestKey(id), Reason: err.Error()}
	}
	return m, nil
}

// write puts the manifest in place, which makes the backup one.
func (m *Manifest) write(ctx context.Context, store objects.Store) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the backup's manifest: %w", err)
	}
	text := append([]byte(sumOf(body)+"\n"), body...)
	_, err = objects.WriteBytes(ctx, store, manifestKey(m.ID), text, objects.IfAbsent())
	return err
}

// DamagedError says that something in a store is not what was written.
type DamagedError struct{ Place, Reason string }

func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Place, e.Reason) }
