package restapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// virtual is a clock that moves when somebody waits.
type virtual struct {
	mu  sync.Mutex
	now time.Time
}

func newVirtual() *virtual { return &virtual{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (v *virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *virtual) Sleep(ctx context.Context, d time.Duration) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(max(d, 0))
	return ctx.Err()
}

// answers serves each handler once, the last one for ever.
func answers(t *testing.T, list ...http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(count.Add(1))
		w.Header()["Date"] = nil
		list[min(n, len(list))-1](w, r)
	}))
	t.Cleanup(server.Close)
	return server, &count
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"n": `)
	panic(http.ErrAbortHandler)
}

type number struct {
	N int `json:"n"`
}

func TestClient_TriesAgainWhereWaitingHelps(t *testing.T) {
	ok := status(200, `{"n": 7}`)
	for name, first := range map[string][]http.HandlerFunc{
		"throttled":              {status(429, ``), status(429, ``, "Retry-After", "30")},
		"a server out of order":  {status(500, ``), status(502, `<html>`), status(503, ``, "Retry-After", "2")},
		"a connection cut":       {cut, cut},
		"a web page as success":  {status(200, `<html>maintenance`, "Content-Type", "text/html; charset=utf-8")},
		"twenty throttles a row": repeat(status(429, ``, "Retry-After", "10"), 20),
	} {
		t.Run(name, func(t *testing.T) {
			server, count := answers(t, append(first, ok)...)
			clock := newVirtual()
			c := mustClient(t, Options{Base: server.URL, Clock: clock})
			got, _, err := Get[number](t.Context(), c, Request{Path: "n"})
			if err != nil || got.N != 7 || int(count.Load()) != len(first)+1 {
				t.Errorf("got %v, %v after %d requests", got, err, count.Load())
			}
			if clock.Now().Equal(newVirtual().Now()) {
				t.Error("did not wait")
			}
		})
	}
}

func repeat(h http.HandlerFunc, n int) []http.HandlerFunc {
	list := make([]http.HandlerFunc, n)
	for i := range list {
		list[i] = h
	}
	return list
}

func TestClient_WaitsAsLongAsItIsTold(t *testing.T) {
	server, _ := answers(t, status(429, ``, "Retry-After", "90"), status(200, `{"n": 7}`))
	clock := newVirtual()
	c := mustClient(t, Options{Base: server.URL, Clock: clock})
	if _, _, err := Get[number](t.Context(), c, Request{Path: "n"}); err != nil {
		t.Fatal(err)
	}
	if waited := clock.Now().Sub(newVirtual().Now()); waited != 90*time.Second {
		t.Errorf("waited %v", waited)
	}
}

func TestClient_TellsAtOnceWhatWaitingDoesNotChange(t *testing.T) {
	for _, code := range []int{400, 401, 402, 403, 404, 422} {
		server, count := answers(t, status(code, `{"error": "token s3cret-token is no good"}`))
		c := mustClient(t, Options{Base: server.URL, Auth: Bearer("s3cret-token"), Clock: newVirtual()})
		_, _, err := Get[number](t.Context(), c, Request{Path: "n", What: "the numbers"})
		if StatusOf(err) != code || count.Load() != 1 {
			t.Errorf("%d: got %v after %d requests", code, err, count.Load())
		}
		if text := err.Error(); strings.Contains(text, "s3cret") || !strings.HasPrefix(text, "ask for the numbers: ") {
			t.Errorf("%d: message is %q", code, text)
		}
	}
}

func TestClient_GivesUpWhenPatienceEnds(t *testing.T) {
	server, _ := answers(t, status(503, `busy`))
	clock := newVirtual()
	c := mustClient(t, Options{Base: server.URL, Clock: clock, Config: Connection{Patience: time.Minute}})
	_, _, err := Get[number](t.Context(), c, Request{Path: "n"})
	if StatusOf(err) != 503 || clock.Now().Sub(newVirtual().Now()) > time.Minute {
		t.Errorf("got %v after %v", err, clock.Now().Sub(newVirtual().Now()))
	}
}

func TestClient_ASourceThatIsDownIsToldWithoutItsAddress(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	c := mustClient(t, Options{Base: server.URL + "/rest/1/s3cret-hook", Auth: Unsigned("s3cret-hook"), Clock: newVirtual()})
	_, _, err := Get[number](t.Context(), c, Request{Path: "crm.deal.list"})
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

func TestClient_ThrottleInABodyIsOneToo(t *testing.T) {
	server, count := answers(t, status(200, `{"errors": 1}`), status(200, `{"n": 7}`))
	c := mustClient(t, Options{Base: server.URL, Clock: newVirtual()})
	var got struct{ N, Errors int }
	err := c.Do(t.Context(), Request{Path: "n"}, func(a Answer) error {
		got = struct{ N, Errors int }{}
		if err := json.NewDecoder(a.Body).Decode(&got); err != nil {
			return err
		}
		if got.Errors > 0 {
			return &Later{After: time.Second, Reason: "THROTTLED"}
		}
		return nil
	})
	if err != nil || got.N != 7 || count.Load() != 2 {
		t.Errorf("got %v, %v after %d requests", got, err, count.Load())
	}
}

func TestClient_KeepsWithinTheBudget(t *testing.T) {
	server, count := answers(t, status(200, `{"n": 7}`))
	clock := newVirtual()
	c := mustClient(t, Options{Base: server.URL, Clock: clock, Budget: Budget{Requests: 100, Per: 10 * time.Second, Burst: 5}})
	for range 105 {
		if _, _, err := Get[number](t.Context(), c, Request{Path: "n"}); err != nil {
			t.Fatal(err)
		}
	}
	if took := clock.Now().Sub(newVirtual().Now()); count.Load() != 105 || took < 10*time.Second || took > 10*time.Second+time.Millisecond {
		t.Errorf("%d requests took %v", count.Load(), took)
	}
}

func TestClient_DoesNotCarryCredentialsElsewhere(t *testing.T) {
	var seen []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	server, _ := answers(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	c := mustClient(t, Options{Base: server.URL, Auth: Bearer("s3cret-token"), Clock: newVirtual()})
	if _, _, err := Get[number](t.Context(), c, Request{Path: "n"}); err == nil || len(seen) > 0 {
		t.Errorf("got %v, %q", err, seen)
	}
	if _, _, err := Get[number](t.Context(), c, Request{Path: elsewhere.URL}); err == nil || len(seen) > 0 {
		t.Errorf("got %v, %q", err, seen)
	}
	if err := c.Do(t.Context(), Request{Path: elsewhere.URL, Foreign: true}, func(Answer) error { return nil }); err != nil || len(seen) != 1 || seen[0] != "" {
		t.Errorf("got %v, %q", err, seen)
	}
}

// A file may take longer than a request may, as long as something comes.
func TestClient_ALongFileIsReadToItsEnd(t *testing.T) {
	var stuck atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 8 {
			fmt.Fprint(w, "line\n")
			w.(http.Flusher).Flush()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
			if stuck.Load() {
				<-r.Context().Done()
				return
			}
		}
	}))
	defer elsewhere.Close()
	c := mustClient(t, Options{Base: "http://shop.example.com", Clock: newVirtual(), Config: Connection{Timeout: 400 * time.Millisecond, Patience: time.Second}})
	read := func() (text []byte, err error) {
		err = c.Do(t.Context(), Request{What: "a file", Path: elsewhere.URL, Foreign: true}, func(a Answer) (err error) {
			text, err = io.ReadAll(a.Body)
			return err
		})
		return text, err
	}
	if text, err := read(); err != nil || len(text) != 8*len("line\n") {
		t.Errorf("got %q, %v", text, err)
	}
	stuck.Store(true)
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "nothing came for too long") {
		t.Errorf("of a file that stands still: %v", err)
	}
}

func TestClient_IsNotLedIntoTheOpen(t *testing.T) {
	first := &http.Request{URL: &url.URL{Scheme: "https", Host: "shop.example.com"}}
	for to, stays := range map[string]bool{"https://shop.example.com/b": true, "http://shop.example.com/a": false, "https://other.example.com/": false} {
		address, _ := url.Parse(to)
		if err := sameHost(&http.Request{URL: address}, []*http.Request{first}); (err == nil) != stays {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestClient_StopsAtOnceWhenAskedTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server, count := answers(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		status(429, ``)(w, r)
	})
	c := mustClient(t, Options{Base: server.URL})
	if _, _, err := Get[number](ctx, c, Request{Path: "n"}); !errors.Is(err, context.Canceled) || count.Load() != 1 {
		t.Errorf("got %v after %d requests", err, count.Load())
	}
}

func mustClient(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
