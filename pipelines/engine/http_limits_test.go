package engine_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// serve starts a second endpoint over the shared engine.
func serve(t *testing.T, o engine.HandlerOptions) string {
	t.Helper()
	return serveHandler(t, engine.NewHandler(enginetest.Start(t).Engine, o))
}

func serveHandler(t *testing.T, h *engine.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.Close(); _ = h.Close() })
	return server.URL
}

func TestHTTP_Authentication(t *testing.T) {
	base := serve(t, engine.HandlerOptions{Authenticate: func(_ context.Context, c engine.Credentials) (engine.Access, error) {
		switch {
		case c.User == "analyst" && c.Password == "secret":
			return engine.Access{Settings: map[string]string{"readonly": "1"}}, nil
		case c.User == "owner" && c.Password == "secret":
			return engine.Access{}, nil
		}
		return engine.Access{}, errors.New("name or password is wrong")
	}})
	for _, c := range []struct {
		name, target, sql string
		header            []string
		status            int
	}{
		{"nobody", "/", "SELECT 1", nil, 401},
		{"basic", "/", "SELECT 1", []string{"Authorization", "Basic YW5hbHlzdDpzZWNyZXQ="}, 200},
		{"headers", "/", "SELECT 1", []string{"X-ClickHouse-User", "analyst", "X-ClickHouse-Key", "secret"}, 200},
		{"in the URL", "/?user=analyst&password=secret", "SELECT 1", nil, 200},
		{"wrong", "/?user=analyst&password=wrong", "SELECT 1", nil, 403},
		{"a reader reads with a setting", "/?user=analyst&password=secret&max_execution_time=5", "SELECT 1", nil, 200},
		{"a reader writes", "/?user=analyst&password=secret", "CREATE DATABASE nope", nil, 500},
		{"a reader asks for more", "/?user=analyst&password=secret&readonly=0", "CREATE DATABASE nope", nil, 500},
		{"a reader sets itself free", "/?user=analyst&password=secret", "SET readonly = 0", nil, 500},
		{"a reader in a session", "/?user=analyst&password=secret&session_id=r", "CREATE DATABASE nope", nil, 500},
		{"a reader reads a file", "/?user=analyst&password=secret", "SELECT * FROM file('/etc/passwd', LineAsString)", nil, 500},
		{"an owner writes", "/?user=owner&password=secret", "CREATE DATABASE IF NOT EXISTS default", nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ask(t, base, "POST", c.target, c.sql, c.header...); got.status != c.status {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	if got := ask(t, base, "GET", "/ping", ""); got.status != 200 {
		t.Errorf("ping needs a login: %d", got.status)
	}
}

func TestHTTP_Bounds(t *testing.T) {
	base := serve(t, engine.HandlerOptions{MaxQueryBytes: 100_000, MaxBodyBytes: 1 << 20, MaxSessions: 1})
	if got := ask(t, base, "POST", "/", "SELECT '"+strings.Repeat("x", 500_000)+"'"); got.status != 413 {
		t.Errorf("a long statement: %d %.200s", got.status, got.body)
	}
	got := ask(t, base, "POST", query("INSERT INTO FUNCTION null('s String') FORMAT TSV"), strings.Repeat("x\n", 1<<20))
	if got.status != 413 {
		t.Errorf("a long body: %d %s", got.status, got.body)
	}
	ask(t, base, "POST", "/?session_id=one", "SELECT 1")
	if got := ask(t, base, "POST", "/?session_id=two", "SELECT 1"); got.status != 400 {
		t.Errorf("too many sessions: %d %s", got.status, got.body)
	}
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
