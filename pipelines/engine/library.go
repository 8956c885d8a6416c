package engine

import (
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const (
	// LibraryVariable names the environment variable that gives the path of the
	// library, or of the folder it is in.
	LibraryVariable = "WINBACK_ENGINE_LIBRARY"
	// MinimumVersion is the oldest version of the library this package works
	// with: it is the first whose C interface has every function used here.
	MinimumVersion = "26.7.3"

	libraryName = "libchdb.so"
	stampName   = "engine.json"
	installDir  = ".engine"
	mend        = "`make engine` installs it"
)

// Library is a shared library of the engine that was found and looked over.
type Library struct {
	// Path is the library's file.
	Path string
	// Version is what the stamp beside the file says, such as
	// "26.7.3-stable.1"; empty when the file has no stamp.
	Version string
}

// LibraryProblem says why there is no library to use.
type LibraryProblem int

// The problems a library can have.
const (
	LibraryMissing LibraryProblem = iota
	LibraryDamaged
	LibraryTooOld
	LibraryUnusable
)

// LibraryError says what is wrong with the engine's library and which command
// mends it, in one sentence.
type LibraryError struct {
	Problem LibraryProblem
	Path    string // the file, empty when none was found
	Detail  string // what was seen
	Err     error  // the cause, may be nil
}

func (e *LibraryError) Error() string {
	switch e.Problem {
	case LibraryMissing:
		return fmt.Sprintf("the engine's library %s is missing (%s): %s, or set %s to its path", libraryName, e.Detail, mend, LibraryVariable)
	case LibraryDamaged:
		return fmt.Sprintf("the engine's library %s is damaged (%s): %s again", e.Path, e.Detail, mend)
	case LibraryTooOld:
		return fmt.Sprintf("the engine's library %s is too old (%s, at least %s is needed): %s", e.Path, e.Detail, MinimumVersion, mend)
	}
	return fmt.Sprintf("the engine's library %s can't be used (%s): %s", e.Path, e.Detail, mend)
}

// Unwrap gives the cause.
func (e *LibraryError) Unwrap() error { return e.Err }

// stamp is what the installer and the first check leave beside the library, so
// that half a gigabyte is not read at every start.
type stamp struct {
	Version  string `json:"version"`
	SHA512   string `json:"sha512"`             // of the library's file, hexadecimal
	Size     int64  `json:"size,omitempty"`     // of the file when its sum was last checked, in bytes
	Modified int64  `json:"modified,omitempty"` // its time then, in seconds since 1970
}

// Find looks for the library: the path in $WINBACK_ENGINE_LIBRARY, beside the
// program exe, in the project's install place (a folder .engine above the
// program or above the working directory), in the user's data folder, in the
// system's library folders. The first one found is used; when it is damaged or
// too old the search does not go on, because that hides the problem.
//
// A library with a stamp (engine.json beside it) is compared with the stamp's
// sha512 once and again whenever its size or time changed. The error is always
// a *LibraryError.
func Find(env func(string) string, exe string) (Library, error) {
	if path := env(LibraryVariable); path != "" {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, libraryName)
		}
		if _, err := os.Stat(path); err != nil {
			return Library{}, &LibraryError{Problem: LibraryMissing, Detail: fmt.Sprintf("%s says %s", LibraryVariable, path), Err: err}
		}
		return verify(path)
	}
	for _, dir := range searchPath(env, exe) {
		path := filepath.Join(dir, libraryName)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return verify(path)
		}
	}
	return Library{}, &LibraryError{Problem: LibraryMissing, Detail: "looked beside the program, in " + installDir + " above it and above the working directory, in the user's and in the system's folders", Err: fs.ErrNotExist}
}

// searchPath lists the folders a library may be in, most particular first.
func searchPath(env func(string) string, exe string) []string {
	var dirs []string
	if found, err := exec.LookPath(exe); err == nil {
		exe = found // it was started by its name alone
	}
	if program, err := filepath.Abs(exe); err == nil && exe != "" {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		dirs = append(dirs, filepath.Dir(program))
		dirs = append(dirs, installDirsAbove(filepath.Dir(program))...)
	}
	if wd, err := os.Getwd(); err == nil {
		dirs = append(dirs, installDirsAbove(wd)...)
	}
	if data := env("XDG_DATA_HOME"); data != "" {
		dirs = append(dirs, filepath.Join(data, "winback", "engine"))
	} else if home := env("HOME"); home != "" {
		dirs = append(dirs, filepath.Join(home, ".local", "share", "winback", "engine"))
	}
	return append(dirs, "/usr/local/lib", "/usr/lib")
}

func installDirsAbove(dir string) []string {
	var dirs []string
	for {
		dirs = append(dirs, filepath.Join(dir, installDir))
		parent := filepath.Dir(dir)
		if parent == dir {
			return dirs
		}
		dir = parent
	}
}

// verify compares a library with its stamp.
func verify(path string) (Library, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Library{}, &LibraryError{Problem: LibraryUnusable, Path: path, Detail: err.Error(), Err: err}
	}
	info, err := os.Stat(path)
	if err != nil {
		return Library{}, &LibraryError{Problem: LibraryUnusable, Path: path, Detail: err.Error(), Err: err}
	}
	stampPath := filepath.Join(filepath.Dir(path), stampName)
	text, err := os.ReadFile(stampPath)
	if errors.Is(err, fs.ErrNotExist) {
		return Library{Path: path}, nil
	}
	var s stamp
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return Library{}, &LibraryError{Problem: LibraryDamaged, Path: path, Detail: "its stamp can't be read: " + err.Error(), Err: err}
	}
	if older(s.Version, MinimumVersion) {
		return Library{}, &LibraryError{Problem: LibraryTooOld, Path: path, Detail: s.Version}
	}
	modified := info.ModTime().Unix()
	if s.Size == info.Size() && s.Modified == modified {
		return Library{Path: path, Version: s.Version}, nil
	}
	sum, err := sumFile(path)
	if err != nil {
		return Library{}, &LibraryError{Problem: LibraryUnusable, Path: path, Detail: err.Error(), Err: err}
	}
	if sum != s.SHA512 {
		return Library{}, &LibraryError{Problem: LibraryDamaged, Path: path, Detail: "its sha512 is not the one of version " + s.Version}
	}
	s.Size, s.Modified = info.Size(), modified
	writeStamp(stampPath, s)
	return Library{Path: path, Version: s.Version}, nil
}

// writeStamp notes a successful check. A folder that can't be written to (an
// installation for all users) only costs the check again, so errors are dropped.
func writeStamp(path string, s stamp) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), stampName+".*")
	if err != nil {
		return
	}
	_, err = tmp.Write(append(text, '\n'))
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
}

// sumFile gives a file's sha512 in hexadecimal.
func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// older compares the numbers of two versions, such as 26.7.3-stable.1, ignoring
// what follows a dash.
func older(version, minimum string) bool {
	a, b := versionNumbers(version), versionNumbers(minimum)
	for i := range b {
		switch {
		case i >= len(a) || a[i] < b[i]:
			return true
		case a[i] > b[i]:
			return false
		}
	}
	return false
}

func versionNumbers(version string) []int {
	version, _, _ = strings.Cut(version, "-")
	var numbers []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// supported says whether the library exists for this platform at all.
func supported() bool {
	switch runtime.GOOS {
	case "linux", "darwin":
		return runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"
	}
	return false
}
