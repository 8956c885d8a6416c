package users

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// hashing are the costs of a hash.
type hashing struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// usual costs some 40 ms of one core and 19 MiB, as OWASP recommends for servers
// (Password Storage Cheat Sheet, argon2id).
var usual = hashing{memory: 19 << 10, passes: 2, threads: 1}

// most bounds what a file may ask for: who writes it could stop the service
// otherwise by one login.
var most = hashing{memory: 1 << 20, passes: 16, threads: 16}

const (
	saltBytes = 16
	keyBytes  = 32
)

// Bounds of a password's length, in characters and in bytes.
const (
	MinPassword = 8
	maxPassword = 1024
)

// Hash makes the PHC string of a password, with a salt of its own.
func Hash(password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	return usual.phc(salt, usual.key(password, salt, keyBytes)), nil
}

// CheckPassword refuses what is no password.
func CheckPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return fmt.Errorf("a password wants at least %d characters", MinPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("a password wants at most %d bytes", maxPassword)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return errors.New("a password wants characters that can be typed, on one line")
	}
	return nil
}

// NewPassword makes a password of 130 random bits.
func NewPassword() string { return rand.Text() }

func (h hashing) key(password string, salt []byte, size uint32) []byte {
	return argon2.IDKey([]byte(password), salt, h.passes, h.memory, h.threads, size)
}

func (h hashing) phc(salt, key []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads, b.EncodeToString(salt), b.EncodeToString(key))
}

// hashed is a PHC string taken apart.
type hashed struct {
	hashing
	salt, key []byte
}

var errHash = errors.New("its password is no hash of argon2id: set it anew with winback users passwd")

// parseHash reads a PHC string: $argon2id$v=19$m=19456,t=2,p=1$salt$key.
func parseHash(phc string) (hashed, error) {
	part := strings.Split(phc, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return hashed{}, errHash
	}
	costs := strings.Split(part[3], ",")
	if len(costs) != 3 {
		return hashed{}, errHash
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		text, ok := strings.CutPrefix(costs[i], name)
		value, err := strconv.ParseUint(text, 10, 32)
		if !ok || err != nil || value == 0 {
			return hashed{}, errHash
		}
		n[i] = value
	}
	if n[0] > uint64(most.memory) || n[1] > uint64(most.passes) || n[2] > uint64(most.threads) {
		return hashed{}, errHash
	}
	h := hashed{hashing: hashing{memory: uint32(n[0]), passes: uint32(n[1]), threads: uint8(n[2])}}
	var errSalt, errKey error
	h.salt, errSalt = base64.RawStdEncoding.DecodeString(part[4])
	h.key, errKey = base64.RawStdEncoding.DecodeString(part[5])
	if errSalt != nil || errKey != nil || len(h.salt) < 8 || len(h.salt) > 64 || len(h.key) < 16 || len(h.key) > 64 {
		return hashed{}, errHash
	}
	return h, nil
}

// is compares in a time that tells nothing of the password.
func (h hashed) is(password string) bool {
	return subtle.ConstantTimeCompare(h.hashing.key(password, h.salt, uint32(len(h.key))), h.key) == 1
}

// nobody is what the password of somebody unknown is compared with, so that it
// takes as long as a wrong password does.
func nobody() hashed {
	h := hashed{hashing: usual, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	_, _ = rand.Read(h.key)
	return h
}

// hashesAtOnce bounds memory and cores that logins take together.
func hashesAtOnce() int { return max(1, min(4, runtime.GOMAXPROCS(0)/2)) }
