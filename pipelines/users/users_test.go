package users

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newFile gives a file with anna, an analyst.
func newFile(t *testing.T) *File {
	t.Helper()
	f := NewFile(filepath.Join(t.TempDir(), "home", FileName))
	if err := f.Add(t.Context(), User{Name: "anna", Role: Analyst}, "anna's password", noon); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestHash(t *testing.T) {
	t.Parallel()
	one, err := Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	two, _ := Hash("correct horse")
	if one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(one, "horse") {
		t.Errorf("%s and %s", one, two)
	}
	h, err := parseHash(one)
	if err != nil || !h.is("correct horse") || h.is("correct Horse") || h.is("") {
		t.Errorf("%+v: %v", h, err)
	}
	for _, bad := range []string{
		"", "secret", "$2a$10$abcdefghijklmnopqrstuv", strings.Replace(one, "argon2id", "argon2i", 1), strings.Replace(one, "v=19", "v=16", 1),
		strings.Replace(one, "m=19456", "m=4294967295", 1), strings.Replace(one, "t=2", "t=0", 1), strings.Replace(one, "p=1", "p=200", 1), one[:40], one + "$",
	} {
		if _, err := parseHash(bad); err == nil {
			t.Errorf("%q is taken for a hash", bad)
		}
	}
	for password, good := range map[string]bool{
		"12345678": true, "пароль из слов": true, NewPassword(): true,
		"": false, "1234567": false, "two\nlines here": false, "\xff\xff\xff\xff\xff\xff\xff\xff": false, strings.Repeat("x", 1025): false,
	} {
		if err := CheckPassword(password); (err == nil) != good {
			t.Errorf("%.20q: %v", password, err)
		}
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ctx := t.Context()
	for _, err := range []error{
		f.Add(ctx, User{Name: "graf", Role: Grafana, Databases: []string{"mart", "staging"}}, "graf's password", noon),
		f.Add(ctx, User{Name: "root", Role: Admin}, "root's password", noon),
		f.SetPassword(ctx, "anna", "anna's second", noon.Add(time.Hour)),
		f.Remove(ctx, "root"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Read()
	if err != nil {
		t.Fatal(err)
	}
	want := []User{
		{Name: "anna", Role: Analyst, Databases: []string{"mart"}, ChangedAt: noon.Add(time.Hour)},
		{Name: "graf", Role: Grafana, Databases: []string{"mart", "staging"}, ChangedAt: noon},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(User{}, "Password")); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(f.Path())
	if err != nil || strings.Contains(string(text), "anna's") {
		t.Errorf("a password stands in the file: %s, %v", text, err)
	}
	for _, path := range []string{f.Path(), f.Path() + ".lock"} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for what, err := range map[string]error{
		"there is a user anna already":                                         f.Add(ctx, User{Name: "anna", Role: Admin}, "long enough", noon),
		"there is no role \"boss\"; there are admin, analyst, grafana, loader": f.Add(ctx, User{Name: "b", Role: "boss"}, "long enough", noon),
		"wants a name of Latin letters":                                        f.Add(ctx, User{Name: "a b", Role: Admin}, "long enough", noon),
		"an admin is given no databases":                                       f.Add(ctx, User{Name: "b", Role: Admin, Databases: []string{"mart"}}, "long enough", noon),
		"is not to be given away":                                              f.Add(ctx, User{Name: "b", Role: Analyst, Databases: []string{"System"}}, "long enough", noon),
		"wants the name of a database":                                         f.Add(ctx, User{Name: "b", Role: Analyst, Databases: []string{"a.b"}}, "long enough", noon),
		"at least 8 characters":                                                f.Add(ctx, User{Name: "b", Role: Admin}, "short", noon),
		"there is no user eve in " + f.Path():                                  f.Remove(ctx, "eve"),
		"there is no user eva in " + f.Path():                                  f.SetPassword(ctx, "eva", "long enough", noon),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
}

func TestFile_ManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			if err := NewFile(path).Add(t.Context(), User{Name: fmt.Sprint("u", i), Role: Analyst}, "long enough", noon); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if list, err := NewFile(path).Read(); err != nil || len(list) != 6 {
		t.Errorf("%d users, %v", len(list), err)
	}
}

func TestFile_Damaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	hash, _ := Hash("long enough")
	user := func(name, role, hash string) string {
		return fmt.Sprintf(`{"name": %q, "role": %q, "password": %q, "changed_at": "2026-03-01T12:00:00Z"}`, name, role, hash)
	}
	for text, want := range map[string]string{
		`{`: "unexpected EOF", `{"version": 2}`: "of version 2",
		`{"version": 1, "users": [` + user("a", "boss", hash) + `]}`:                                    "no role",
		`{"version": 1, "users": [` + user("a", "admin", "plain") + `]}`:                                "user a: its password is no hash",
		`{"version": 1, "users": [` + user("a", "admin", hash) + `,` + user("a", "loader", hash) + `]}`: "there twice",
		`{"version": 1, "user": []}`: "unknown field",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := NewFile(path)
		if _, err := f.Read(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if err := f.Add(t.Context(), User{Name: "b", Role: Admin}, "long enough", noon); err == nil {
			t.Errorf("%s was overwritten", text)
		}
	}
}

func TestDirectory_Login(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	d, err := NewDirectory(DirectoryOptions{File: f, Accounts: []Account{
		{User: User{Name: "bob", Role: Admin}, Secret: "bob's password"}, {User: User{Name: "default", Role: Analyst, Databases: []string{"mart"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, password string
		want           Role
	}{
		{"anna", "anna's password", Analyst}, {"anna", "bob's password", ""}, {"anna", "", ""}, {"Anna", "anna's password", ""},
		{"bob", "bob's password", Admin}, {"bob", "", ""}, {"bob", strings.Repeat("x", 1<<20), ""},
		{"default", "", Analyst}, {"default", "x", ""}, {"eve", "", ""}, {"", "", ""},
	} {
		u, err := d.Login(t.Context(), c.name, c.password, "10.0.0.1:1234")
		if u.Role != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, ErrLogin) {
			t.Errorf("%s with %.20q: %+v, %v", c.name, c.password, u, err)
		}
	}
	if !d.Open("default") || d.Open("bob") || d.Open("anna") {
		t.Error("not the accounts without a password are called open")
	}
	if got := d.Users(); len(got) != 3 || got[0].Name != "anna" {
		t.Errorf("%+v", got)
	}
}

// A panel that loads sixteen times at once hashes once, and not again soon.
func TestDirectory_HashesOnce(t *testing.T) {
	t.Parallel()
	d, err := NewDirectory(DirectoryOptions{File: newFile(t)})
	if err != nil {
		t.Fatal(err)
	}
	d.gate <- struct{}{} // all places but one are taken, so those who hash stand in line
	defer func() { <-d.gate }()
	for range cap(d.gate) - 1 {
		d.gate <- struct{}{}
		defer func() { <-d.gate }()
	}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if _, err := d.Login(t.Context(), "anna", "anna's password", "10.0.0.1:1"); err != nil {
				t.Error(err)
			}
		})
	}
	<-d.gate // lets them through
	group.Wait()
	d.gate <- struct{}{}
	if n := len(d.known); n != 1 {
		t.Errorf("%d passwords are remembered", n)
	}
	// The gate is shut: only who is remembered gets in.
	if _, err := d.Login(t.Context(), "anna", "anna's password", "10.0.0.2:1"); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Login(ctx, "anna", "another password", "10.0.0.2:1"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestDirectory_RemembersForAWhile(t *testing.T) {
	t.Parallel()
	now := noon
	d, err := NewDirectory(DirectoryOptions{File: newFile(t), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	mac := d.mac("anna", d.byName["anna"].Password, "anna's password")
	if _, err := d.Login(t.Context(), "anna", "anna's password", "10.0.0.1:1"); err != nil || !d.remembers(mac) {
		t.Errorf("not remembered: %v", err)
	}
	if now = now.Add(rememberFor); d.remembers(mac) {
		t.Error("remembered for too long")
	}
}

// A change of the file counts from the next login on, and tells who left.
func TestDirectory_FollowsItsFile(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	ctx := t.Context()
	d, err := NewDirectory(DirectoryOptions{File: f})
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	d.OnLeave(func(name string) { left = append(left, name) })
	login := func(name, password string, want bool) {
		t.Helper()
		if _, err := d.Login(ctx, name, password, "10.0.0.1:1"); (err == nil) != want {
			t.Errorf("%s with %s: %v", name, password, err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	login("anna", "anna's password", true)
	must(f.Add(ctx, User{Name: "tom", Role: Loader}, "tom's password", noon))
	login("tom", "tom's password", true)
	must(f.SetPassword(ctx, "anna", "anna's second", noon))
	login("anna", "anna's password", false)
	login("anna", "anna's second", true)
	must(os.WriteFile(f.Path(), []byte("{"), 0o600))
	login("tom", "tom's password", true) // the last good contents count
	must(os.Remove(f.Path()))
	login("tom", "tom's password", false)
	if diff := cmp.Diff([]string{"anna", "anna", "tom"}, left, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Error(diff)
	}
}

// As long as there are no users the guest is let in.
func TestDirectory_Guest(t *testing.T) {
	t.Parallel()
	f := NewFile(filepath.Join(t.TempDir(), FileName))
	ctx := t.Context()
	d, err := NewDirectory(DirectoryOptions{File: f, Guest: &User{Name: "default", Role: Analyst, Databases: []string{"mart"}}})
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	d.OnLeave(func(name string) { left = append(left, name) })
	if _, err := d.Login(ctx, "default", "", "127.0.0.1:1"); err != nil || !d.Anybody() || !d.Open("default") || d.Users()[0].Name != "default" {
		t.Errorf("the guest is not let in: %v", err)
	}
	if _, err := d.Login(ctx, "default", "x", "127.0.0.1:1"); err == nil {
		t.Error("the guest is let in with a password")
	}
	if err := f.Add(ctx, User{Name: "anna", Role: Analyst}, "anna's password", noon); err != nil {
		t.Fatal(err)
	}
	d.Refresh()
	if _, err := d.Login(ctx, "default", "", "127.0.0.1:1"); err == nil || d.Anybody() || d.Open("default") || cmp.Diff(left, []string{"default"}) != "" {
		t.Errorf("the guest is let in beside users; %v left", left)
	}
	if err := os.Rename(f.Path(), f.Path()+"~"); err != nil { // as an editor does before it writes
		t.Fatal(err)
	}
	if _, err := d.Login(ctx, "default", "", "127.0.0.1:1"); err == nil || d.Anybody() {
		t.Error("a file that vanished lets everybody in")
	}
	if err := os.Rename(f.Path()+"~", f.Path()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Login(ctx, "anna", "anna's password", "127.0.0.1:1"); err != nil {
		t.Errorf("it is there again: %v", err)
	}
	if err := f.Remove(ctx, "anna"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Login(ctx, "default", "", "127.0.0.1:1"); err != nil {
		t.Errorf("without users again the guest is not let in: %v", err)
	}
}

func TestGuesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses(time.Now)
		var waits []time.Duration
		for range 15 {
			wait := g.begin("anna", "10.0.0.1:999")
			if wait > 0 {
				time.Sleep(wait)
				if g.begin("anna", "10.0.0.1:1000") > 0 {
					t.Error("it waits again after the wait")
				}
			}
			waits = append(waits, wait)
		}
		s := time.Second
		want := []time.Duration{0, 0, 0, 0, 0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s, 300 * s}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Error(diff)
		}
		if g.begin("tom", "10.0.0.1:1") > 0 || g.begin("anna", "10.0.0.2:1") > 0 {
			t.Error("others wait too")
		}
		if g.begin("anna", "10.0.0.1:1") == 0 {
			t.Error("who guesses need not wait any more")
		}
		g.forget("anna", "10.0.0.1:7")
		if g.begin("anna", "10.0.0.1:1") > 0 {
			t.Error("a login that was right is held against them")
		}
		time.Sleep(2 * forgetAfter)
		for i := range freeGuessesAddress {
			if g.begin(fmt.Sprint("u", i), "[2001:db8::1]:1") > 0 {
				t.Fatalf("it waits after %d names", i)
			}
		}
		if wait := g.begin("other", "[2001:db8::2]:1"); wait <= 0 || wait > longestWaitAddress {
			t.Errorf("a network that tried %d names waits %v", freeGuessesAddress, wait)
		}
		for i := range 3 * guessesKept {
			g.begin("x", fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
		}
		if len(g.by) > guessesKept {
			t.Errorf("%d are kept", len(g.by))
		}
	})
}

// An unknown name costs what a wrong password does: the same hash is computed.
func TestDirectory_UnknownCostsTheSame(t *testing.T) {
	t.Parallel()
	d, err := NewDirectory(DirectoryOptions{File: newFile(t), Accounts: []Account{{User: User{Name: "bob", Role: Admin}, Secret: "bob's password"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"anna", "bob", "eve"} {
		if _, _, check := d.find(name); check.hashing != usual || len(check.key) != keyBytes || len(check.salt) != saltBytes {
			t.Errorf("%s costs %+v", name, check.hashing)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U")
	f.Fuzz(func(t *testing.T, phc string) {
		h, err := parseHash(phc)
		if err == nil && (h.memory > most.memory || h.passes > most.passes || h.threads > most.threads || len(h.key) < 16) {
			t.Errorf("%q became %+v", phc, h)
		}
	})
}

// A login that is remembered costs a thousandth of one that is hashed.
func BenchmarkLogin(b *testing.B) {
	f := NewFile(filepath.Join(b.TempDir(), FileName))
	if err := f.Add(b.Context(), User{Name: "anna", Role: Analyst}, "anna's password", noon); err != nil {
		b.Fatal(err)
	}
	d, err := NewDirectory(DirectoryOptions{File: f})
	if err != nil {
		b.Fatal(err)
	}
	for name, before := range map[string]func(){"hashed": func() { clear(d.known) }, "remembered": func() {}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before()
				if _, err := d.Login(b.Context(), "anna", "anna's password", "10.0.0.1:1"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
