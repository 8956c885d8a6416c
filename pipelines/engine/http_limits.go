package engine

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// LimitConnections lets so many connections be open at once; further callers wait
// to be accepted.
func LimitConnections(l net.Listener, most int) net.Listener {
	return &limitedListener{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// firstWait is how long a body may take to begin to come. Go's server waits for one that
// nobody reads, too, before it answers: a login that is refused must not hold its
// connection for as long as its caller likes.
const firstWait = 10 * time.Second

// hurry has the body of a request come soon; who reads it gives it more time.
func (h *Handler) hurry(w http.ResponseWriter, r *http.Request) {
	if h.o.BodyWait > 0 && r.Body != http.NoBody {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(min(h.o.BodyWait, firstWait)))
	}
}

// patientBody is a request's body whose sender may take so long for each piece,
// but not for ever.
type patientBody struct {
	io.ReadCloser
	control *http.ResponseController
	wait    time.Duration
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.wait))
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		// From here on the server only looks whether the caller is still there.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
