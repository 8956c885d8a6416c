// Package erasure knows who must not be in a project any more. What it keeps of a
// person are marks: keyed hashes of e-mail addresses, phone numbers and ids, from which
// nobody learns who it was, but by which the person is known when a source delivers
// them again, or when an older backup is restored.
package erasure

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// The files of a book.
const (
	keyFile  = "key"
	bookFile = "book.json"
)

// Files are those that a book is made of.
var Files = []string{keyFile, bookFile}

// Mark is the keyed hash of an identifier: 16 bytes of its HMAC-SHA-256.
type Mark [16]byte

// MarshalText writes the mark in hexadecimal digits.
func (m Mark) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(m[:])), nil }

// UnmarshalText reads it back.
func (m *Mark) UnmarshalText(text []byte) error {
	n, err := hex.Decode(m[:], text)
	if err == nil && n != len(m) {
		err = errors.New("a mark has 32 digits")
	}
	return err
}

// State of a request.
type State string

// The states of a request.
const (
	Pending State = "pending" // begun: nothing of the person comes in, not all is erased
	Done    State = "done"
)

// Request is one request to forget somebody.
type Request struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	By    string    `json:"by"` // account of the machine's user who asked for it
	State State     `json:"state"`
	// Marks are what the person is known by.
	Marks   []Mark   `json:"marks"`
	Receipt *Receipt `json:"receipt,omitempty"`
}

// Receipt says what was erased, and nothing of whom.
type Receipt struct {
	Request    string    `json:"request"`
	By         string    `json:"by"`
	AskedAt    time.Time `json:"asked_at"`
	FinishedAt time.Time `json:"finished_at"`
	// Rows are the records that were erased, by entity. A record that was landed in
	// several versions counts once.
	Rows map[string]int64 `json:"rows"`
	// Redacted are records of others in which the person was mentioned.
	Redacted map[string]int64 `json:"redacted,omitempty"`
	// Files and Quarantine are landing files that were written anew.
	Files      int `json:"files"`
	Quarantine int `json:"quarantine"`
	// Books counts rows of the books that were emptied, by table.
	Books map[string]int64 `json:"books,omitempty"`
	// Models are the models that were built without the person.
	Models []string `json:"models"`
	// Searched is how many tables were searched for the person afterwards, without a
	// find. 0 where the erasure was finished by hashes alone, after a kill.
	Searched int `json:"searched"`
	// Remains says what this program cannot reach.
	Remains []string `json:"remains"`
}

// Book holds the requests of a project, in a folder.
type Book struct {
	folder   string
	key      []byte
	Requests []*Request
}

// Open reads the book of a folder, which need not exist yet.
func Open(folder string) (*Book, error) {
	b := &Book{folder: folder}
	text, err := os.ReadFile(filepath.Join(folder, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		b.key, err = hex.DecodeString(strings.TrimSpace(string(text)))
	}
	if err == nil && len(b.key) < sha256.Size {
		err = errors.New("it is too short")
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of erasures in %s: %w; restore it from a backup, without it those who were forgotten come back", folder, err)
	}
	text, err = os.ReadFile(filepath.Join(folder, bookFile))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &b.Requests)
	}
	if err != nil {
		return nil, fmt.Errorf("read the book of erasures in %s: %w; restore it from a backup, without it those who were forgotten come back", folder, err)
	}
	return b, nil
}

