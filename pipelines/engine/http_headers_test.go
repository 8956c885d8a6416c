package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"winback/pipelines/engine/enginetest"
)

func TestHTTP_Headers(t *testing.T) {
	w := enginetest.Start(t)
	got := ask(t, w.URL, "POST", "/?query_id=mine", "SELECT 1 FORMAT JSON")
	for name, want := range map[string]string{
		"X-ClickHouse-Query-Id": "mine", "X-ClickHouse-Format": "JSON", "X-ClickHouse-Timezone": "UTC",
		"X-ClickHouse-Server-Display-Name": "winback", "Content-Type": "application/json; charset=UTF-8",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %s, want %s", name, got.header.Get(name), want)
		}
	}
	var summary map[string]string
	if err := json.Unmarshal([]byte(got.header.Get("X-ClickHouse-Summary")), &summary); err != nil || summary["read_rows"] != "1" {
		t.Errorf("summary %v, error %v", summary, err)
	}
	for _, target := range []string{"/", "/?wait_end_of_query=1"} {
		got = ask(t, w.URL, "POST", target, "SELECT number % 3 AS n, sum(number) FROM numbers(1000) GROUP BY n")
		if err := json.Unmarshal([]byte(got.header.Get("X-ClickHouse-Summary")), &summary); err != nil || summary["read_rows"] != "1000" || summary["result_rows"] != "3" {
			t.Errorf("summary %v, error %v", summary, err)
		}
	}
	if id := ask(t, w.URL, "POST", "/", "SELECT 1").header.Get("X-ClickHouse-Query-Id"); len(id) != 36 {
		t.Errorf("query id %q", id)
	}
}

func TestHTTP_Fixed(t *testing.T) {
	w := enginetest.Start(t)
	for target, want := range map[string]int{"/ping": 200, "/": 200, "/replicas_status": 200, "/nowhere": 404} {
		got := ask(t, w.URL, "GET", target, "")
		if got.status != want || want == 200 && got.body != "Ok.\n" {
			t.Errorf("GET %s: %d %q", target, got.status, got.body)
		}
	}
	if got := ask(t, w.URL, "PUT", "/", "SELECT 1"); got.status != 405 {
		t.Errorf("PUT: %d", got.status)
	}
	if got := ask(t, w.URL, "HEAD", "/ping", ""); got.status != 200 || got.body != "" {
		t.Errorf("HEAD: %d %q", got.status, got.body)
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
