package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// The library's own streaming calls give every block as a document of its own,
// which joins up only in formats without head and tail, and they refuse all but
// SELECT. So a stream here is a statement whose output file is a pipe: the engine
// writes any format into it as it goes, a slow reader slows the engine down, and
// nothing is held in memory.

// errStreamClosed is the cause of a cancellation by Stream.Close.
var errStreamClosed = errors.New("the stream was closed")

// Stream is the output of a running statement. It must be closed. It is not for
// use by several goroutines.
type Stream struct {
	format string
	source io.Reader
	pipe   *os.File // nil when the output was whole from the start
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the statement has ended
	result Result        // without Data; valid after done
	err    error         // valid after done
}

// Stream runs a statement and gives its output as it comes. The session's turn
// ends with the stream, so it can't run another statement before Close.
//
// Statements that do not parse or are refused early may return their error here
// or from the first Read.
func (s *Session) Stream(ctx context.Context, q Query) (*Stream, error) {
	if err := s.guard(ctx, q.SQL); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	o := outlineOf(q.SQL)
	st := &Stream{format: o.format, done: make(chan struct{})}
	if st.format == "" {
		st.format = q.format()
	}
	if s.streamable(q.SQL, o) {
		if err := st.start(ctx, s, q, o); err != nil {
			s.end()
			return nil, err
		}
		return st, nil
	}
	defer s.end()
	r, err := s.run(ctx, q)
	if err != nil {
		return nil, err
	}
	st.source, st.cancel = bytes.NewReader(r.Data), func(error) {}
	r.Data = nil
	st.result = r
	close(st.done)
	return st, nil
}

// streamable tells whether a statement's output can be sent to a file. The
// engine's parser has the last word: with the file named, the statement must
// have become one that writes a file. It is asked no more often than it must be:
// reading a long statement takes it milliseconds.
func (s *Session) streamable(sql string, o outline) bool {
	if o.files || o.several || o.empty || changes[o.verb] {
		return false
	}
	if !asks[o.verb] {
		if a, ok := s.e.b.analyse(s.c.target, sql); !ok || a.class != classReads {
			return false
		}
	}
	a, ok := s.e.b.analyse(s.c.target, o.intoOutfile(sql, "/dev/null"))
	return ok && a.class == classControls
}

// start runs the statement beside its reader.
func (st *Stream) start(ctx context.Context, s *Session, q Query, o outline) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for the engine's output: %w", err)
	}
	widen(w)
	q.SQL = o.intoOutfile(q.SQL, "/dev/fd/"+strconv.Itoa(int(w.Fd())))
	ctx, st.cancel = context.WithCancelCause(ctx)
	st.source, st.pipe = r, r
	// A stream that nobody reads or closes must not keep the engine from closing.
	unwatchClose := context.AfterFunc(s.e.done, func() { _, _ = io.Copy(io.Discard, r) })
	go func() {
		defer s.end()
		unwatch := s.watch(ctx)
		r, err := s.e.b.result(call(s.e.b.query, s.c.target, q.SQL, q.format(), q.Params))
		st.result, st.err = r, unwatch(err)
		// The pipe ends for the reader when this last writer goes.
		w.Close()
		unwatchClose()
		close(st.done)
	}()
	return nil
}

// Format is the format of the output: the statement's own, or the query's.
func (st *Stream) Format() string { return st.format }

// Read gives the next bytes, and after the last of them io.EOF, or the error the
// statement failed with.
func (st *Stream) Read(p []byte) (int, error) {
	n, err := st.source.Read(p)
	if err == io.EOF || errors.Is(err, os.ErrClosed) {
		<-st.done
		if st.err != nil {
			return n, st.err
		}
		return n, io.EOF
	}
	return n, err
}

// Result gives the statement's counters, once Read has returned io.EOF.
func (st *Stream) Result() Result {
	<-st.done
	return st.result
}

// Close stops the statement if it still runs, and frees the session for the next
// one. It returns when the engine has stopped.
func (st *Stream) Close() error {
	st.cancel(errStreamClosed)
	if st.pipe == nil {
		return nil
	}
	// The engine may be waiting for room in the pipe, where it hears no kill.
	_, _ = io.Copy(io.Discard, st.pipe)
	<-st.done
	return st.pipe.Close()
}

// insertChunk is how much of an insert's data is handed over at a time, and
// firstChunk how much at first: most inserts are a row or two of the books.
const (
	insertChunk = 1 << 20
	firstChunk  = 32 << 10
)

// Insert runs an INSERT whose rows are read from data in the query's format; the
// statement has no FORMAT clause and no rows of its own. The engine takes the
// data in as it comes and writes a block whenever it has enough rows, so a
// failed insert may leave its first blocks behind.
//
// When data fails the insert is given up and the error returned.
func (s *Session) Insert(ctx context.Context, q Query, data io.Reader) (Result, error) {
	if err := s.guardInsert(ctx, q); err != nil {
		return Result{}, err
	}
	if err := s.begin(ctx); err != nil {
		return Result{}, err
	}
	defer s.end()
	unwatch := s.watch(ctx)
	r, err := s.insert(ctx, q, data)
	return r, unwatch(err)
}

func (s *Session) insert(ctx context.Context, q Query, data io.Reader) (Result, error) {
	b := s.e.b
	h := call(b.insertBegin, s.c.target, q.SQL, q.format(), q.Params)
	if h == 0 {
		return Result{}, &Error{Code: codeStdException, Text: "the engine returned nothing"}
	}
	defer b.insertDestroy(h)
	if text := b.insertError(h); text != "" {
		return Result{}, parseError(text)
	}
	buffer := make([]byte, firstChunk)
	for ; ; buffer = grown(buffer) {
		n, err := fill(data, buffer)
		if !b.append(h, buffer[:n]) {
			break // the reason comes with the result
		}
		if err == io.EOF {
			break
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			b.insertCancel(h)
			return Result{}, fmt.Errorf("read the data of an insert: %w", err)
		}
	}
	return b.result(b.insertDone(h))
}

// grown is the buffer for what comes after the first of an insert's data.
func grown(buffer []byte) []byte {
	if len(buffer) < insertChunk {
		return make([]byte, insertChunk)
	}
	return buffer
}

// fill reads until the buffer is full or data ends, so that the engine gets few
// large pieces. Unlike io.ReadFull it gives every error as it is.
func fill(data io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = data.Read(buffer[n:])
		n += m
	}
	return n, err
}
