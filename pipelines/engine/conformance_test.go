package engine_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// The files in testdata/conformance are what clients send, a file a client, and
// what they rely on in the answers:
//
//	# a remark
//	> POST /?database=shown HTTP/1.1
//	> Header: as it is sent
//	>
//	the body, which is packed as the headers and parameters say
//	< 200
//	< Header: a regular expression
//	<
//	a regular expression for the whole body, unpacked
//
// A blank line ends an exchange. The exchanges of a file use one connection. The
// user ann reads the database shown, bob may do everything.

// exchange is a request and what is expected of its answer.
type exchange struct {
	line    int
	request string
	header  []string
	body    string
	status  int
	expect  []string
	answer  string
}

func readExchanges(t *testing.T, path string) []exchange {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []exchange
	var at *exchange
	part := ""
	for i, line := range strings.Split(string(text), "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "#") && part == "":
		case line == "" && (part == "" || part == "answer"):
			part = ""
		case part == "" && mark == ">":
			list = append(list, exchange{line: i + 1, request: rest})
			at, part = &list[len(list)-1], "header"
		case part == "header" && mark == ">":
			if rest == "" {
				part = "body"
			} else {
				at.header = append(at.header, rest)
			}
		case part == "body" && mark == "<":
			if at.status, err = strconv.Atoi(rest); err != nil {
				t.Fatalf("%s:%d: %v", path, i+1, err)
			}
			part = "expect"
		case part == "body":
			at.body += line + "\n"
		case part == "expect" && mark == "<":
			if rest == "" {
				part = "answer"
			} else {
				at.expect = append(at.expect, rest)
			}
		case part == "answer":
			at.answer += line
		default:
			t.Fatalf("%s:%d: %q has no place here", path, i+1, line)
		}
	}
	return list
}

