package engine_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// unpack undoes an answer's Content-Encoding.
func unpack(t testing.TB, encoding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	case "lz4":
		r = lz4.NewReader(r)
	case "xz":
		r, err = xz.NewReader(r)
	}
	if err != nil {
		t.Fatalf("%s: %v", encoding, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v after %d bytes", encoding, err, len(text))
	}
	return string(text)
}

func TestHTTP_EveryEncodingOfAnswers(t *testing.T) {
	w := enginetest.Start(t)
	want := ask(t, w.URL, "POST", "/", "SELECT number, toString(number) FROM numbers(20000)").body
	for _, c := range [][2]string{ // in a server's order of preference
		{"bz2, xz, deflate, gzip, snappy, lz4, br, zstd", "zstd"}, {"xz, deflate, gzip, snappy, lz4, br", "br"}, {"xz, deflate, gzip, lz4", "lz4"},
		{"xz, deflate, gzip", "gzip"}, {"xz, deflate", "deflate"}, {"xz", "xz"}, {"zip, snappy", ""}, {"*", ""}, {"zstd;q=0, gzip", "gzip"},
	} {
		got := ask(t, w.URL, "POST", "/?enable_http_compression=1", "SELECT number, toString(number) FROM numbers(20000)", "Accept-Encoding", c[0])
		if e := got.header.Get("Content-Encoding"); e != c[1] || unpack(t, e, got.body) != want {
			t.Errorf("Accept-Encoding: %s was answered with %q", c[0], e)
		}
	}
}

func TestHTTP_EveryEncodingOfRequests(t *testing.T) {
	w := enginetest.Start(t)
	pack := func(open func(io.Writer) io.WriteCloser, text string) string {
		var b bytes.Buffer
		z := open(&b)
		_, _ = io.WriteString(z, text)
		_ = z.Close()
		return b.String()
	}
	for name, open := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, "deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
		"br": func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }, "snappy": func(w io.Writer) io.WriteCloser { return snappy.NewBufferedWriter(w) },
		"xz": func(w io.Writer) io.WriteCloser { z, _ := xz.NewWriter(w); return z },
	} {
		if got := ask(t, w.URL, "POST", "/", pack(open, "SELECT 1 + 1"), "Content-Encoding", name); got.body != "2\n" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if got := ask(t, w.URL, "POST", "/", "SELECT 1 + 1", "Content-Encoding", name); got.status == 200 {
			t.Errorf("%s: what is not packed was read", name)
		}
	}
	raw := func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 1); return z }
	if got := ask(t, w.URL, "POST", "/", pack(raw, "SELECT 1 + 1"), "Content-Encoding", "deflate"); got.body != "2\n" {
		t.Errorf("deflate without a frame: %d %s", got.status, got.body)
	}
	piece := snappy.Encode(nil, []byte("SELECT 1 + 1"))
	hadoop := string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 12), uint32(len(piece)))) + string(piece)
	if got := ask(t, w.URL, "POST", "/", hadoop, "Content-Encoding", "snappy"); got.body != "2\n" {
		t.Errorf("snappy as Hadoop has it: %d %s", got.status, got.body)
	}
	if got := ask(t, w.URL, "POST", "/", "SELECT 1", "Content-Encoding", "bz2"); got.status == 200 {
		t.Errorf("bz2: %d %s", got.status, got.body)
	}
}

// frames packs a text in ClickHouse's own compression, in frames of 1000 bytes.
func frames(t testing.TB, method compress.Method, text string) string {
	t.Helper()
	w := compress.NewWriter(0, method)
	var b strings.Builder
	for len(text) > 0 {
		n := min(1000, len(text))
		if err := w.Compress([]byte(text[:n])); err != nil {
			t.Fatal(err)
		}
		b.Write(w.Data)
		text = text[n:]
	}
	return b.String()
}

