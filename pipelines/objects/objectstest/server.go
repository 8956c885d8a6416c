// Package objectstest is an S3 service for tests: one bucket in memory, strict about
// signatures and conditions, and unreliable when it is told to be.
package objectstest

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/pipelines/objects"
)

// The account and the bucket that the service knows.
const (
	Bucket    = "warehouse"
	Region    = "us-east-1" // which ClickHouse takes for services that are not Amazon's
	AccessKey = "TESTACCESSKEY"
	SecretKey = "testsecretkey/with+signs"
)

// Trouble is what may happen to a request.
type Trouble int

// What happens to a request.
const (
	None       Trouble = iota
	SlowDown           // 503, and nothing is done
	Reset              // the connection breaks, and nothing is done
	LostAnswer         // it is done, and the connection breaks
	HalfAnswer         // the connection breaks within the answer's body
)

// Server is the service.
type Server struct {
	*httptest.Server
	// Trouble, if set, is asked for each request. It must not call the server.
	Trouble func(*http.Request) Trouble
	// Heedless makes it take conditions and pay no heed to them, as some do.
	Heedless bool
	// PageSize bounds the pages of a listing; 1000 if not set.
	PageSize int

	mu      sync.Mutex
	objects map[string]object
	names   []string // keys of the objects in order, or nil if they have changed
	uploads map[string]*upload
	asked   []string
	serial  int
}

type object struct {
	body    []byte
	etag    string
	changed time.Time
}

type upload struct {
	key   string
	parts map[int][]byte
}

