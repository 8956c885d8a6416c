package engine

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen asks for a larger pipe, so that the engine and the reader switch less
// often. The system may refuse; the pipe then stays as it is.
func widen(pipe *os.File) {
	_, _ = unix.FcntlInt(pipe.Fd(), unix.F_SETPIPE_SZ, 1<<20)
}
