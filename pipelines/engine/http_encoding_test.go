package engine_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

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

func TestHTTP_CompressedRequests(t *testing.T) {
	w := enginetest.Start(t)
	pack := map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
		"lz4":  func(w io.Writer) io.WriteCloser { return lz4.NewWriter(w) },
	}
	w.Database(t, "packed")
	rows := strings.Repeat("1\n", 500_000)
	for name, open := range pack {
		t.Run(name, func(t *testing.T) {
			w.Exec(t, "CREATE OR REPLACE TABLE packed.t (n UInt64) ENGINE = MergeTree ORDER BY n")
			var b bytes.Buffer
			z := open(&b)
			_, _ = io.WriteString(z, rows)
			_ = z.Close()
			if got := ask(t, w.URL, "POST", query("INSERT INTO packed.t FORMAT TSV"), b.String(), "Content-Encoding", name); got.status != 200 {
				t.Fatal(got.body)
			}
			if n := w.Exec(t, "SELECT count() FROM packed.t"); n != "500000\n" {
				t.Errorf("%s rows", n)
			}
			got := ask(t, w.URL, "POST", query("INSERT INTO packed.t FORMAT TSV"), b.String()[:b.Len()/2], "Content-Encoding", name)
			if got.status == 200 {
				t.Error("half of a file was taken for a whole one")
			}
		})
	}
}

func TestHTTP_CompressedAnswers(t *testing.T) {
	w := enginetest.Start(t)
	for accept, want := range map[string]string{"gzip": "gzip", "gzip, deflate, br, zstd": "zstd", "br;q=0, gzip;q=0.5": "gzip", "identity": ""} {
		got := ask(t, w.URL, "POST", "/", "SELECT * FROM numbers(10000)", "Accept-Encoding", accept)
		if e := got.header.Get("Content-Encoding"); e != want {
			t.Errorf("Accept-Encoding: %s was answered with %q", accept, e)
		}
	}
	got := ask(t, w.URL, "POST", "/?enable_http_compression=0", "SELECT * FROM numbers(10000)", "Accept-Encoding", "gzip")
	if !strings.HasPrefix(got.body, "0\n1\n") {
		t.Errorf("answer %.20q", got.body)
	}
	got = ask(t, w.URL, "POST", "/", "SELECT 1", "Accept-Encoding", "gzip")
	if got.body != "1\n" {
		t.Errorf("a small answer %q", got.body)
	}
	got = ask(t, w.URL, "POST", "/", "SELECT * FROM nowhere", "Accept-Encoding", "gzip")
	if !strings.HasPrefix(got.body, "Code: 60.") {
		t.Errorf("error %q", got.body)
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