func TestHTTP_Frames(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "framed")
	rows := strings.Repeat("1\n", 5000)
	for method, name := range map[compress.Method]string{compress.LZ4: "lz4", compress.ZSTD: "zstd", compress.None: "none"} {
		t.Run(name, func(t *testing.T) {
			w.Exec(t, "CREATE OR REPLACE TABLE framed.t (n UInt64) ENGINE = MergeTree ORDER BY n")
			packed := frames(t, method, rows)
			insert := query("INSERT INTO framed.t FORMAT TSV") + "&decompress=1"
			if got := ask(t, w.URL, "POST", insert, packed); got.status != 200 {
				t.Fatal(got.body)
			}
			if n := w.Exec(t, "SELECT count() FROM framed.t"); n != "5000\n" {
				t.Errorf("%s rows", n)
			}
			broken := []byte(packed)
			broken[40] ^= 1
			for what, data := range map[string]string{"cut": packed[:len(packed)-3], "changed": string(broken), "not packed": rows} {
				if got := ask(t, w.URL, "POST", insert, data); got.status == 200 {
					t.Errorf("%s data were taken", what)
				}
			}
			unsigned := []byte(packed)
			unsigned[0] ^= 1 // a checksum
			if got := ask(t, w.URL, "POST", insert, string(unsigned)); got.header.Get("X-ClickHouse-Exception-Code") != "271" {
				t.Errorf("a wrong checksum: %d %s", got.status, got.body)
			}
			if got := ask(t, w.URL, "POST", insert+"&http_native_compression_disable_checksumming_on_decompress=1", string(unsigned)); got.status != 200 {
				t.Errorf("a checksum that nobody wants: %s", got.body)
			}
			answer := ask(t, w.URL, "POST", "/?compress=1&network_compression_method="+name, "SELECT number FROM numbers(300000)")
			text, err := io.ReadAll(io.LimitReader(compress.NewReader(strings.NewReader(answer.body)), 1988890))
			if err != nil || !strings.HasSuffix(string(text), "\n299999\n") {
				t.Errorf("the answer has %d bytes, %v", len(text), err)
			}
		})
	}
}

func TestHTTP_QueryID(t *testing.T) {
	w := enginetest.Start(t)
	done := make(chan reply, 1)
	go func() { done <- ask(t, w.URL, "POST", "/?query_id=slow", endless+" SETTINGS log_comment = 'mine'") }()
	eventually(t, "it runs", func() bool { return running(t, w, endless) == "1\n" })
	if got := ask(t, w.URL, "POST", "/?query_id=slow", "SELECT 1"); got.status != 500 || got.header.Get("X-ClickHouse-Exception-Code") != "216" {
		t.Errorf("the same id again: %d %s", got.status, got.body)
	}
	if got := ask(t, w.URL, "GET", query("KILL QUERY WHERE query_id = 'slow'"), ""); got.header.Get("X-ClickHouse-Exception-Code") != "164" {
		t.Errorf("killed by GET: %d %s", got.status, got.body)
	}
	if got := ask(t, w.URL, "POST", "/", "KILL QUERY WHERE query_id = 'slow' TEST"); !strings.HasPrefix(got.body, "waiting\tslow\t") {
		t.Errorf("a test: %q", got.body)
	}
	got := ask(t, w.URL, "POST", "/", "KILL QUERY ON CLUSTER c WHERE query_id IN ('slow', 'unknown') SYNC FORMAT JSONEachRow;")
	if !strings.HasPrefix(got.body, `{"kill_status":"finished","query_id":"slow"`) {
		t.Errorf("killed: %d %q", got.status, got.body)
	}
	if got := <-done; got.header.Get("X-ClickHouse-Exception-Code") != "394" {
		t.Errorf("the killed one: %d %s", got.status, got.body)
	}
	if got := ask(t, w.URL, "POST", "/?query_id=slow", "SELECT 1"); got.body != "1\n" {
		t.Errorf("the id after that: %d %s", got.status, got.body)
	}
	t.Run("replaced", func(t *testing.T) {
		go func() { done <- ask(t, w.URL, "POST", "/?query_id=old", endless) }()
		eventually(t, "it runs", func() bool { return running(t, w, endless) == "1\n" })
		if got := ask(t, w.URL, "POST", "/?query_id=old&replace_running_query=1", "SELECT 1"); got.body != "1\n" {
			t.Errorf("the new one: %d %s", got.status, got.body)
		}
		if got := <-done; got.header.Get("X-ClickHouse-Exception-Code") != "394" {
			t.Errorf("the old one: %d %s", got.status, got.body)
		}
	})
}

func TestHTTP_TooManyAtOnce(t *testing.T) {
	w := enginetest.Start(t)
	base := serve(t, engine.HandlerOptions{MaxStatements: 1})
	done := make(chan reply, 1)
	go func() { done <- ask(t, base, "POST", "/?query_id=only", endless) }()
	eventually(t, "it runs", func() bool { return running(t, w, endless) == "1\n" })
	if got := ask(t, base, "POST", "/", "SELECT 1"); got.status != 503 || got.header.Get("X-ClickHouse-Exception-Code") != "202" {
		t.Errorf("a second one: %d %s", got.status, got.body)
	}
	if got := ask(t, base, "GET", "/ping", ""); got.status != 200 {
		t.Errorf("ping: %d", got.status)
	}
	req, _ := http.NewRequest("POST", w.URL, strings.NewReader("KILL QUERY WHERE query LIKE '%"+endless[10:30]+"%' AND query NOT LIKE '%KILL%'"))
	res, err := http.DefaultClient.Do(req) // by what the engine knows, through another endpoint
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := <-done; got.status != 500 {
		t.Errorf("the first: %d %s", got.status, got.body)
	}
}

