package engine

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/compress"
)

// answer writes a response: headers with the first bytes, the output as it
// comes, and errors so that nobody takes a broken answer for a whole one.
type answer struct {
	w        http.ResponseWriter
	id       string
	timezone string
	tag      string // marks an error inside the output
	encoding string // HTTP's compression of the answer
	framed   bool   // ClickHouse's own compression on top
	method   compress.Method
	waits    bool // send nothing before the statement has ended
	hold     int  // bytes of output to hold back at first
	patience time.Duration
	progress *progress // nil: nobody wants to hear of it

	format string // of the output; empty when there is none
	result Result // of the statement, known when it has ended

	buffers *buffers
	memory  *[answerBuffer]byte
	rest    []byte // the last piece
	started bool
	encoded io.Writer // through the encoding
	closer  io.Closer // ends the encoding
	frames  *compress.Writer
}

func newAnswer(w http.ResponseWriter, r *http.Request, q url.Values, id string) *answer {
	a := &answer{
		w: w, id: id, tag: rand.Text()[:16], framed: isTrue(q.Get("compress")), method: compress.LZ4, hold: answerHold,
		waits: isTrue(q.Get("wait_end_of_query")) || isTrue(q.Get("http_wait_end_of_query")),
	}
	for _, name := range []string{"buffer_size", "http_response_buffer_size"} {
		if n, err := strconv.ParseUint(q.Get(name), 10, 63); err == nil {
			a.hold = max(a.hold, int(min(n, answerMost)))
		}
	}
	if strings.EqualFold(q.Get("network_compression_method"), "zstd") {
		a.method = compress.ZSTD
	}
	if enabled := q.Get("enable_http_compression"); enabled == "" || isTrue(enabled) {
		a.encoding = chooseEncoding(r.Header.Get("Accept-Encoding"))
	}
	return a
}

// begin sends the headers of a success.
func (a *answer) begin() {
	a.progress.end()
	h := a.w.Header()
	a.common(h)
	if a.format != "" {
		h.Set("X-ClickHouse-Format", a.format)
		h.Set("Content-Type", contentType(a.format))
	} else {
		h.Set("Content-Type", "text/plain; charset=UTF-8")
	}
	h.Set("X-ClickHouse-Summary", summary(a.result))
	h.Set("X-ClickHouse-Exception-Tag", a.tag)
	if a.encoding != "" {
		h.Set("Content-Encoding", a.encoding)
		h.Add("Vary", "Accept-Encoding")
	}
	a.w.WriteHeader(http.StatusOK)
	a.started = true
	a.encoded, a.closer = encoder(a.w, a.encoding)
	if a.framed {
		a.frames = compress.NewWriter(0, a.method)
	}
}

func (a *answer) common(h http.Header) {
	h.Set("X-ClickHouse-Query-Id", a.id)
	h.Set("X-ClickHouse-Timezone", a.timezone)
}

// answerBuffer is how much output is moved at a time, answerHold how much of it
// is held back at first: an error up to there still gets a proper status.
// Callers may ask for more, up to answerMost. Answers below answerSmall are not worth HTTP's compression. All in bytes.
const (
	answerBuffer = 512 << 10
	answerHold   = 64 << 10
	answerMost   = 64 << 20
	answerSmall  = 4 << 10
)

// buffers are reused from answer to answer: most answers are small, and clearing
// a fresh buffer would cost more than they do.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *[answerBuffer]byte {
	if p, ok := b.pool.Get().(*[answerBuffer]byte); ok {
		return p
	}
	return new([answerBuffer]byte)
}

func (b *buffers) put(p *[answerBuffer]byte) { b.pool.Put(p) }

// copy sends the output of a statement that runs in st, read through source, all
// but its last piece: that follows with finish, once the statement's session is
// free for the caller's next request.
func (a *answer) copy(st *Stream, source io.Reader) error {
	held, err := a.holdBack(source)
	if err != nil {
		return err
	}
	defer held.Close()
	if a.waits {
		a.result = st.Result()
	}
	return a.send(st, held)
}

func (a *answer) send(st *Stream, source io.Reader) error {
	a.format, a.memory = st.Format(), a.buffers.get()
	held := 0
	for {
		n, err := source.Read(a.memory[held:])
		held += n
		switch {
		case err == io.EOF:
			a.rest, a.result = a.memory[:held], st.Result()
			return nil
		case err != nil:
			return err
		case !a.started && held < min(a.hold, answerBuffer):
			continue
		case !a.started:
			a.begin()
		}
		if err := a.write(a.memory[:held]); err != nil {
			return err
		}
		held = 0
	}
}

// finish sends the last piece and ends a success.
func (a *answer) finish() error {
	if !a.started {
		if len(a.rest) < answerSmall {
			a.encoding = ""
		}
		a.framed = a.framed && len(a.rest) > 0
		if a.encoding == "" && !a.framed {
			a.w.Header().Set("Content-Length", strconv.Itoa(len(a.rest)))
		}
		a.begin()
	}
	if err := a.write(a.rest); err != nil {
		return err
	}
	if a.memory != nil {
		a.buffers.put(a.memory)
		a.memory, a.rest = nil, nil
	}
	if a.closer != nil {
		if err := a.closer.Close(); err != nil {
			return err
		}
	}
	if early, ok := a.w.(*earlyResponse); ok {
		return early.finish()
	}
	return nil
}

