package warehouse

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// DiskFullError says that a disk has no room for what is to be written.
type DiskFullError struct {
	// Home is the project's folder on the disk; empty when it is the disk of a
	// ClickHouse server.
	Home  string
	Cause error
}

func (e *DiskFullError) Error() string {
	if e.Home == "" {
		return "the disk of the ClickHouse server is full: free some space there and run again"
	}
	return fmt.Sprintf("the disk that holds %s is full: free some space, or choose another place with --home, and run again", e.Home)
}

// Unwrap gives the error that told it.
func (e *DiskFullError) Unwrap() error { return e.Cause }

// IsDiskFull says whether an error, of the system or of the engine, comes from a
// full disk.
func IsDiskFull(err error) bool {
	const notEnoughSpace = 243
	var known *DiskFullError
	var exception *clickhouse.Exception
	switch {
	case errors.As(err, &known), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return true
	case errors.As(err, &exception):
		return exception.Code == notEnoughSpace || strings.Contains(exception.Message, syscall.ENOSPC.Error()) ||
			strings.Contains(exception.Message, "No space left on device")
	}
	return false
}

// minimumFree is what the engine must find free, in bytes, to be opened for
// writing. On a fuller disk it makes tables whose definitions it cannot write,
// and says nothing.
const minimumFree = 16 << 20

// requireSpace returns a *DiskFullError if there is too little room to write to
// a folder's disk.
func requireSpace(home string) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(home, &disk); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", home, err)
	}
	if free := int64(disk.Bavail) * int64(disk.Bsize); free < minimumFree {
		return &DiskFullError{Home: home, Cause: fmt.Errorf("%.1f MB are free", float64(free)/1e6)}
	}
	return nil
}
