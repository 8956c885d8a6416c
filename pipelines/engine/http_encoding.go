package engine

import (
	"bufio"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// encodings are the compressions of answers, in the order in which a server
// prefers them. It has snappy and bz2 too, which are only read here.
var encodings = []string{"zstd", "br", "lz4", "gzip", "deflate", "xz"}

// chooseEncoding picks a compression the caller takes; empty for none.
func chooseEncoding(accept string) string {
	takes := map[string]bool{}
	for part := range strings.SplitSeq(accept, ",") {
		name, weight, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		takes[strings.TrimSpace(name)] = strings.ReplaceAll(weight, " ", "") != "q=0"
	}
	for _, name := range encodings {
		if takes[name] {
			return name
		}
	}
	return ""
}

// encoder gives a compressing writer, and what ends it.
func encoder(w io.Writer, encoding string) (io.Writer, io.Closer) {
	switch encoding {
	case "gzip":
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		return z, z
	case "deflate":
		z, _ := zlib.NewWriterLevel(w, zlib.BestSpeed)
		return z, z
	case "br":
		z := brotli.NewWriterLevel(w, brotli.BestSpeed)
		return z, z
	case "zstd":
		z, _ := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		return z, z
	case "lz4":
		z := lz4.NewWriter(w)
		return z, z
	case "xz":
		if z, err := xz.NewWriter(w); err == nil {
			return z, z
		}
	}
	return w, nil
}

// decodeBody undoes the body's compression.
func decodeBody(r *http.Request, q url.Values) (io.Reader, error) {
	body, err := decoder(r.Context(), r.Body, strings.ToLower(r.Header.Get("Content-Encoding")))
	if err != nil {
		return nil, err
	}
	if isTrue(q.Get("decompress")) {
		body = &frameReader{source: body, unsigned: isTrue(q.Get("http_native_compression_disable_checksumming_on_decompress"))}
	}
	return body, nil
}

// maxWindow bounds what a caller's compression makes this side remember.
const maxWindow = 128 << 20

func decoder(ctx context.Context, body io.Reader, encoding string) (io.Reader, error) {
	var err error
	switch encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = newInflater(body)
	case "br":
		body = brotli.NewReader(body)
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow)); err == nil {
			context.AfterFunc(ctx, d.Close)
			body = d
		}
	case "lz4":
		body = lz4.NewReader(body)
	case "snappy":
		body, err = newSnappyReader(body)
	case "bz2":
		body = bzip2.NewReader(body)
	case "xz":
		body, err = xz.ReaderConfig{DictCap: maxWindow}.NewReader(bufio.NewReader(body))
	default:
		return nil, &Error{Code: CodeNotImplemented, Name: "NOT_IMPLEMENTED", Text: "unknown Content-Encoding: " + encoding}
	}
	if err != nil {
		return nil, badBody(noEOF(err))
	}
	return body, nil
}

// newInflater reads deflate with zlib's frame, as the standard has it, or
// without, as some clients send it.
func newInflater(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// isTrue reads a switch of a URL.
func isTrue(value string) bool { return value == "1" || strings.EqualFold(value, "true") }

func badBody(err error) error {
	return fmt.Errorf("read the request's body: %w", err)
}
