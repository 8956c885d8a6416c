package pipelines

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
)

// A dataset whose source fails for a while is read after all, from where it was, and
// the books tell what it failed of; the waits are those of the configuration.
func TestRun_TriesADatasetAgain(t *testing.T) {
	b := newBench(t)
	shop := filled(30, 10)
	b.connect(map[string]connectors.Source{"shop": shop})
	clock := b.patient()
	tries := 0
	shop.halfway = func() { // the second of three slices fails twice
		if delete(shop.fails, 10); len(shop.asked) > 1 && tries < 2 {
			tries++
			shop.fails[10] = connectors.Passing(true, errors.New("the shop says 503"))
		}
	}
	began := clock.Now()
	told(t, b.pass(RunOptions{}))
	if got := shop.questions(); got != "orders from 0; orders from 10; orders from 10; orders from 10; orders from 20" {
		t.Errorf("it asked for %s", got)
	}
	if waited := clock.Now().Sub(began); waited != 15*time.Second {
		t.Errorf("it waited %v, want 5 s and 10 s", waited)
	}
	b.live(30)
	b.expect("the steps", "select concat(kind, ' ', name, ' ', state, ' ', toString(attempts), ' ', arrayStringConcat(earlier, '; ')) from ops.steps where kind = 'extract'",
		"extract shop.orders done 3 the shop says 503; the shop says 503")
}

// What does not pass is not tried again, and what does not pass in time fails.
func TestRun_GivesADatasetUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		tries int
	}{
		{"wrong", errors.New("there is no table orders"), 1},
		{"busy for too long", connectors.Passing(true, errors.New("the shop says 503")), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newReader(t)
			shop := filled(30, 30)
			shop.fails[0] = c.err
			b.connect(map[string]connectors.Source{"shop": shop})
			b.patient()
			told(t, b.read(RunOptions{}), "FAILED shop: orders: "+c.err.Error())
			if got := len(shop.asked); got != c.tries {
				t.Errorf("%d tries, want %d", got, c.tries)
			}
		})
	}
}

// A load and a build whose connection is lost are done again; wrong SQL is not.
func TestRun_TriesTheWarehouseAgain(t *testing.T) {
	b := newBench(t)
	lossy := newLossy(t, b.server)
	b.server = lossy.URL
	shop := filled(30, 30)
	b.connect(map[string]connectors.Source{"shop": shop})
	b.patient()
	lossy.lose("INSERT INTO raw.shop_orders", 1)
	lossy.lose("stg_shop__orders__new (", 2)
	told(t, b.pass(RunOptions{}))
	b.expect("the rows", "select toString(count()) from staging.stg_shop__orders", "30")
	b.expect("the steps", "select concat(kind, ' ', name, ' ', state, ' ', toString(attempts)) from ops.steps where kind in ('load', 'model') order by kind",
		"load raw done 2", "model stg_shop__orders done 3")
}

// Each line of the log that a run writes carries its id, that of a retry too, so that
// the lines of runs can be told apart where many come together.
func TestRun_EachLineOfTheLogHasItsID(t *testing.T) {
	b := newBench(t)
	shop := filled(30, 30)
	shop.fails[0] = connectors.Passing(true, errors.New("the shop says 503"))
	shop.halfway = func() {
		if len(shop.asked) > 1 {
			delete(shop.fails, 0)
		}
	}
	b.connect(map[string]connectors.Source{"shop": shop})
	b.patient()
	var lines bytes.Buffer // the handler writes one line at a time
	b.project.log = slog.New(slog.NewJSONHandler(&lines, nil))
	s := b.pass(RunOptions{Logged: true, Job: "nightly"})
	said := map[string]bool{}
	for line := range strings.Lines(lines.String()) {
		var entry struct {
			Message string `json:"msg"`
			Run     string `json:"run_id"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Run != s.RunID {
			t.Errorf("a line without the id %s: %s", s.RunID, line)
		}
		said[entry.Message] = true
	}
	for _, want := range []string{"a run began", "extract of shop.orders: try 1 failed and another comes in 5s: the shop says 503", "a dataset was read", "built a model", "a run ended"} {
		if !said[want] {
			t.Errorf("nothing says %q:\n%s", want, lines.String())
		}
	}
}

// patient has the project wait by a clock that moves at once, without chance.
func (b *bench) patient() *connectortest.Clock {
	clock := connectortest.NewClock(b.now)
	b.project.retry.Clock, b.project.retry.Chance = clock, func() float64 { return 0 }
	return clock
}

// lossy is a way to a warehouse that loses connections.
type lossy struct {
	*httptest.Server
	mu   sync.Mutex
	left map[string]int // by what a statement holds
}

func newLossy(t *testing.T, server string) *lossy {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	l, proxy := &lossy{left: map[string]int{}}, httputil.NewSingleHostReverseProxy(to)
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || l.loses(r.URL.Query().Get("query")+string(body)) {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

// lose loses so many connections of statements that hold a text.
func (l *lossy) lose(text string, times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left[text] = times
}

func (l *lossy) loses(statement string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text, left := range l.left {
		if left > 0 && strings.Contains(statement, text) {
			l.left[text]--
			return true
		}
	}
	return false
}