// Start starts a service, which ends with the test.
func Start(t testing.TB) *Server {
	s := &Server{objects: map[string]object{}, uploads: map[string]*upload{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// StartTLS starts a service that speaks TLS.
func StartTLS(t testing.TB) *Server {
	s := &Server{objects: map[string]object{}, uploads: map[string]*upload{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it
	s.Server.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// CAFile writes the certificate that clients of StartTLS have to trust.
func (s *Server) CAFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Options are those to open the bucket with, below a prefix.
func (s *Server) Options(prefix string) objects.S3Options {
	return objects.S3Options{Bucket: Bucket, Prefix: prefix, Endpoint: s.URL, Region: Region, AccessKey: AccessKey, SecretKey: SecretKey}
}

// Open opens the bucket below a prefix.
func (s *Server) Open(t testing.TB, prefix string) *objects.S3 {
	t.Helper()
	store, err := objects.OpenS3(s.Options(prefix))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// Keys returns the keys of all objects, sorted.
func (s *Server) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sorted())
}

// sorted is Keys with the lock held.
func (s *Server) sorted() []string {
	if s.names == nil {
		s.names = slices.Sorted(maps.Keys(s.objects))
	}
	return s.names
}

// remove is Delete with the lock held.
func (s *Server) remove(key string) {
	s.names = nil
	delete(s.objects, key)
}

// Uploads is how many uploads in pieces are under way.
func (s *Server) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads)
}

// Put puts an object in place, as somebody else would.
func (s *Server) Put(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(key, body)
}

// Get returns an object's content, or nil.
func (s *Server) Get(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.objects[key].body)
}

// Delete takes an object away.
func (s *Server) Delete(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

// Grow makes an object older than it is.
func (s *Server) Grow(key string, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[key]
	o.changed = o.changed.Add(-by)
	s.objects[key] = o
}

// Log returns the requests so far as METHOD key?query, and forgets them.
func (s *Server) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// put is Put with the lock held.
func (s *Server) put(key string, body []byte) object {
	sum := md5.Sum(body)
	o := object{body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, changed: time.Now()}
	s.objects[key], s.names = o, nil
	return o
}

// failure is an answer of S3 that is an error.
type failure struct {
	XMLName xml.Name `xml:"Error"`
	Status  int      `xml:"-"`
	Code    string
	Message string
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

func fail(status int, code, message string) error {
	return &failure{Status: status, Code: code, Message: message}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/")
	if !strings.HasPrefix(r.Host, Bucket+".") {
		var bucket string
		bucket, key, _ = strings.Cut(key, "/")
		if bucket != Bucket {
			answerError(w, r, fail(404, "NoSuchBucket", "The specified bucket does not exist"))
			return
		}
	}
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSuffix(r.Method+" "+key+"?"+r.URL.RawQuery, "?"))
	s.mu.Unlock()
	trouble := None
	if s.Trouble != nil {
		trouble = s.Trouble(r)
	}
	switch trouble {
	case SlowDown:
		answerError(w, r, fail(503, "SlowDown", "Please reduce your request rate."))
		return
	case Reset:
		panic(http.ErrAbortHandler)
	}
	body, err := authentic(r)
	if err != nil {
		answerError(w, r, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := httptest.NewRecorder()
	if err := s.answer(rec, r, key, body); err != nil {
		answerError(rec, r, err)
	}
	if trouble == LostAnswer {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), rec.Header())
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if rec.Header().Get("Content-Length") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
	}
	w.WriteHeader(rec.Code)
	if trouble == HalfAnswer {
		w.Write(rec.Body.Bytes()[:rec.Body.Len()/2]) //nolint:errcheck // it breaks off
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(rec.Body.Bytes()) //nolint:errcheck // the client sees it
}

func answerError(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{Status: 500, Code: "InternalError", Message: err.Error()}
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		xml.NewEncoder(w).Encode(f) //nolint:errcheck // the client sees it
	}
}

// answer does what is asked.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, key string, body []byte) error {
	q := r.URL.Query()
	switch {
	case key == "" && q.Has("location"):
		fmt.Fprintf(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</LocationConstraint>`, Region)
		return nil
	case key == "" && q.Has("uploads"):
		return s.listUploads(w, q.Get("prefix"))
	case key == "" && r.Method == http.MethodGet:
		return s.list(w, q)
	case key == "":
		return nil // HEAD of the bucket
	case r.Method == http.MethodPost && q.Has("uploads"), q.Has("uploadId"):
		return s.multipart(w, r, key, body)
	case r.Method == http.MethodPut:
		return s.write(w, r, key, body)
	case r.Method == http.MethodDelete:
		s.remove(key)
		w.WriteHeader(http.StatusNoContent)
		return nil
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		return s.read(w, r, key)
	}
	return fail(501, "NotImplemented", r.Method+" "+r.URL.String())
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, key string, body []byte) error {
	if want := r.Header.Get("Content-Md5"); want != "" {
		if sum := md5.Sum(body); want != base64Of(sum[:]) {
			return fail(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	have, is := s.objects[key]
	switch match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match"); {
	case s.Heedless:
	case none == "*" && is:
		return fail(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	case none != "" && none != "*":
		return fail(501, "NotImplemented", "If-None-Match with a tag")
	case match != "" && !is:
		return fail(404, "NoSuchKey", "The specified key does not exist.")
	case match != "" && match != have.etag:
		return fail(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	w.Header().Set("ETag", s.put(key, body).etag)
	return nil
}

func (s *Server) read(w http.ResponseWriter, r *http.Request, key string) error {
	o, is := s.objects[key]
	if !is {
		return fail(404, "NoSuchKey", "The specified key does not exist.")
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.etag {
		return fail(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	h := w.Header()
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", o.changed.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	part, status := o.body, http.StatusOK
	if text, is := strings.CutPrefix(r.Header.Get("Range"), "bytes="); is {
		lo, hi, err := span(text, len(o.body))
		if err != nil {
			return err
		}
		part, status = o.body[lo:hi], http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", lo, hi-1, len(o.body)))
	}
	h.Set("Content-Length", strconv.Itoa(len(part)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		w.Write(part) //nolint:errcheck // a recorder
	}
	return nil
}

// span returns the bytes that a range asks for.
func span(text string, size int) (lo, hi int, err error) {
	from, to, _ := strings.Cut(text, "-")
	hi = size
	if from == "" {
		n, _ := strconv.Atoi(to)
		return max(size-n, 0), size, nil
	}
	lo, err = strconv.Atoi(from)
	if to != "" && err == nil {
		var last int
		last, err = strconv.Atoi(to)
		hi = min(last+1, size)
	}
	if err != nil || lo >= size || hi <= lo {
		return 0, 0, fail(416, "InvalidRange", "The requested range is not satisfiable")
	}
	return lo, hi, nil
}

// readAll reads a body; an error of it is the client's.
func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, fail(400, "IncompleteBody", err.Error())
	}
	return body, nil
}
