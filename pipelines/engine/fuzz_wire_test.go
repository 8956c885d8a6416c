package engine_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// panics hears what an HTTP server says of a handler that broke.
type panics struct {
	mu   sync.Mutex
	said []string
}

func (p *panics) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bytes.Contains(text, []byte("panic")) {
		p.said = append(p.said, string(text))
	}
	return len(text), nil
}

func (p *panics) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	said := p.said
	p.said = nil
	return said
}

// wire serves the engine to a user who may read, and gives the address.
func wire(tb testing.TB) (address string, broken *panics) {
	tb.Helper()
	w := enginetest.Start(tb)
	h := engine.NewHandler(w.Engine, engine.HandlerOptions{
		MaxQueryBytes: 1 << 16, MaxFormBytes: 1 << 20, MaxStatements: 10, MaxSessions: 100, BodyWait: time.Second, AnswerWait: time.Second,
		Authenticate: func(context.Context, engine.Credentials) (engine.Access, error) {
			return engine.Access{Role: enginetest.Reader + "," + enginetest.Held, Settings: map[string]string{"readonly": "2", "max_execution_time": "3"}, MaxTime: 4 * time.Second}, nil
		},
	})
	server := engine.NewServer(h)
	server.ReadHeaderTimeout, server.IdleTimeout = time.Second, time.Second
	broken = &panics{}
	server.ErrorLog = log.New(broken, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	go server.Serve(l) //nolint:errcheck // it ends with Close
	tb.Cleanup(func() { _ = server.Close(); _ = h.Close() })
	return l.Addr().String(), broken
}

// wireExchange sends bytes as they are and gives all that comes back until the other
// side has enough.
func wireExchange(tb testing.TB, address string, sent []byte) []byte {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatalf("nobody answers any more: %v", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = conn.Write(sent) }() // it may be refused before it is all read
	first := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	n, _ := conn.Read(first)
	_ = conn.(*net.TCPConn).CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	rest, err := io.ReadAll(io.LimitReader(conn, 64<<20))
	if e, ok := err.(net.Error); ok && e.Timeout() {
		tb.Fatalf("it hangs on %q", sent)
	}
	return append(first[:n], rest...)
}

// FuzzWire sends anything at all to the endpoint, with the engine behind it. It
// never hangs, no handler breaks, and the next caller is answered.
func FuzzWire(f *testing.F) {
	const host = " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
	post := func(target, header, body string) string {
		return "POST " + target + host + header + "\r\n" + body
	}
	for _, seed := range []string{
		"GET /ping" + host + "\r\n",
		post("/", "Content-Length: 8\r\n", "SELECT 1"),
		post("/?query=SELECT+1&default_format=Native&client_protocol_version=54460", "Content-Length: 0\r\n", ""),
		post("/", "Transfer-Encoding: chunked\r\n", "4\r\nSELE\r\n4\r\nCT 1\r\n0\r\n\r\n"),
		post("/", "Transfer-Encoding: chunked\r\n", "FFFFFFFF\r\nSELECT"),
		post("/", "Content-Length: 8\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\nGET /ping HTTP/1.1\r\n\r\n"),
		post("/", "Content-Length: 999999999999\r\n", "SELECT 1"),
		post("/", "Content-Length: 8\r\nContent-Encoding: gzip\r\n", "\x1f\x8b\x08\x00\x00\x00\x00\x00"),
		post("/?decompress=1", "Content-Length: 16\r\n", strings.Repeat("\xff", 16)),
		post("/?session_id=a&session_timeout=1", "Content-Length: 43\r\n", "CREATE TEMPORARY TABLE x AS SELECT 1 AS one"),
		post("/?x_structure=a+String", "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 75\r\n", "--x\r\nContent-Disposition: form-data; name=\"x\"; filename=\"x\"\r\n\r\na\r\n--x--\r\n"),
		post("/", "Expect: 100-continue\r\nContent-Length: 8\r\n", "SELECT 1"),
		post("/?send_progress_in_http_headers=1&http_headers_progress_interval_ms=10", "Content-Length: 15\r\n", "SELECT sleep(1)"),
		post("/", "Content-Length: 41\r\n", "INSERT INTO shown.nothing FORMAT CSV\n1,2,3"),
		"GET /ping HTTP/1.1\r\nHost: a\r\n\r\nGET /?query=SELECT+2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x00", "GET /ping HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("y", 5000),
		"OPTIONS *" + host + "\r\n", "TRACE /" + host + "\r\n", "DELETE /" + host + "\r\n", "GET http://elsewhere/?query=SELECT+1" + host + "\r\n",
	} {
		f.Add([]byte(seed))
	}
	address, broken := wire(f)
	f.Fuzz(func(t *testing.T, sent []byte) {
		got := wireExchange(t, address, sent)
		if len(got) > 0 && !bytes.HasPrefix(got, []byte("HTTP/1.")) {
			t.Errorf("%q was answered with %.100q", sent, got)
		}
		if said := broken.take(); len(said) > 0 {
			t.Errorf("%q broke a handler: %s", sent, said)
		}
		if pong := wireExchange(t, address, []byte("GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")); !bytes.HasSuffix(pong, []byte("Ok.\n")) {
			t.Errorf("after %q the next caller gets %q", sent, pong)
		}
	})
}

// Whoever sends slowly, too much, or a little that unpacks to much, is told so or
// let go.
func TestServer_Hostile(t *testing.T) {
	address, broken := wire(t)
	for name, c := range map[string]struct{ sent, want string }{
		"a header that never ends":     {"GET / HTTP/1.1\r\nX-Slow: ", ""},
		"headers of two megabytes":     {"GET /ping HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("y", 2<<20) + "\r\n\r\n", "HTTP/1.1 431"},
		"a body that never comes":      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nSELECT", "HTTP/1.1 "},
		"a chunk that never comes":     {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nSELECT", "HTTP/1.1 "},
		"a statement without end":      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nSELECT '" + strings.Repeat("x", 200000-8), "HTTP/1.1 413"},
		"a statement that unpacks big": {packedPost(t, "/", "", "SELECT '"+strings.Repeat("x", 64<<20)), "HTTP/1.1 413"},
		"a form that unpacks big": {packedPost(t, "/?x_structure=a+String&query=SELECT+1", "Content-Type: multipart/form-data; boundary=b\r\n",
			"--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"x\"\r\n\r\n"+strings.Repeat("a\n", 32<<20)+"\r\n--b--\r\n"), "HTTP/1.1 413"},
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			if got := wireExchange(t, address, []byte(c.sent)); !strings.HasPrefix(string(got), c.want) {
				t.Errorf("it was answered with %.200q, want %s", got, c.want)
			}
			if took := time.Since(started); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	if said := broken.take(); len(said) > 0 {
		t.Error(said)
	}
	if s := engine.NewServer(nil); s.ReadHeaderTimeout > 10*time.Second || s.IdleTimeout > 2*time.Minute || s.MaxHeaderBytes > 1<<20 {
		t.Errorf("a server waits %v for headers of %d bytes, and %v for the next request", s.ReadHeaderTimeout, s.MaxHeaderBytes, s.IdleTimeout)
	}
}

// packedPost is a request whose body is a bomb: little that unpacks to much.
func packedPost(t *testing.T, target, header, body string) string {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: gzip\r\n%sContent-Length: %d\r\n\r\n%s", target, header, packed.Len(), packed.String())
}