func TestHTTP_Progress(t *testing.T) {
	w := enginetest.Start(t)
	const slow = "SELECT number, sleepEachRow(0.02) FROM numbers(25) SETTINGS max_block_size = 1 FORMAT TSV"
	target := "/?send_progress_in_http_headers=1&http_headers_progress_interval_ms=20&wait_end_of_query=1"
	conn, err := net.Dial("tcp", w.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", target, len(slow), slow)
	early := make([]byte, 16<<10)
	n := 0
	for !strings.Contains(string(early[:n]), "X-ClickHouse-Progress: {\"read_rows\":") { // long before the end of the headers
		m, err := conn.Read(early[n:])
		if err != nil {
			t.Fatalf("%v after %q", err, early[:n])
		}
		n += m
	}
	if strings.Contains(string(early[:n]), "\r\n\r\n") {
		t.Errorf("progress came with everything else: %q", early[:n])
	}
	rest, err := io.ReadAll(conn)
	if err != nil || !strings.HasSuffix(string(rest), "24\t0\n\r\n0\r\n\r\n") || !strings.Contains(string(rest), "X-Clickhouse-Summary") {
		t.Errorf("%v, the answer ends with %q", err, rest[max(0, len(rest)-200):])
	}
	t.Run("read by a client", func(t *testing.T) {
		got := ask(t, w.URL, "POST", target, slow, "Accept-Encoding", "gzip")
		if got.err != nil || len(got.header.Values("X-ClickHouse-Progress")) < 2 || !strings.HasSuffix(unpack(t, got.header.Get("Content-Encoding"), got.body), "24\t0\n") {
			t.Errorf("%v %v %q", got.err, got.header, got.body)
		}
	})
	t.Run("an error", func(t *testing.T) {
		got := ask(t, w.URL, "POST", target, "SELECT sleepEachRow(0.02), throwIf(number = 20) FROM numbers(25) SETTINGS max_block_size = 1")
		if got.header.Get("X-ClickHouse-Exception-Code") != "395" || got.err == nil || !strings.Contains(got.body, "__exception__") {
			t.Errorf("%d %v %v %q", got.status, got.err, got.header, got.body)
		}
	})
	t.Run("a quick statement", func(t *testing.T) {
		if got := ask(t, w.URL, "POST", target, "SELECT 1"); got.body != "1\n" || got.header.Get("Content-Length") != "2" {
			t.Errorf("%v %q", got.header, got.body)
		}
	})
	t.Run("a caller who hangs up", func(t *testing.T) {
		conn, err := net.Dial("tcp", w.Addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", target, len(endless), endless)
		if _, err := conn.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		eventually(t, "the statement stops", func() bool { return running(t, w, endless) == "0\n" })
	})
}

func TestHTTP_HeldBackAnswers(t *testing.T) {
	w := enginetest.Start(t)
	const late = "SELECT number, throwIf(number = 400000, 'here') FROM numbers(1000000) SETTINGS max_block_size = 1000, max_threads = 1"
	for target, status := range map[string]int{
		"/": 200, "/?buffer_size=100000": 200, "/?buffer_size=30000000": 500, "/?http_response_buffer_size=30000000": 500,
		"/?wait_end_of_query=1": 500, "/?http_wait_end_of_query=1": 500, "/?wait_end_of_query=1&buffer_size=2000000": 500,
	} {
		if got := ask(t, w.URL, "POST", target, late); got.status != status || (got.err != nil) != (status == 200) {
			t.Errorf("%s: %d, %v", target, got.status, got.err)
		}
	}
	for _, target := range []string{"/?buffer_size=600000", "/?buffer_size=600000000", "/?wait_end_of_query=1", "/?wait_end_of_query=1&buffer_size=3000000"} {
		if got := ask(t, w.URL, "POST", target, "SELECT number FROM numbers(300000)"); len(got.body) != 1988890 || !strings.HasSuffix(got.body, "\n299999\n") {
			t.Errorf("%s: %d bytes", target, len(got.body))
		}
	}
}

func TestHTTP_ErrorInTheMiddleOfAPackedResult(t *testing.T) {
	w := enginetest.Start(t)
	const late = "SELECT number, throwIf(number = 500000, 'here') FROM numbers(1000000)"
	for _, method := range []*clickhouse.Compression{nil, {Method: clickhouse.CompressionLZ4}, {Method: clickhouse.CompressionZSTD}, {Method: clickhouse.CompressionGZIP}, {Method: clickhouse.CompressionBrotli}} {
		conn := w.ConnWith(t, clickhouse.Options{Compression: method})
		rows, err := conn.Query(bounded(t), late)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
		}
		if err := rows.Err(); err == nil {
			t.Errorf("%+v: a broken result looks whole", method)
		} else {
			t.Logf("%+v: %.150s", method, err)
		}
		rows.Close()
	}
	got := ask(t, w.URL, "POST", "/", "SELECT number, throwIf(number = 500000, repeat('long', 10000)) FROM numbers(1000000)")
	block := got.body[strings.Index(got.body, "\r\n__exception__"):]
	if len(block) > 16<<10 || !strings.HasSuffix(block, "\r\n__exception__\r\n") {
		t.Errorf("a block of %d bytes ends with %q", len(block), block[len(block)-40:])
	}
}

func TestHTTP_Pages(t *testing.T) {
	w := enginetest.Start(t)
	base := serve(t, engine.HandlerOptions{Origins: []string{"https://page.example"}})
	for _, c := range []struct {
		base, method, target, origin string
		status                       int
		allowed                      string
	}{
		{w.URL, "OPTIONS", "/", "", 204, ""},
		{w.URL, "OPTIONS", "/", "https://page.example", 403, ""},
		{w.URL, "GET", query("SELECT 1") + "&add_http_cors_header=1", "https://page.example", 403, ""},
		{w.URL, "GET", query("SELECT 1"), w.URL, 200, ""},
		{w.URL, "GET", query("SELECT 1"), "null", 403, ""},
		{base, "OPTIONS", "/", "https://page.example", 204, "https://page.example"},
		{base, "GET", query("SELECT 1"), "https://page.example", 200, "https://page.example"},
		{base, "GET", query("SELECT 1"), "https://other.example", 403, ""},
		{w.URL, "GET", "/play", "", 404, ""},
		{w.URL, "GET", "/no/such", "", 404, ""},
	} {
		header := []string{"Origin", c.origin}
		if c.origin == "" {
			header = nil
		}
		got := ask(t, c.base, c.method, c.target, "", header...)
		if got.status != c.status || got.header.Get("Access-Control-Allow-Origin") != c.allowed {
			t.Errorf("%s %s of %s: %d, %q", c.method, c.target, c.origin, got.status, got.header.Get("Access-Control-Allow-Origin"))
		}
	}
}

func TestHTTP_SlowCallers(t *testing.T) {
	base := serve(t, engine.HandlerOptions{BodyWait: 50 * time.Millisecond, AnswerWait: 50 * time.Millisecond})
	addr := strings.TrimPrefix(base, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nSELECT ")
	if answer, _ := io.ReadAll(conn); !strings.Contains(string(answer), " 500 ") && !strings.Contains(string(answer), " 408 ") {
		t.Errorf("half a statement: %q", answer)
	}
	// A statement that takes longer than its caller may is nothing of the kind.
	if got := ask(t, base, "POST", "/", "SELECT sleep(0.3)"); got.body != "0\n" {
		t.Errorf("%d %q %v", got.status, got.body, got.err)
	}
	// Somebody who stops reading is cut off.
	conn, err = net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const forever = "SELECT number FROM numbers(1000000000003)"
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(forever), forever)
	w := enginetest.Start(t)
	_, _ = conn.Read(make([]byte, 10))
	eventually(t, "the statement stops", func() bool { return running(t, w, "1000000000003") == "0\n" })
}

func TestLimitConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := engine.LimitConnections(inner, 1)
	var first, second net.Conn
	for _, c := range []*net.Conn{&first, &second} {
		if *c, err = net.Dial("tcp", inner.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer (*c).Close()
	}
	one, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var two net.Conn
	wg.Go(func() { two, err = l.Accept() })
	_ = one.Close()
	_ = one.Close() // gives its place back once
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() { _, err = l.Accept() })
	_ = l.Close()
	wg.Wait()
	if err == nil {
		t.Error("a closed listener accepts")
	}
	_ = two.Close()
}
