package objects

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

// stall is how long a connection may bring nothing before another one is made.
const stall = time.Minute

// reading is an object being read. Where the connection breaks it goes on with
// another one, as long as the object is the same.
type reading struct {
	ctx    context.Context
	store  *S3
	key    string
	info   Info
	next   int64 // byte
	end    int64 // behind the last one
	body   io.ReadCloser
	cancel context.CancelFunc
	guard  *time.Timer
	broken int // connections in a row that brought nothing
}

// Read asks for the object, or for a part of it.
func (s *S3) Read(ctx context.Context, key string, part Range) (io.ReadCloser, Info, error) {
	r := &reading{ctx: ctx, store: s, key: key, next: part.From, end: -1}
	if part.Length > 0 {
		r.end = part.From + part.Length
	}
	if err := r.open(); err != nil {
		return nil, Info{}, s.fail("read", key, err)
	}
	return r, r.info, nil
}

// open asks for what has not been read yet.
func (r *reading) open() error {
	o := minio.GetObjectOptions{}
	if r.info.Version != "" {
		if err := o.SetMatchETag(r.info.Version); err != nil {
			return err
		}
	}
	if r.next > 0 || r.end >= 0 {
		if err := o.SetRange(r.next, max(r.end-1, 0)); err != nil { // an end of 0 is that of the object
			return err
		}
	}
	ctx, cancel := context.WithCancel(r.ctx)
	body, got, header, err := r.store.client.GetObject(ctx, r.store.options.Bucket, r.store.prefix+r.key, o)
	if err != nil {
		cancel()
		return err
	}
	r.body, r.cancel, r.guard = body, cancel, time.AfterFunc(stall, cancel)
	if r.info.Version == "" {
		r.info = r.store.info(got)
		r.info.Key, r.info.Size = r.key, wholeSize(got.Size, header)
		r.info.Age = age(header, got.LastModified)
		if whole := r.info.Size; r.end < 0 || r.end > whole {
			r.end = whole
		}
	}
	return nil
}

// wholeSize is the size of the object, of which only a part may have been asked.
func wholeSize(size int64, header http.Header) int64 {
	var whole int64
	if text := header.Get("Content-Range"); text != "" {
		for _, c := range text { // bytes 5-9/42
			switch {
			case c == '/':
				whole = 0
			case c >= '0' && c <= '9':
				whole = whole*10 + int64(c-'0')
			}
		}
		return whole
	}
	return size
}

// age is how long ago the object changed, by the service's clock.
func age(header http.Header, changed time.Time) time.Duration {
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return max(now.Sub(changed), 0)
}

// Read reads on.
func (r *reading) Read(into []byte) (int, error) {
	for {
		if r.next >= r.end {
			return 0, io.EOF
		}
		if r.body == nil {
			if err := r.open(); err != nil {
				return 0, r.store.fail("read", r.key, err)
			}
		}
		r.guard.Reset(stall)
		n, err := r.body.Read(into[:min(int64(len(into)), r.end-r.next)])
		r.next += int64(n)
		if n > 0 {
			r.broken = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		r.shut()
		r.broken++
		if r.ctx.Err() != nil || r.broken > 5 {
			return 0, r.store.fail("read", r.key, errors.Join(r.ctx.Err(), err))
		}
	}
}

func (r *reading) shut() {
	if r.body != nil {
		r.guard.Stop()
		r.cancel()
		r.body.Close() //nolint:errcheck // nothing was written
		r.body = nil
	}
}

// Close ends the reading.
func (r *reading) Close() error {
	r.shut()
	return nil
}
