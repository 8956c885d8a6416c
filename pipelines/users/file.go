package users

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// FileName is the usual name of the file of users, in a project's home.
const FileName = "users.json"

// File keeps users. Several processes may use it: a change takes its lock, and
// readers see the old file or the new one. Only its owner may read it.
type File struct{ path string }

// NewFile keeps users in the file of that path, which need not be there yet.
func NewFile(path string) *File { return &File{path} }

// Path is where the file is.
func (f *File) Path() string { return f.path }

// contents is what is in the file.
type contents struct {
	Version int    `json:"version"`
	Users   []User `json:"users"`
}

const fileVersion = 1

// Read returns the users by name; none where there is no file.
func (f *File) Read() ([]User, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	list, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the users: %s: %w", f.path, err)
	}
	return list, nil
}

func parse(text []byte) ([]User, error) {
	var c contents
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return nil, err
	}
	if c.Version != fileVersion {
		return nil, fmt.Errorf("it is of version %d, and this winback knows version %d", c.Version, fileVersion)
	}
	seen := map[string]bool{}
	for i := range c.Users {
		u := &c.Users[i]
		if err := u.check(); err != nil {
			return nil, err
		}
		if _, err := parseHash(u.Password); err != nil {
			return nil, fmt.Errorf("user %s: %w", u.Name, err)
		}
		if seen[u.Name] {
			return nil, fmt.Errorf("user %s is there twice", u.Name)
		}
		seen[u.Name] = true
		if len(u.Databases) == 0 {
			u.Databases = u.Role.Databases()
		}
	}
	slices.SortFunc(c.Users, func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	return c.Users, nil
}

// UnknownError says that a user is not in the file.
type UnknownError struct{ Name, Path string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no user %s in %s", e.Name, e.Path)
}

// Add adds a user with a password.
func (f *File) Add(ctx context.Context, u User, password string, now time.Time) error {
	if err := u.check(); err != nil {
		return err
	}
	hash, err := Hash(password)
	if err != nil {
		return err
	}
	u.Password, u.ChangedAt = hash, now.UTC().Truncate(time.Second)
	return f.change(ctx, func(list []User) ([]User, error) {
		if at(list, u.Name) >= 0 {
			return nil, thereAlready(u.Name)
		}
		return append(list, u), nil
	})
}

// Accepts tells why a user could not be added, before a password is asked for.
func (f *File) Accepts(u User) error {
	if err := u.check(); err != nil {
		return err
	}
	list, err := f.Read()
	if err == nil && at(list, u.Name) >= 0 {
		err = thereAlready(u.Name)
	}
	return err
}

func thereAlready(name string) error {
	return fmt.Errorf("there is a user %s already; winback users passwd %[1]s gives a new password, and who is to have another role is removed first", name)
}

// Has returns an *UnknownError when there is no such user.
func (f *File) Has(name string) error {
	list, err := f.Read()
	if err == nil && at(list, name) < 0 {
		err = &UnknownError{name, f.path}
	}
	return err
}

// SetPassword gives a user another password.
func (f *File) SetPassword(ctx context.Context, name, password string, now time.Time) error {
	hash, err := Hash(password)
	if err != nil {
		return err
	}
	return f.change(ctx, func(list []User) ([]User, error) {
		i := at(list, name)
		if i < 0 {
			return nil, &UnknownError{name, f.path}
		}
		list[i].Password, list[i].ChangedAt = hash, now.UTC().Truncate(time.Second)
		return list, nil
	})
}

// Remove takes a user out.
func (f *File) Remove(ctx context.Context, name string) error {
	return f.change(ctx, func(list []User) ([]User, error) {
		i := at(list, name)
		if i < 0 {
			return nil, &UnknownError{name, f.path}
		}
		return slices.Delete(list, i, i+1), nil
	})
}

func at(list []User, name string) int {
	return slices.IndexFunc(list, func(u User) bool { return u.Name == name })
}

// lockWait is how long another process's change is waited for.
const lockWait = 10 * time.Second

// change rewrites the file under its lock.
func (f *File) change(ctx context.Context, edit func([]User) ([]User, error)) (err error) {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return fmt.Errorf("write the users: %w", err)
	}
	lock := flock.New(f.path+".lock", flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return fmt.Errorf("lock %s, which another process may be writing: %w", f.path, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	list, err := f.Read()
	if err != nil {
		return err
	}
	if list, err = edit(list); err != nil {
		return err
	}
	text, err := json.MarshalIndent(contents{Version: fileVersion, Users: list}, "", "  ")
	if err != nil {
		return fmt.Errorf("write the users: %w", err)
	}
	if err := renameio.WriteFile(f.path, append(text, '\n'), 0o600, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("write the users: %w", err)
	}
	return nil
}

// stamp tells one state of the file from another; the zero stamp is no file.
type stamp struct {
	size     int64
	modified time.Time
	identity os.FileInfo
}

func (f *File) stamp() (stamp, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, fmt.Errorf("look at the users: %w", err)
	}
	return stamp{info.Size(), info.ModTime(), info}, nil
}

func (s stamp) same(other stamp) bool {
	switch {
	case s.identity == nil || other.identity == nil:
		return s.identity == nil && other.identity == nil
	case s.size != other.size || !s.modified.Equal(other.modified):
		return false
	}
	return os.SameFile(s.identity, other.identity)
}

// Readable says who besides its owner may read the file; empty when nobody may.
func (f *File) Readable() (string, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look at the users: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Sprintf("%s may be read by others than its owner: chmod 600 %[1]s", f.path), nil
	}
	return "", nil
}
