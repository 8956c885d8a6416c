package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A caller may ask to hear how far a statement is while it runs, in headers that
// are sent one by one before the answer begins. Go's server sends headers only
// whole, so from the first of them on the connection is written to directly.

// progressInterval is the usual time between two headers, progressShortest the
// shortest. Clients limit the size of all headers, Node to 16 KiB: after each
// progressRun the time doubles.
const (
	progressInterval = 100 * time.Millisecond
	progressShortest = 20 * time.Millisecond
	progressRun      = 16
)

// errCallerGone is the cause of the end of a statement whose caller has hung up.
var errCallerGone = errors.New("the caller has hung up")

// progress tells a caller how far a statement is.
type progress struct {
	a      *answer
	cancel context.CancelCauseFunc // of the statement
	stop   context.CancelFunc
	ended  chan struct{}
}

// startProgress begins to tell, if the request wants it. The statement's rows must
// not come from the request's body any more.
func (h *Handler) startProgress(ctx context.Context, req *request, s *Session) context.Context {
	r := req.http
	if !isTrue(req.settings["send_progress_in_http_headers"]) || req.insert || r.ProtoMajor != 1 || r.Method == http.MethodHead {
		return ctx
	}
	interval := progressInterval
	if ms, err := strconv.Atoi(req.settings["http_headers_progress_interval_ms"]); err == nil {
		interval = max(time.Duration(ms)*time.Millisecond, progressShortest)
	}
	p := &progress{a: req.out, ended: make(chan struct{})}
	ctx, p.cancel = context.WithCancelCause(ctx)
	ticking, stop := context.WithCancel(ctx)
	p.stop = stop
	req.out.progress = p
	go p.run(ticking, s, interval)
	return ctx
}

func (p *progress) run(ctx context.Context, s *Session, interval time.Duration) {
	defer close(p.ended)
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now, ok := s.e.progressOf(s.c.tag)
		if ctx.Err() != nil {
			return
		}
		if ok && !p.tell(now) {
			return
		}
		if n%progressRun == 0 {
			interval *= 2
		}
		timer.Reset(interval)
	}
}

// tell sends a header. It is false when no more can be sent.
func (p *progress) tell(line string) bool {
	early, ok := p.a.w.(*earlyResponse)
	if !ok {
		var err error
		if early, err = takeConnection(p.a.w, p.cancel); err != nil {
			return false
		}
		p.a.w = early
		p.a.common(early.header)
		early.begin(http.StatusOK)
	}
	return early.line("X-ClickHouse-Progress", line) == nil
}

// end stops telling; what follows is the answer.
func (p *progress) end() {
	if p != nil {
		p.stop()
		<-p.ended
	}
}

// progressOf gives the counters of a running statement.
func (e *Engine) progressOf(tag string) (string, bool) {
	e.kill.Lock()
	defer e.kill.Unlock()
	sql := "SELECT read_rows, read_bytes, written_rows, written_bytes, total_rows_approx, toUInt64(elapsed * 1000000000), memory_usage" +
		" FROM system.processes WHERE Settings['" + tagSetting + "'] = '" + tag + "'"
	r, err := e.b.result(call(e.b.query, e.keeper.target, sql, "TSV", nil))
	fields := strings.Fields(string(r.Data))
	if err != nil || len(fields) < 7 {
		return "", false
	}
	return fmt.Sprintf(`{"read_rows":"%s","read_bytes":"%s","written_rows":"%s","written_bytes":"%s","total_rows_to_read":"%s","result_rows":"0","result_bytes":"0","elapsed_ns":"%s","memory_usage":"%s"}`,
		fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6]), true
}

// earlyResponse is an http.ResponseWriter whose headers may go out one by one. It
// is the last answer of its connection.
type earlyResponse struct {
	conn   net.Conn
	out    *bufio.Writer
	header http.Header

	mu     sync.Mutex
	sent   map[string]bool // headers that are out
	begun  bool            // the status is out
	headed bool            // all headers are out
}

// takeConnection takes a connection from the server. When the caller hangs up the
// statement is cancelled.
func takeConnection(w http.ResponseWriter, cancel context.CancelCauseFunc) (*earlyResponse, error) {
	header := w.Header()
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	go func() {
		_, _ = io.Copy(io.Discard, buffer.Reader) // what a caller sends now is for nobody
		cancel(errCallerGone)
	}()
	return &earlyResponse{conn: conn, out: bufio.NewWriterSize(conn, 64<<10), header: header, sent: map[string]bool{}}, nil
}

// Header implements http.ResponseWriter.
func (e *earlyResponse) Header() http.Header { return e.header }

// begin sends the status and the headers there are, and leaves room for more.
func (e *earlyResponse) begin(status int) {
	if e.begun {
		return
	}
	e.begun = true
	fmt.Fprintf(e.out, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n", status, http.StatusText(status), time.Now().UTC().Format(http.TimeFormat))
	e.flushHeader()
}

func (e *earlyResponse) flushHeader() {
	for name := range e.header {
		if e.sent[name] || name == "Content-Length" {
			delete(e.header, name)
		}
		e.sent[name] = true
	}
	_ = e.header.Write(e.out)
}

// line sends one more header at once.
func (e *earlyResponse) line(name, value string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	fmt.Fprintf(e.out, "%s: %s\r\n", name, value)
	return e.out.Flush()
}

// WriteHeader implements http.ResponseWriter. A status that is out already stays.
func (e *earlyResponse) WriteHeader(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.headed {
		return
	}
	e.begin(status)
	e.flushHeader()
	_, _ = e.out.WriteString("\r\n")
	e.headed = true
}

// Write implements http.ResponseWriter.
func (e *earlyResponse) Write(p []byte) (int, error) {
	e.WriteHeader(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	fmt.Fprintf(e.out, "%x\r\n", len(p))
	if _, err := e.out.Write(p); err != nil {
		return 0, err
	}
	_, err := e.out.WriteString("\r\n")
	return len(p), err
}

// FlushError is for http.ResponseController.
func (e *earlyResponse) FlushError() error { return e.out.Flush() }

// SetWriteDeadline is for http.ResponseController.
func (e *earlyResponse) SetWriteDeadline(t time.Time) error { return e.conn.SetWriteDeadline(t) }

// finish ends a whole answer.
func (e *earlyResponse) finish() error {
	e.WriteHeader(http.StatusOK)
	_, err := e.out.WriteString("0\r\n\r\n")
	return errors.Join(err, e.out.Flush(), e.conn.Close())
}

// breakOff ends the connection, so that a caller sees an incomplete answer.
func (e *earlyResponse) breakOff() {
	_ = e.out.Flush()
	_ = e.conn.Close()
}

// summary is the header X-ClickHouse-Summary.
func summary(r Result) string {
	n := func(v uint64) string { return strconv.FormatUint(v, 10) }
	text, _ := json.Marshal(map[string]string{
		"read_rows": n(r.RowsRead), "read_bytes": n(r.BytesRead),
		"written_rows": n(r.RowsWritten), "written_bytes": n(r.BytesWritten),
		"total_rows_to_read": "0", "result_rows": n(max(r.ResultRows, r.RowsWritten)), "result_bytes": n(max(r.ResultBytes, r.BytesWritten)),
		"elapsed_ns": strconv.FormatInt(int64(r.Seconds*1e9), 10),
	})
	return string(text)
}
