package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// BenchmarkRows takes rows out through the endpoint and puts rows in, and tells the
// most memory that the process had meanwhile: with ten times the rows it is the same.
func BenchmarkRows(b *testing.B) {
	h := engine.NewHandler(enginetest.Start(b).Engine, engine.HandlerOptions{})
	server := httptest.NewServer(h)
	b.Cleanup(func() { server.Close(); _ = h.Close() })
	post := func(sql string, body io.Reader) (bytes int64, text string) {
		res, err := http.Post(server.URL+"/?query="+url.QueryEscape(sql), "application/octet-stream", body)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		var first strings.Builder
		n, err := io.Copy(io.MultiWriter(io.Discard, &limited{&first, 100}), res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%s: %d %v: %s", sql, res.StatusCode, err, &first)
		}
		return n, strings.TrimSpace(first.String())
	}
	post("CREATE DATABASE large", nil)
	b.Cleanup(func() { post("DROP DATABASE large SYNC", nil) })
	for _, rows := range []int{5_000_000, 50_000_000} {
		b.Run(fmt.Sprintf("out/%d", rows), func(b *testing.B) {
			for b.Loop() {
				forgetPeak(b)
				n, _ := post(fmt.Sprintf("SELECT number, toFixedString(hex(number), 16) FROM numbers(%d) FORMAT RowBinary", rows), nil)
				if want := int64(rows) * 24; n != want {
					b.Fatalf("%d bytes, want %d", n, want)
				}
				b.ReportMetric(float64(peak(b))/(1<<20), "peak-MiB")
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(fmt.Sprintf("in/%d", rows), func(b *testing.B) {
			for b.Loop() {
				post("CREATE OR REPLACE TABLE large.rows (n UInt64, text FixedString(16)) ENGINE = MergeTree ORDER BY n", nil)
				forgetPeak(b)
				post("INSERT INTO large.rows FORMAT RowBinary", &madeRows{left: rows})
				b.ReportMetric(float64(peak(b))/(1<<20), "peak-MiB")
				if _, text := post("SELECT count() FROM large.rows", nil); text != strconv.Itoa(rows) {
					b.Fatalf("%s rows came in, want %d", text, rows)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// limited keeps the first bytes and lets the others go.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(text []byte) (int, error) {
	n := min(l.left, len(text))
	l.left -= n
	if _, err := l.w.Write(text[:n]); err != nil {
		return 0, err
	}
	return len(text), nil
}

// madeRows is a body of so many rows that nobody holds in memory.
type madeRows struct {
	left int
	rest []byte
}

func (r *madeRows) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		some := min(r.left, 1000)
		r.left -= some
		for i := range some {
			r.rest = binary.LittleEndian.AppendUint64(r.rest, uint64(r.left+i))
			r.rest = fmt.Appendf(r.rest, "%016x", r.left+i)
		}
	}
	n := copy(p, r.rest)
	if r.rest = r.rest[n:]; len(r.rest) == 0 {
		r.rest = r.rest[:0]
	}
	return n, nil
}

// forgetPeak begins the reckoning of the most memory anew.
func forgetPeak(b *testing.B) {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600); err != nil {
		b.Skipf("SKIPPED, NOTHING WAS MEASURED: %v", err)
	}
}

// peak is the most memory of the process since then, in bytes.
func peak(b *testing.B) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	kilobytes, err := strconv.ParseInt(strings.Fields(string(rest))[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
