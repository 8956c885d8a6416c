package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// fileID tells files of this machine apart, whatever they are called.
type fileID struct{ device, inode uint64 }

func fileIDOf(info fs.FileInfo) fileID {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{device: uint64(stat.Dev), inode: stat.Ino}
	}
	return fileID{}
}

// openForWriting finds the files that processes of this user have open for
// writing; root sees those of all. What cannot be looked at is left out.
func openForWriting() map[fileID]bool {
	open := map[fileID]bool{}
	descriptors, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return open
	}
	for _, path := range descriptors {
		// Pipes, sockets and devices are most of what is open; a disk in memory is none of them.
		if target, err := os.Readlink(path); err != nil || !strings.HasPrefix(target, "/") ||
			strings.HasPrefix(target, "/dev/") && !strings.HasPrefix(target, "/dev/shm/") {
			continue
		}
		// The link's own mode says how the file is open.
		link, err := os.Lstat(path)
		if err != nil || link.Mode().Perm()&0o200 == 0 {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			open[fileIDOf(info)] = true
		}
	}
	return open
}
