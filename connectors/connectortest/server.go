package connectortest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
)

// Server runs a fake source on a loopback port, keeps a list of what it was asked,
// and puts faults in the way.
type Server struct {
	URL   string
	Clock connectors.Clock

	server *httptest.Server
	fake   http.Handler

	mu       sync.Mutex
	asked    []Asked
	faults   []Fault
	before   map[int]func() // by number of the request, from 1
	throttle http.HandlerFunc
	slow     time.Duration
}

// Asked is one request that a server was sent.
type Asked struct {
	Method, Path string
	Query        url.Values
	At           time.Time // by the server's clock
	Status       int
}

// Fault is something that goes wrong with one request.
type Fault func(w http.ResponseWriter, r *http.Request, answer http.Handler)

// Status answers with a status and a text.
func Status(code int, body string, header ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// WebPage answers with a page for people, as proxies and security plug-ins do.
func WebPage(code int) Fault {
	return Status(code, "<!DOCTYPE html><html><body>Just a moment…</body></html>", "Content-Type", "text/html; charset=utf-8")
}

// Cut sends half of the answer and drops the connection.
func Cut(w http.ResponseWriter, r *http.Request, answer http.Handler) {
	recorder := httptest.NewRecorder()
	answer.ServeHTTP(recorder, r)
	body := recorder.Body.Bytes()
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

// Echo fails and repeats all that it was sent, as careless servers and proxies do.
func Echo(code int) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"code": "broken", "message": "%s %s %v %s", "detail": %q}`, r.Method, r.URL, r.Header["Authorization"], body, fmt.Sprint(r.Header))
	}
}

// Hang does not answer until the client gives up.
func Hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body) // the server looks for the client's end behind the body alone
	<-r.Context().Done()
}

// NewServer starts a server for a fake. throttle is how the source refuses a
// request that is one too many.
func NewServer(t testing.TB, clock connectors.Clock, fake http.Handler, throttle http.HandlerFunc) *Server {
	t.Helper()
	s := &Server{Clock: clock, fake: fake, before: map[int]func(){}, throttle: throttle}
	s.server = httptest.NewServer(s)
	s.URL = s.server.URL
	t.Cleanup(s.server.Close)
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, Asked{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), At: s.Clock.Now()})
	number, slow := len(s.asked), s.slow
	do := s.before[number]
	delete(s.before, number)
	var fault Fault
	if len(s.faults) > 0 {
		fault, s.faults = s.faults[0], s.faults[1:]
	}
	s.mu.Unlock()
	if do != nil {
		do()
	}
	time.Sleep(slow)
	w.Header().Set("Date", s.Clock.Now().UTC().Format(http.TimeFormat))
	noted := &noting{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked[number-1].Status = noted.status
	}()
	if fault != nil {
		fault(noted, r, s.fake)
		return
	}
	s.fake.ServeHTTP(noted, r)
}

type noting struct {
	http.ResponseWriter
	status int
}

func (n *noting) WriteHeader(code int) {
	n.status = code
	n.ResponseWriter.WriteHeader(code)
}

// Slow has every answer take a time, by the machine's clock.
func (s *Server) Slow(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = d
}

// Stop ends the server: the source is down.
func (s *Server) Stop() { s.server.Close() }

// Next has something go wrong with the next requests, one fault each; a nil fault
// lets one pass.
func (s *Server) Next(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Throttle has the next n requests refused as one too many.
func (s *Server) Throttle(n int) {
	for range n {
		s.Next(func(w http.ResponseWriter, r *http.Request, _ http.Handler) { s.throttle(w, r) })
	}
}

// Before calls do before the nth request from now is answered, n from 1.
func (s *Server) Before(n int, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[len(s.asked)+n] = do
}

// Asked lists the requests so far.
func (s *Server) Asked() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Asked(nil), s.asked...)
}

// Forget empties the list of requests, and what was to go wrong.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.faults = nil, nil
	clear(s.before)
}

// Allowed is a query whose parameters are all known; others are answered with an
// error that names them, so that a misspelt one is not silently ignored as the
// real server might. Names ending in * stand for all that begin so.
func Allowed(query url.Values, names ...string) error {
	var unknown []string
next:
	for name := range query {
		for _, known := range names {
			prefix, open := strings.CutSuffix(known, "*")
			if name == known || open && strings.HasPrefix(name, prefix) {
				continue next
			}
		}
		unknown = append(unknown, name)
	}
	if len(unknown) > 0 {
		return fmt.Errorf("unknown parameters: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// Limit counts requests as a source does: a bucket that is refilled at a rate.
type Limit struct {
	clock  connectors.Clock
	rate   float64 // a second
	bucket float64

	mu    sync.Mutex
	left  float64
	since time.Time
}

// NewLimit makes a full bucket.
func NewLimit(clock connectors.Clock, perSecond, bucket float64) *Limit {
	return &Limit{clock: clock, rate: perSecond, bucket: bucket, left: bucket, since: clock.Now()}
}

// Take takes from the bucket, and says whether there was enough in it.
func (l *Limit) Take(n float64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.left = min(l.bucket, l.left+now.Sub(l.since).Seconds()*l.rate)
	l.since = now
	if l.left < n-1e-9 {
		return false
	}
	l.left -= n
	return true
}

// Left is what is in the bucket.
func (l *Limit) Left() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return min(l.bucket, l.left+l.clock.Now().Sub(l.since).Seconds()*l.rate)
}
