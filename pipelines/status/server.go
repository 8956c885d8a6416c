// Package status tells people and machines how a project that is served does: pages
// with JSON beside each, health checks, and figures for Prometheus.
package status

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/schedule"
)

// Options say what is told, and to whom.
type Options struct {
	// Project is its name, Version that of winback.
	Project, Version string
	// Home is the project's folder, whose disk is watched.
	Home string
	// Zone is the project's time zone; nil for UTC.
	Zone *time.Location
	// Embedded says that the engine is in this process.
	Embedded bool
	// Jobs is the scheduler; nil where nothing is scheduled.
	Jobs Jobs
	// Parts are what else has to live: health fails with what they return.
	Parts map[string]func() error
	// Incidents are what is wrong at present; nil where nobody watches.
	Incidents func(ctx context.Context) ([]Incident, error)
	// Login checks who asks. Nil: everybody on this machine looks, and nobody acts.
	Login Login
	// Open tells that there are no users for the moment, so that everybody on this
	// machine looks. Nil: never, if there is a Login.
	Open func() bool
	// LoginForMetrics has /metrics ask who wants to know, too.
	LoginForMetrics bool
	// RoleOf names the role of a user of the warehouse, for figures; nil for none.
	RoleOf func(user string) string
	Now    func() time.Time // nil for the clock of the machine
	Logger *slog.Logger     // nil for none
}

// Jobs are what a scheduler does.
type Jobs interface {
	Alive() error
	Status() ([]schedule.Status, error)
	Trigger(name string) error
	Pause(name string, paused bool) error
}

// Incident is something that is wrong, as an alarm tells it.
type Incident struct {
	Kind     string    `json:"kind"`
	Subject  string    `json:"subject"`
	Text     string    `json:"text"`
	Since    time.Time `json:"since"`
	Urgent   bool      `json:"urgent"`
	Told     time.Time `json:"told,omitzero"`
	Delivery string    `json:"delivery_error,omitempty"`
}

// Server answers for one project.
type Server struct {
	o       Options
	key     []byte // of this process, for what pages send back
	began   time.Time
	conn    atomic.Pointer[driver.Conn]
	metrics *Metrics
	handler http.Handler
}

// New prepares the answers. Until Attach the warehouse counts as not ready.
func New(o Options) (*Server, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, key: make([]byte, 32), began: o.Now()}
	_, _ = rand.Read(s.key) // never fails
	var err error
	if s.metrics, err = newMetrics(s); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	return s, nil
}

// Attach tells that the warehouse is open.
func (s *Server) Attach(conn driver.Conn) { s.conn.Store(&conn) }

// Detach tells that it is about to be closed.
func (s *Server) Detach() { s.conn.Store(nil) }

// Metrics are the server's figures, which others add to.
func (s *Server) Metrics() *Metrics { return s.metrics }

// errNotOpen says that nothing can be asked yet.
var errNotOpen = errors.New("the warehouse is not open yet")

// Warehouse is what is attached.
func (s *Server) Warehouse() (driver.Conn, error) {
	if conn := s.conn.Load(); conn != nil {
		return *conn, nil
	}
	return nil, errNotOpen
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.guarded(s.o.LoginForMetrics, s.metrics.handler().ServeHTTP))
	mux.HandleFunc("GET /style.css", serveStyle)
	for _, p := range s.pages() {
		mux.Handle("GET "+p.path, s.guarded(true, s.page(p)))
		mux.Handle("GET "+p.json, s.guarded(true, s.json(p)))
	}
	mux.Handle("GET /runs/{run}", s.guarded(true, s.runPage))
	mux.Handle("POST /jobs/{job}/{action}", s.guarded(true, s.act))
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

// secured keeps browsers from doing with the pages what they were not made for.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}

// Listen answers at an address and a port, with a certificate where one is given, until the returned function is called,
// which gives requests that run some seconds. Errors: *ListenError.
func (s *Server) Listen(address string, certificate *tls.Config) (at string, stop func() error, err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, &ListenError{Address: address, Cause: err}
	}
	at = listener.Addr().String()
	if certificate != nil {
		listener = tls.NewListener(listener, certificate)
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
	}
	go server.Serve(listener) //nolint:errcheck // ends with ErrServerClosed at Shutdown
	return at, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			return server.Close()
		}
		return nil
	}, nil
}

// ListenError says that the status page has no place.
type ListenError struct {
	Address string
	Cause   error
}

func (e *ListenError) Error() string {
	if errors.Is(e.Cause, syscall.EADDRINUSE) {
		return fmt.Sprintf("%s, where the status page is to be, is in use by another program", e.Address)
	}
	return fmt.Sprintf("listen for the status page: %v", e.Cause)
}

func (e *ListenError) Unwrap() error { return e.Cause }

// Hint names the way out.
func (e *ListenError) Hint() string {
	return "another address: status.listen in the configuration, or status: {listen: off} for none"
}
