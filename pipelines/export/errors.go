package export

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
)

// DiskFullError says that there is no room for the file.
type DiskFullError struct {
	Path  string
	Cause error
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("there is no room for %s: the disk of %s, or the one for temporary files, is full", filepath.Base(e.Path), filepath.Dir(e.Path))
}

// Unwrap gives the error that told it.
func (e *DiskFullError) Unwrap() error { return e.Cause }

// Hint names a way out.
func (e *DiskFullError) Hint() string {
	return "free some space, name a file on another disk with --to, or another folder for temporary files with TMPDIR"
}

func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
