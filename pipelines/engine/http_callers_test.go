package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

func TestHTTP_ClientGoneStopsTheQuery(t *testing.T) {
	w := enginetest.Start(t)
	for name, sql := range map[string]string{
		"computing": "SELECT max(sipHash64(number)) FROM numbers(1000000000001)",
		"sending":   "SELECT number FROM numbers(1000000000001)",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", w.Addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET "+strings.ReplaceAll(query(sql), "+", "%20")+" HTTP/1.1\r\nHost: x\r\n\r\n")
			eventually(t, "the query runs", func() bool { return running(t, w, "1000000000001") == "1\n" })
			_ = conn.Close()
			eventually(t, "the query stops", func() bool { return running(t, w, "1000000000001") == "0\n" })
		})
	}
}

func TestHTTP_InsertFromAClientThatDies(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "dies")
	w.Exec(t, "CREATE TABLE dies.t (n UInt64) ENGINE = MergeTree ORDER BY n")
	conn, err := net.Dial("tcp", w.Addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST "+strings.ReplaceAll(query("INSERT INTO dies.t FORMAT TSV"), "+", "%20")+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n1\n2\n3\n")
	time.Sleep(100 * time.Millisecond)
	_ = conn.Close()
	eventually(t, "nothing runs", func() bool { return running(t, w, "dies.t") == "0\n" })
	if got := w.Exec(t, "SELECT count() FROM dies.t"); got != "0\n" {
		t.Errorf("%s rows of a broken insert are there", got)
	}
}

func TestHTTP_SlowReaderHoldsTheEngineBack(t *testing.T) {
	w := enginetest.Start(t)
	req, _ := http.NewRequestWithContext(bounded(t), "POST", w.URL, strings.NewReader("SELECT number FROM numbers(1000000000002)"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	read := func() string {
		return w.Exec(t, "SELECT read_rows FROM system.processes WHERE query LIKE '%1000000000002%' AND query NOT LIKE '%system.processes%'")
	}
	eventually(t, "the engine waits", func() bool {
		before := read()
		time.Sleep(300 * time.Millisecond)
		return before != "" && before == read()
	})
	_ = res.Body.Close()
	eventually(t, "the query stops", func() bool { return running(t, w, "1000000000002") == "0\n" })
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
	// Nor may those who are refused before anybody reads what they send.
	refuses := serve(t, engine.HandlerOptions{BodyWait: 50 * time.Millisecond, Authenticate: func(context.Context, engine.Credentials) (engine.Access, error) {
		return engine.Access{}, errors.New("nobody is let in")
	}})
	for _, head := range []string{"POST / HTTP/1.1", "POST /elsewhere HTTP/1.1", "PUT / HTTP/1.1"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(refuses, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprint(conn, head+"\r\nHost: x\r\nContent-Length: 100\r\n\r\nSELECT ")
		if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 40") {
			t.Errorf("%s, and half a body: %q %v", head, answer, err)
		}
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