// write sends a piece of output and pushes it out.
func (a *answer) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if a.frames != nil {
		if err := a.frames.Compress(p); err != nil {
			return fmt.Errorf("compress the answer: %w", err)
		}
		p = a.frames.Data
	}
	if a.patience > 0 {
		_ = http.NewResponseController(a.w).SetWriteDeadline(time.Now().Add(a.patience))
	}
	if _, err := a.encoded.Write(p); err != nil {
		return err
	}
	return a.flush()
}

func (a *answer) flush() error {
	if f, ok := a.closer.(interface{ Flush() error }); ok {
		if err := f.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(a.w).Flush()
}

// maxException bounds the block of an error inside the output, as clients expect.
const maxException = 16<<10 - 256

// fail sends an error: with its status while that is possible, otherwise as a
// marked block at the end of the output, after which the connection is broken
// off, so that a caller who knows nothing of marks sees an incomplete answer. The
// block goes through the output's compression.
func (a *answer) fail(err error) {
	text, code := errorText(err)
	a.progress.end()
	early, isEarly := a.w.(*earlyResponse)
	if !a.started && !isEarly {
		a.refuse(status(err), code, text)
		return
	}
	if !a.started { // the status is out, and says that all is well
		a.encoding, a.framed = "", false
		early.header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
		a.begin()
	}
	if len(text) > maxException {
		text = text[:maxException]
	}
	_ = a.write(fmt.Appendf(nil, "\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n", a.tag, text, len(text)+1, a.tag))
	if isEarly {
		early.breakOff()
		return
	}
	panic(http.ErrAbortHandler)
}

// refuse sends an error as an answer of its own.
func (a *answer) refuse(status, code int, text string) {
	h := a.w.Header()
	a.common(h)
	h.Del("Content-Length")
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(code))
	h.Set("X-ClickHouse-Summary", summary(a.result))
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	a.w.WriteHeader(status)
	_, _ = io.WriteString(a.w, text+"\n")
}

// errorText gives an error in the form clients parse.
func errorText(err error) (string, int) {
	var e *Error
	if errors.As(err, &e) {
		return e.Error(), e.Code
	}
	e = &Error{Code: codeStdException, Name: "STD_EXCEPTION", Text: err.Error()}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		e = &Error{Code: CodeTooLarge, Name: "QUERY_IS_TOO_LARGE", Text: err.Error()}
	}
	return e.Error(), e.Code
}

// holdBack reads what is to be held back beyond the usual: so many bytes, or an
// output until it is complete, the most of it in a file of its own.
func (a *answer) holdBack(source io.Reader) (io.ReadCloser, error) {
	if !a.waits && a.hold <= answerBuffer {
		return io.NopCloser(source), nil
	}
	first := &bytes.Buffer{}
	switch _, err := io.CopyN(first, source, int64(max(a.hold, answerBuffer))); {
	case err == io.EOF:
		return io.NopCloser(first), nil
	case err != nil:
		return nil, err
	case !a.waits:
		return io.NopCloser(io.MultiReader(first, source)), nil
	}
	f, err := os.CreateTemp("", "winback-answer-*")
	if err != nil {
		return nil, fmt.Errorf("hold an answer back: %w", err)
	}
	_ = os.Remove(f.Name()) // it lives as long as it is open
	if _, err := io.Copy(f, source); err != nil {
		_ = f.Close()
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("hold an answer back: %w", err)
	}
	return heldAnswer{io.MultiReader(first, f), f}, nil
}

// heldAnswer is an output that was held back in a file.
type heldAnswer struct {
	io.Reader
	io.Closer
}

// contentType is the media type of a format.
func contentType(format string) string {
	f := strings.ToLower(format)
	switch {
	case strings.HasPrefix(f, "json") && (strings.Contains(f, "eachrow") || strings.Contains(f, "lines")), f == "ndjson":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(f, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(f, "csv"):
		header := "absent"
		if strings.Contains(f, "withnames") {
			header = "present"
		}
		return "text/csv; charset=UTF-8; header=" + header
	case strings.HasPrefix(f, "tsv"), strings.HasPrefix(f, "tabseparated"):
		return "text/tab-separated-values; charset=UTF-8"
	case f == "xml":
		return "application/xml; charset=UTF-8"
	case f == "markdown":
		return "text/markdown; charset=UTF-8"
	case f == "arrowstream":
		return "application/vnd.apache.arrow.stream"
	case f == "parquet":
		return "application/vnd.apache.parquet"
	case strings.HasPrefix(f, "pretty"), f == "vertical", f == "values", f == "sqlinsert":
		return "text/plain; charset=UTF-8"
	}
	return "application/octet-stream"
}
