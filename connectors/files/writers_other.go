//go:build !linux

package files

import "io/fs"

// fileID tells files of this machine apart. Here it is not known.
type fileID struct{}

func fileIDOf(fs.FileInfo) fileID { return fileID{} }

// openForWriting finds the files that processes have open for writing: on this
// system none can be found, and files are judged by their looks alone.
func openForWriting() map[fileID]bool { return nil }