// Write puts the book in its folder, for its owner alone.
func (b *Book) Write() error {
	if err := os.MkdirAll(b.folder, 0o700); err != nil {
		return fmt.Errorf("write the book of erasures: %w", err)
	}
	if _, err := os.Stat(filepath.Join(b.folder, keyFile)); errors.Is(err, fs.ErrNotExist) {
		if err := renameio.WriteFile(filepath.Join(b.folder, keyFile), []byte(hex.EncodeToString(b.secret())+"\n"), 0o600); err != nil {
			return fmt.Errorf("write the key of erasures: %w", err)
		}
	}
	text, err := json.MarshalIndent(b.Requests, "", " ")
	if err == nil {
		err = renameio.WriteFile(filepath.Join(b.folder, bookFile), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the book of erasures: %w", err)
	}
	return nil
}

// WriteReceipt writes a receipt beside the book, and returns where.
func (b *Book) WriteReceipt(r *Receipt) (string, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	name := filepath.Join(b.folder, "receipt-"+r.Request+".json")
	if err == nil {
		err = renameio.WriteFile(name, append(text, '\n'), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("write the receipt: %w", err)
	}
	return name, nil
}

func (b *Book) secret() []byte {
	if b.key == nil {
		b.key = make([]byte, sha256.Size)
		rand.Read(b.key) //nolint:errcheck // never fails
	}
	return b.key
}

// Add writes a request down, with its marks. What was asked for before is not asked
// again: it returns the request that has all of the marks, if there is one.
func (b *Book) Add(id, by string, at time.Time, marks []Mark) *Request {
	for _, r := range b.Requests {
		if !slices.ContainsFunc(marks, func(m Mark) bool { return !slices.Contains(r.Marks, m) }) {
			return r
		}
	}
	r := &Request{ID: id, By: by, At: at.UTC(), State: Pending, Marks: marks}
	b.Requests = append(b.Requests, r)
	return r
}

// Clone returns a copy, to try something with.
func (b *Book) Clone() *Book {
	b.secret()
	c := &Book{folder: b.folder, key: b.key}
	for _, r := range b.Requests {
		copied := *r
		copied.Marks = slices.Clone(r.Marks)
		c.Requests = append(c.Requests, &copied)
	}
	return c
}

// Pending returns the requests that are begun and not done.
func (b *Book) Pending() []*Request {
	var list []*Request
	for _, r := range b.Requests {
		if r.State == Pending {
			list = append(list, r)
		}
	}
	return list
}

// Merge takes over the requests of another book of the same key that this one lacks,
// and says whether there were any. Books of two keys cannot be brought together.
func (b *Book) Merge(other *Book) (bool, error) {
	if len(other.Requests) == 0 {
		return false, nil
	}
	if b.key == nil {
		b.key = other.key
	}
	if !hmac.Equal(b.key, other.key) {
		return false, errors.New("the erasures here and those of the backup have different keys: they are of two projects")
	}
	some := false
	for _, r := range other.Requests {
		if !slices.ContainsFunc(b.Requests, func(have *Request) bool { return have.ID == r.ID }) {
			b.Requests = append(b.Requests, r)
			some = true
		}
	}
	slices.SortFunc(b.Requests, func(a, b *Request) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return some, nil
}

// mark makes the mark of an identifier.
func (b *Book) mark(parts ...string) Mark {
	hash := hmac.New(sha256.New, b.secret())
	for _, part := range parts {
		hash.Write([]byte(part)) //nolint:errcheck // never fails
		hash.Write([]byte{0})    //nolint:errcheck // never fails
	}
	return Mark(hash.Sum(nil)[:16])
}

// Email returns the mark of an e-mail address.
func (b *Book) Email(address string) Mark {
	return b.mark("email", strings.ToLower(strings.TrimSpace(address)))
}

// Phone returns the mark of a phone number, however it is written; false if it has too
// few digits to be somebody's.
func (b *Book) Phone(number string) (Mark, bool) {
	digits := phoneDigits(number)
	if digits == "" {
		return Mark{}, false
	}
	return b.mark("phone", digits), true
}

// Phone numbers are compared by their last digits: the same number is written with and
// without the code of its country, and with a zero in place of it.
const (
	fewestDigits = 7
	phoneTail    = 9
)

// PhoneTail returns the digits that numbers are compared by; "" if there are too few.
func PhoneTail(number string) string { return phoneDigits(number) }

func phoneDigits(number string) string {
	digits := make([]byte, 0, len(number))
	for i := range len(number) {
		if c := number[i]; c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	text := strings.TrimLeft(string(digits), "0")
	if len(text) < fewestDigits || len(text) > 15 {
		return ""
	}
	return text[max(0, len(text)-phoneTail):]
}

// ID returns the mark of a record.
func (b *Book) ID(source, entity, id string) Mark { return b.mark("id", source, entity, id) }
