package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// HandlerOptions configure the HTTP interface. The zero value serves everybody
// who can reach it.
type HandlerOptions struct {
	// Logger hears of failed requests. Nil: nobody.
	Logger *slog.Logger
	// Authenticate checks who asks, and says what they may do. Nil: everybody may
	// do everything. An error refuses the request; its text is shown.
	Authenticate func(ctx context.Context, c Credentials) (Access, error)
	// DisplayName is how the endpoint calls itself. Empty: winback.
	DisplayName string
	// MaxQueryBytes bounds the text of a statement, without the data of an
	// insert. Zero: 16 MiB.
	MaxQueryBytes int64
	// MaxBodyBytes bounds a request's body as it is sent, data included. Zero: no
	// bound.
	MaxBodyBytes int64
	// MaxFormBytes bounds a multipart form with external tables, unpacked: the most
	// of it is kept in files until the statement has ended. Zero: no bound.
	MaxFormBytes int64
	// MaxSessions bounds how many named sessions (session_id) are kept at once.
	// Zero: 100.
	MaxSessions int
	// MaxStatements bounds how many statements run at once; more are refused with
	// the status 503. Zero: no bound.
	MaxStatements int
	// BodyWait is how long a caller may take for the next piece of a request,
	// AnswerWait how long to take the next piece of an answer. Zero: any time.
	BodyWait, AnswerWait time.Duration
	// Origins are the web pages, such as https://example.com, whose scripts may ask
	// from a browser; * for all. None: browsers keep all others out.
	Origins []string
	// Observers hear of each request when it has been answered, those too that were
	// refused.
	Observers []Observer
}

// Credentials are what a request came with.
type Credentials struct {
	User, Password string // empty when the request names nobody
	Remote         string // host:port of the caller
	Host           string // the name by which the caller calls this side
}

// Access says how a caller's statements are limited.
type Access struct {
	// User is who the caller is. Empty: who they say to be.
	User string
	// Settings are applied after those of the request, so they can't be undone:
	// readonly=1 makes a reader.
	Settings map[string]string
	// Role names roles of the engine, with commas between them, which the caller
	// can't leave. Empty: no limits.
	Role string
	// Database is where names without a database are looked for when the request
	// names none.
	Database string
	// MaxTime is after how long a statement is stopped, whatever its settings say.
	// Zero: never.
	MaxTime time.Duration
	// MaxStatements bounds how many statements of the user run at once. Further ones
	// wait for a while, and are then refused with the status 429. Zero: no bound.
	MaxStatements int
}

// Handler speaks ClickHouse's HTTP interface for an engine.
type Handler struct {
	e        *Engine
	o        HandlerOptions
	sessions *namedSessions
	running  *running
	buffers  buffers
	readers  sync.Pool // of *nativeReader
}

// NewHandler makes the HTTP interface of an engine. Close it before the engine,
// to let go of the named sessions.
func NewHandler(e *Engine, o HandlerOptions) *Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.DisplayName == "" {
		o.DisplayName = "winback"
	}
	if o.MaxQueryBytes == 0 {
		o.MaxQueryBytes = 16 << 20
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = 100
	}
	return &Handler{e: e, o: o, sessions: newNamedSessions(e, o.MaxSessions), running: newRunning(o.MaxStatements)}
}

// Close stops the statements that run and ends the named sessions. Requests that
// come afterwards fail.
func (h *Handler) Close() error {
	h.running.close()
	h.sessions.close()
	return nil
}

// NewServer gives an HTTP server for the handler with bounds that fit: headers
// are limited, bodies and answers are not, because inserts and results may take
// as long as they take.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 20, // parameters travel in the URL
	}
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-ClickHouse-Server-Display-Name", h.o.DisplayName)
	h.hurry(w, r)
	if h.serveFixed(w, r) {
		return
	}
	started := time.Now()
	req, err := h.read(w, r)
	req.asked = req.sql
	if err == nil {
		err = h.execute(req)
	}
	defer h.tell(req, started, err)
	if err == nil {
		return
	}
	h.o.Logger.Debug("statement failed", "query_id", req.id, "error", err)
	req.out.fail(err)
}

// execute runs the request's statement and sends the answer. The session is free
// again before the caller can know that the answer is complete.
func (h *Handler) execute(req *request) error {
	ctx, end, err := h.running.begin(req.http.Context(), req)
	if err != nil {
		return err
	}
	defer end()
	if most := req.access.MaxTime; most > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, most, tookTooLong(most))
		defer cancel()
	}
	s, release, err := h.session(ctx, req)
	if err != nil {
		return err
	}
	release = sync.OnceFunc(release)
	defer release()
	if err := h.run(ctx, req, s); err != nil {
		return err
	}
	release()
	end()
	return req.out.finish()
}

func (h *Handler) run(ctx context.Context, req *request, s *Session) error {
	if err := h.kill(ctx, req); err != nil {
		return err
	}
	if err := req.checkMethod(s); err != nil {
		return err
	}
	if err := req.loadTables(ctx, s); err != nil {
		return err
	}
	if req.insert {
		var err error
		req.out.result, err = s.Insert(ctx, Query{SQL: req.sql, Format: req.format, Params: req.params}, req.data)
		return err
	}
	return h.answer(h.startProgress(ctx, req, s), req, s)
}

// errReadonlyMethod refuses a change that comes by another method than POST.
var errReadonlyMethod = &Error{Code: CodeReadonly, Name: "READONLY", Text: "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries"}

