package engine

import (
	"sync"
	"syscall"
	"unsafe"
)

// The library is told to install no signal handlers, but takes that as leave to
// set the deadly signals back to the system's default, at that call and again at
// every connect. Go's runtime needs its own: without them a nil dereference
// kills the process instead of becoming a panic. So the handlers are read once
// before the library is touched, and put back after every call that drops them.

// guarded are the signals the library resets.
var guarded = [...]syscall.Signal{
	syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGILL, syscall.SIGBUS,
	syscall.SIGSYS, syscall.SIGFPE, syscall.SIGTSTP, syscall.SIGTRAP,
}

// sigactionSize is more than any platform's struct sigaction takes.
const sigactionSize = 256

// signalGuard holds Go's signal handlers.
type signalGuard struct {
	b      *binding
	mu     sync.Mutex
	before [len(guarded)]*[sigactionSize]byte
}

func newSignalGuard(b *binding) *signalGuard {
	g := &signalGuard{b: b}
	for i, s := range guarded {
		g.before[i] = new([sigactionSize]byte)
		b.sigaction(int32(s), nil, unsafe.Pointer(g.before[i]))
	}
	return g
}

// run calls f and puts Go's handlers back. One at a time, so that no call ends
// between another's reset and restore.
func (g *signalGuard) run(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	for i, s := range guarded {
		g.b.sigaction(int32(s), unsafe.Pointer(g.before[i]), nil)
	}
}
