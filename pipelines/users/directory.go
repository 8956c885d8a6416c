package users

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Account is a user with a password that is known from elsewhere, such as the
// environment.
type Account struct {
	User
	// Secret is the password; empty lets everybody in under that name.
	Secret string
}

// Directory answers logins of a running service: by the file of users, which may
// change meanwhile, and by accounts of its configuration. It may be used by
// several goroutines.
type Directory struct {
	file    *File
	fixed   map[string]account
	guest   *User // nil for none
	log     *slog.Logger
	now     func() time.Time
	key     []byte // of this process, for what is remembered
	nobody  hashed
	gate    chan struct{} // bounds hashes at once
	flights singleflight.Group
	guesses *guesses

	mu      sync.Mutex
	stamp   stamp
	byName  map[string]entry // of the file
	lost    bool             // the file had users, and is not there any more
	known   map[[sha256.Size]byte]time.Time
	notices []func(name string)
}

// account is an Account with its password as a MAC.
type account struct {
	User
	open bool
	mac  [sha256.Size]byte
}

type entry struct {
	User
	hash hashed
}

// rememberFor is how long a password that was right is known without hashing it
// again; a dashboard asks sixteen times in a row.
const rememberFor = 5 * time.Minute

// rememberMost bounds how many are.
const rememberMost = 4096

// DirectoryOptions say who may log in.
type DirectoryOptions struct {
	// File keeps users; nil for none.
	File *File
	// Accounts are users besides those of the file, and go before them.
	Accounts []Account
	// Guest is let in without a password as long as there are no users; nil for
	// nobody. A file of users that vanishes, as while an editor writes it, lets nobody
	// in.
	Guest *User
	// Now tells the time. Nil: the clock.
	Now func() time.Time
	// Logger hears of a file that can't be read. Nil: nobody.
	Logger *slog.Logger
}

// NewDirectory reads the users. A file that can't be read is an error here; later
// its last good contents go on to count.
func NewDirectory(o DirectoryOptions) (*Directory, error) {
	d := &Directory{
		file: o.File, guest: o.Guest, fixed: map[string]account{}, log: o.Logger, now: o.Now, key: make([]byte, 32), nobody: nobody(),
		gate: make(chan struct{}, hashesAtOnce()), known: map[[sha256.Size]byte]time.Time{},
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.guesses = newGuesses(d.now)
	_, _ = rand.Read(d.key) // never fails
	for _, a := range o.Accounts {
		d.fixed[a.Name] = account{User: a.User, open: a.Secret == "", mac: d.mac(a.Name, "", a.Secret)}
	}
	if d.file == nil {
		return d, nil
	}
	return d, d.reload()
}

// Users are all who may log in, by name; the guest only where there are none.
func (d *Directory) Users() []User {
	if d.Anybody() {
		return []User{*d.guest}
	}
	var list []User
	for _, a := range d.fixed {
		list = append(list, a.User)
	}
	d.mu.Lock()
	for name, e := range d.byName {
		if _, hidden := d.fixed[name]; !hidden {
			list = append(list, e.User)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(list, func(a, b User) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return list
}

// ErrLogin refuses a login. It does not tell a wrong name from a wrong password.
var ErrLogin = errors.New("password is incorrect, or there is no user with such name")

// WaitError refuses a login without looking at it: too many failed before.
type WaitError struct{ Wait time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many logins failed; try again in %s", e.Wait.Round(time.Second))
}

// Login checks a password. Remote is where the login came from, as host:port or
// host: who guesses from there has to wait longer and longer, others don't. It
// returns ErrLogin, a *WaitError, or the context's error.
func (d *Directory) Login(ctx context.Context, name, password, remote string) (User, error) {
	d.Refresh()
	if d.guested(name) && password == "" {
		return *d.guest, nil
	}
	u, phc, check := d.find(name)
	mac := d.mac(name, phc, password)
	if d.remembers(mac) {
		return u, nil
	}
	if a, fixed := d.fixed[name]; fixed && subtle.ConstantTimeCompare(a.mac[:], mac[:]) == 1 {
		return u, nil // a comparison costs nothing, so it need not be remembered
	}
	// The same password that comes sixteen times at once is one attempt.
	result := d.flights.DoChan(string(mac[:]), func() (any, error) {
		return nil, d.attempt(name, password, remote, check, mac)
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return User{}, r.Err
		}
		return u, nil
	case <-ctx.Done():
		return User{}, context.Cause(ctx)
	}
}

// attempt hashes a password, unless this one guesses too much.
func (d *Directory) attempt(name, password, remote string, check hashed, mac [sha256.Size]byte) error {
	if wait := d.guesses.begin(name, remote); wait > 0 {
		return &WaitError{wait}
	}
	if len(password) > maxPassword {
		return ErrLogin
	}
	d.gate <- struct{}{}
	right := check.is(password)
	<-d.gate
	if !right {
		return ErrLogin
	}
	d.guesses.forget(name, remote)
	d.remember(mac)
	return nil
}

// find gives what a password is to be compared with: that of nobody where the
// name is unknown, or has no hash.
func (d *Directory) find(name string) (u User, phc string, check hashed) {
	if a, ok := d.fixed[name]; ok {
		return a.User, "", d.nobody
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.byName[name]; ok {
		return e.User, e.Password, e.hash
	}
	return User{}, "", d.nobody
}

// Open tells that the user of the name needs no password.
func (d *Directory) Open(name string) bool { return d.guested(name) || d.fixed[name].open }

// Anybody tells that there are no users, and the guest is let in.
func (d *Directory) Anybody() bool { return d.guest != nil && d.guested(d.guest.Name) }

// guested tells that the name is the guest's, and there are no users.
func (d *Directory) guested(name string) bool {
	if d.guest == nil || name != d.guest.Name || len(d.fixed) > 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.byName) == 0 && !d.lost
}

// mac stands for a password in memory. The hash in it makes it worthless when the
// password is changed.
func (d *Directory) mac(name, phc, password string) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, d.key)
	for _, part := range []string{name, phc, password} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	h.Sum(sum[:0])
	return sum
}

func (d *Directory) remembers(mac [sha256.Size]byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now().Before(d.known[mac])
}

func (d *Directory) remember(mac [sha256.Size]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= rememberMost {
		now := d.now()
		for key, until := range d.known {
			if !now.Before(until) {
				delete(d.known, key)
			}
		}
		if len(d.known) >= rememberMost {
			clear(d.known)
		}
	}
	d.known[mac] = d.now().Add(rememberFor)
}