// checkMethod refuses statements that change something when they come by GET.
// The engine does that itself for a session of one request, which is read-only
// then; a named session can't be made so.
func (req *request) checkMethod(s *Session) error {
	if req.http.Method == http.MethodPost {
		return nil
	}
	changes := req.insert
	if req.session.id != "" && !changes {
		a, ok := s.e.b.analyse(s.c.target, req.sql)
		changes = !ok || a.class != classReads && a.class != classUnknown
	}
	if changes {
		return errReadonlyMethod
	}
	return nil
}

// answer streams the output of a statement.
func (h *Handler) answer(ctx context.Context, req *request, s *Session) error {
	st, err := s.Stream(ctx, Query{SQL: req.sql, Format: req.format, Params: req.params})
	if err != nil {
		return err
	}
	defer st.Close()
	var source io.Reader = st
	if strings.EqualFold(st.Format(), "Native") && req.revision > 0 {
		native, ok := h.readers.Get().(*nativeReader)
		if !ok {
			native = newNativeReader()
		}
		defer h.readers.Put(native)
		native.reset(st, req.revision, func() []string { return h.columnTypes(ctx, req) })
		source = native
	}
	return req.out.copy(st, source)
}

// columnTypes asks for the types of a query's columns, in a session beside the
// one that runs it. It gives nil for what is no query, or can't be described
// outside its own session.
func (h *Handler) columnTypes(ctx context.Context, req *request) []string {
	s, err := h.e.SessionAs(ctx, req.access.Role, req.database, nil)
	if err != nil {
		return nil
	}
	defer s.Close()
	sql := "DESCRIBE TABLE (" + outlineOf(req.sql).query(req.sql) + "\n)"
	r, err := s.Query(ctx, Query{SQL: sql, Format: "JSONCompactColumns", Params: req.params})
	if err != nil {
		return nil
	}
	var columns [][]string
	if json.Unmarshal(r.Data, &columns) != nil || len(columns) < 2 {
		return nil
	}
	return columns[1] // name, type, …
}

// session gives the session a request runs in, and how to let go of it.
func (h *Handler) session(ctx context.Context, req *request) (*Session, func(), error) {
	if req.session.id != "" {
		return h.sessions.take(ctx, req)
	}
	s, err := h.e.SessionAs(ctx, req.access.Role, req.database, req.sessionSettings())
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

// newQueryID makes an id in the form of a UUID, as servers do.
func newQueryID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	t := hex.EncodeToString(b[:])
	return strings.Join([]string{t[:8], t[8:12], t[12:16], t[16:20], t[20:]}, "-")
}

// statuses are the HTTP statuses a ClickHouse server gives its errors; the others
// are 500.
var statuses = map[int]int{
	CodeRequiredPassword: http.StatusUnauthorized,

	192:                http.StatusForbidden, // UNKNOWN_USER
	193:                http.StatusForbidden, // WRONG_PASSWORD
	497:                http.StatusForbidden, // ACCESS_DENIED
	CodeAuthentication: http.StatusForbidden,

	6:                   http.StatusBadRequest, // CANNOT_PARSE_TEXT
	15:                  http.StatusBadRequest, // DUPLICATE_COLUMN
	25:                  http.StatusBadRequest, // CANNOT_PARSE_ESCAPE_SEQUENCE
	26:                  http.StatusBadRequest, // CANNOT_PARSE_QUOTED_STRING
	27:                  http.StatusBadRequest, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	CodeBadArguments:    http.StatusBadRequest,
	38:                  http.StatusBadRequest, // CANNOT_PARSE_DATE
	41:                  http.StatusBadRequest, // CANNOT_PARSE_DATETIME
	44:                  http.StatusBadRequest, // ILLEGAL_COLUMN
	53:                  http.StatusBadRequest, // TYPE_MISMATCH
	CodeSyntaxError:     http.StatusBadRequest,
	69:                  http.StatusBadRequest, // ARGUMENT_OUT_OF_BOUND
	72:                  http.StatusBadRequest, // CANNOT_PARSE_NUMBER
	117:                 http.StatusBadRequest, // INCORRECT_DATA
	CodeSessionIsLocked: http.StatusBadRequest,
	376:                 http.StatusBadRequest, // CANNOT_PARSE_UUID

	46:                  http.StatusNotFound, // UNKNOWN_FUNCTION
	47:                  http.StatusNotFound, // UNKNOWN_IDENTIFIER
	50:                  http.StatusNotFound, // UNKNOWN_TYPE
	56:                  http.StatusNotFound, // UNKNOWN_STORAGE
	CodeUnknownTable:    http.StatusNotFound,
	63:                  http.StatusNotFound, // UNKNOWN_AGGREGATE_FUNCTION
	73:                  http.StatusNotFound, // UNKNOWN_FORMAT
	78:                  http.StatusNotFound, // UNKNOWN_TYPE_OF_QUERY
	81:                  http.StatusNotFound, // UNKNOWN_DATABASE
	CodeUnknownSetting:  http.StatusNotFound,
	CodeSessionNotFound: http.StatusNotFound,

	76:                  http.StatusServiceUnavailable, // CANNOT_OPEN_FILE
	CodeNotImplemented:  http.StatusNotImplemented,
	CodeTimeoutExceeded: http.StatusRequestTimeout,
	CodeTooLarge:        http.StatusRequestEntityTooLarge,
}

// status is the HTTP status of an error.
func status(err error) int {
	var e *Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, new(*limitError)):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrClosed), errors.As(err, &e) && e.Code == CodeTooMany:
		return http.StatusServiceUnavailable
	case errors.As(err, &e) && statuses[e.Code] != 0:
		return statuses[e.Code]
	}
	return http.StatusInternalServerError
}
