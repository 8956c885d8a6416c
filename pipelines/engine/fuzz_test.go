package engine

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/klauspost/compress/zstd"
)

// FuzzRequest reads requests of any kind: parameters, headers, forms, packed
// bodies. None may break the reader, hang it or make it remember more than was
// sent; one that is accepted says what it wants.
func FuzzRequest(f *testing.F) {
	packed := func(method compress.Method, text string) []byte {
		w := compress.NewWriter(0, method)
		if err := w.Compress([]byte(text)); err != nil {
			f.Fatal(err)
		}
		return bytes.Clone(w.Data)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	form := "--x\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t.tsv\"\r\n\r\n1\t2\n\r\n--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"param_a\"\r\n\r\n5\r\n--x--\r\n"
	for _, seed := range []struct {
		method, query, header string
		body                  []byte
	}{
		{"POST", "", "", []byte("SELECT 1")},
		{"GET", "query=SELECT+1&default_format=JSON", "", nil},
		{"POST", "query=INSERT+INTO+t+FORMAT+CSV&decompress=1", "", packed(compress.LZ4, "1,2\n3,4\n")},
		{"POST", "decompress=1", "", packed(compress.ZSTD, "INSERT INTO t VALUES (1, 'a')")},
		{"POST", "decompress=true&http_native_compression_disable_checksumming_on_decompress=1", "", packed(compress.None, "SELECT 1")},
		{"POST", "param_a=1&session_id=s&session_timeout=5&session_check=1&close_session=1", "X-ClickHouse-Format: JSON\nX-ClickHouse-Database: d", []byte("SELECT {a:UInt8}")},
		{"POST", "", "Content-Encoding: zstd", z.EncodeAll([]byte("INSERT INTO t (a, b) FORMAT TSV\n1\t2\n"), nil)},
		{"POST", "", "Content-Encoding: gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")},
		{"POST", "", "Content-Encoding: snappy", []byte("\x00\x00\x00\x08\x00\x00\x00\x0a\x08\x1cSELECT 1")},
		{"POST", "t_types=UInt8,Map(String,+UInt8)&t_format=TSV", "Content-Type: multipart/form-data; boundary=x", []byte(form)},
		{"POST", "client_protocol_version=54460&compress=1&query_id=a&buffer_size=1&wait_end_of_query=1&role=r", "Accept-Encoding: br;q=1, zstd;q=0", []byte("KILL QUERY WHERE query_id IN ('a', 'b') SYNC FORMAT JSON;")},
		{"HEAD", "query=%53ELECT+1&max_threads=%zz", "Authorization: Basic YTpi", nil},
		{"POST", "send_progress_in_http_headers=1", "", []byte("\xef\xbb\xbf/* a */ INSERT INTO {t:Identifier} FORMAT Native\n\x01\x01")},
	} {
		f.Add(seed.method, seed.query, seed.header, seed.body)
	}
	h := NewHandler(&Engine{timezone: "UTC"}, HandlerOptions{MaxQueryBytes: 1 << 16})
	f.Fuzz(func(t *testing.T, method, query, header string, body []byte) {
		r, err := http.NewRequest("POST", "http://host/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Method, r.URL.RawQuery = method, query
		for line := range strings.SplitSeq(header, "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				r.Header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
			}
		}
		started := time.Now()
		w := httptest.NewRecorder()
		if h.serveFixed(w, r) {
			return
		}
		req, err := h.read(w, r)
		if err != nil {
			req.out.fail(err)
			if w.Code < 400 {
				t.Fatalf("%v became the status %d", err, w.Code)
			}
			return
		}
		if strings.TrimSpace(req.sql) == "" || req.insert && req.format == "" || len(req.sql) > 1<<20+len(query) {
			t.Fatalf("a statement of %d bytes, insert %v, format %q", len(req.sql), req.insert, req.format)
		}
		if req.insert {
			_, _ = io.Copy(io.Discard, io.LimitReader(req.data, 16<<20))
		}
		_, _ = parseKill(req.sql)
		_ = forbidden(req.sql, openFunctions)
		if took := time.Since(started); took > 10*time.Second {
			t.Fatalf("it took %v", took)
		}
	})
}