func (x *exchange) headerValue(name string) string {
	for _, line := range x.header {
		if key, value, _ := strings.Cut(line, ": "); strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// packedBody is the body as it travels. The last line feed is the file's.
func (x *exchange) packedBody(t *testing.T) string {
	t.Helper()
	body := strings.TrimSuffix(x.body, "\n")
	if x.headerValue("X-Body") == "quoted" { // bytes that are no text
		unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(body, "\n", `\n`) + `"`)
		if err != nil {
			t.Fatalf("line %d: %v", x.line, err)
		}
		body = unquoted
	}
	if strings.Contains(x.headerValue("Content-Type"), "multipart/form-data") {
		body = strings.ReplaceAll(body, "\n", "\r\n") + "\r\n"
	}
	if strings.Contains(x.request, "decompress=1") {
		body = frames(t, compress.LZ4, body)
	}
	var b bytes.Buffer
	var z io.WriteCloser
	switch x.headerValue("Content-Encoding") {
	case "gzip":
		z = gzip.NewWriter(&b)
	case "lz4":
		z = lz4.NewWriter(&b)
	case "zstd":
		z, _ = zstd.NewWriter(&b)
	default:
		return body
	}
	_, _ = io.WriteString(z, body)
	_ = z.Close()
	return b.String()
}

// send writes the request as the client would, byte for byte.
func (x *exchange) send(t *testing.T, conn net.Conn) {
	t.Helper()
	var b strings.Builder
	b.WriteString(x.request + "\r\n")
	for _, line := range x.header {
		if !strings.HasPrefix(line, "X-Body:") {
			b.WriteString(line + "\r\n")
		}
	}
	body := x.packedBody(t)
	switch {
	case strings.EqualFold(x.headerValue("Transfer-Encoding"), "chunked"):
		b.WriteString("\r\n")
		for half := range 2 {
			piece := body[half*(len(body)/2) : (half+1)*(len(body)/2)+half*(len(body)%2)]
			if piece != "" {
				fmt.Fprintf(&b, "%x\r\n%s\r\n", len(piece), piece)
			}
		}
		b.WriteString("0\r\n\r\n")
	case strings.HasPrefix(x.request, "POST"):
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	default:
		b.WriteString("\r\n")
	}
	if _, err := io.WriteString(conn, b.String()); err != nil {
		t.Fatal(err)
	}
}

// check compares an answer with what is expected.
func (x *exchange) check(t *testing.T, path string, res *http.Response) {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	body := unpack(t, res.Header.Get("Content-Encoding"), string(raw))
	if strings.Contains(x.request, "compress=1") && !strings.Contains(x.request, "decompress=1") && res.StatusCode == 200 && body != "" {
		var text []byte
		if text, err = io.ReadAll(compress.NewReader(strings.NewReader(body))); err != nil && errors.Is(err, io.EOF) {
			err = nil
		}
		body = string(text)
	}
	if err != nil {
		t.Errorf("%s:%d: the answer breaks off: %v", path, x.line, err)
	}
	if res.StatusCode != x.status {
		t.Errorf("%s:%d: status %d, not %d: %.300q", path, x.line, res.StatusCode, x.status, body)
	}
	for _, line := range x.expect {
		name, pattern, _ := strings.Cut(line, ": ")
		if value := res.Header.Get(name); !regexp.MustCompile(pattern).MatchString(value) {
			t.Errorf("%s:%d: %s: %q does not match %s", path, x.line, name, value, pattern)
		}
	}
	if !regexp.MustCompile("(?s)" + x.answer).MatchString(bytesAsRunes(body)) {
		t.Errorf("%s:%d: the answer %.600q does not match %s", path, x.line, body, x.answer)
	}
}

// bytesAsRunes lets \xff in a regular expression mean the byte.
func bytesAsRunes(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// conformingEndpoint has the users and the table of the recorded requests.
func conformingEndpoint(t *testing.T) string {
	t.Helper()
	w := enginetest.Start(t)
	w.Database(t, enginetest.Shown)
	w.Exec(t, "CREATE TABLE shown.orders (ts DateTime, channel LowCardinality(String), amount Decimal(9, 2), note Nullable(String)) ENGINE = MergeTree ORDER BY ts COMMENT 'what was ordered'")
	w.Exec(t, "INSERT INTO shown.orders VALUES ('2026-01-05 10:00:00', 'web', 10.5, NULL), ('2026-01-06 10:00:00', 'shop', 20, 'gift')")
	h := engine.NewHandler(w.Engine, engine.HandlerOptions{Authenticate: func(_ context.Context, c engine.Credentials) (engine.Access, error) {
		switch {
		case c.User == "ann" && c.Password == "secret":
			return engine.Access{Role: enginetest.Reader + "," + enginetest.Held, Database: enginetest.Shown, Settings: map[string]string{"readonly": "2"}}, nil
		case c.User == "bob" && c.Password == "secret":
			return engine.Access{}, nil
		}
		return engine.Access{}, errors.New("Authentication failed: password is incorrect, or there is no user with such name")
	}})
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.Close(); _ = h.Close() })
	return strings.TrimPrefix(server.URL, "http://")
}

func TestConformance(t *testing.T) {
	paths, err := filepath.Glob("testdata/conformance/*.txt")
	if err != nil || len(paths) < 8 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	address := conformingEndpoint(t)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for _, x := range readExchanges(t, path) {
				x.send(t, conn)
				method, _, _ := strings.Cut(x.request, " ")
				res, err := http.ReadResponse(answers, &http.Request{Method: method})
				if err != nil {
					t.Fatalf("%s:%d: %v", path, x.line, err)
				}
				x.check(t, path, res)
			}
		})
	}
}

// TestConformance_JavaScript runs a real client that is no Go: where the variable
// WINBACK_CLIENTS is set, since it is installed for that.
func TestConformance_JavaScript(t *testing.T) {
	if os.Getenv("WINBACK_CLIENTS") == "" {
		t.Skip("SKIPPED, NOTHING WAS TESTED: WINBACK_CLIENTS=1 installs the JavaScript client and runs it")
	}
	address := conformingEndpoint(t)
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/clients/javascript.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "client.mjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", dir, "@clickhouse/client@1.23.1"},
		{"node", "client.mjs", "http://" + address},
	} {
		cmd := exec.CommandContext(bounded(t), args[0], args[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		t.Logf("%s", out)
	}
}
