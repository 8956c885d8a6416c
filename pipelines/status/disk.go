package status

import (
	"fmt"
	"syscall"
)

// DiskOf says how much is free for this user and how large the disk of a folder is,
// in bytes.
func DiskOf(folder string) (free, size uint64, err error) {
	var d syscall.Statfs_t
	if err := syscall.Statfs(folder, &d); err != nil {
		return 0, 0, fmt.Errorf("look at the disk of %s: %w", folder, err)
	}
	return d.Bavail * uint64(d.Bsize), d.Blocks * uint64(d.Bsize), nil
}
