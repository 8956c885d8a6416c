package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const servedProject = `project: acme
timezone: UTC
currency: GBP
serve:
  listen: 127.0.0.1:0
  users:
    - {name: ann, password: "${ANN}", databases: [mart, staging]}
    - {name: bob, role: admin, password: "${BOB}"}
sources:
  shop:
    connector: files
    datasets:
      orders:
        files: orders.csv
        entity: shop.orders
        fields: {id: id, customer_id: customer, ordered_at: day, status: {const: completed}, items_total: total}
`

// serveProject starts winback serve over a project of two orders, and returns it
// with its folder and its address.
func serveProject(t *testing.T, args ...string) (p *process, dir, address string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"winback.yaml": servedProject, ".env": "ANN=secret-of-ann\nBOB=secret-of-bob\n",
		"orders.csv": "id,customer,day,total\n1,a,2026-01-05,10.00\n2,b,2026-01-06,12.50\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, address = serveAgain(t, dir, args...)
	return p, dir, address
}

var servedAt = regexp.MustCompile(`answers at (http://127\.0\.0\.1:\d+)\.`)

func serveAgain(t *testing.T, dir string, args ...string) (*process, string) {
	t.Helper()
	p := start(t, append([]string{"serve", "-c", filepath.Join(dir, "winback.yaml")}, args...)...)
	p.await("Python")
	return p, servedAt.FindStringSubmatch(p.stderr())[1]
}

// fetch sends a statement as one of the users and gives status and body.
func fetch(t *testing.T, address, user, sql string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, "secret-of-"+user)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(body))
}

// awaitStatement waits until a statement that does not end by itself runs.
func awaitStatement(t *testing.T, address, beginning string) {
	t.Helper()
	for {
		if _, body := fetch(t, address, "bob", "select countIf(startsWith(query, '"+beginning+"')) from system.processes"); body != "0" {
			return
		}
	}
}

// Other programs reach the warehouse of a project that is served, each with the
// rights it was given, and the other commands go through it.
func TestServe(t *testing.T) {
	t.Parallel()
	server, dir, address := serveProject(t, "-v")
	config := filepath.Join(dir, "winback.yaml")

	winback(t, exitDone, "run", "-c", config, "--only", "source:shop", "--only", "stg_shop__orders")
	winback(t, exitDone, "check", "-c", config, "stg_shop__orders")
	if got := ask(t, config, dir, "select count() from raw.shop_orders"); len(got) != 1 || got[0] != "2" {
		t.Errorf("winback query sees %v orders", got)
	}
	for _, c := range []struct {
		user, sql string
		status    int
		want      string
	}{
		{"ann", "select count() from staging.stg_shop__orders", 200, "2"}, // a view over raw
		{"ann", "select count() from raw.shop_orders", 403, "Not enough privileges"},
		{"ann", "select file('" + config + "')", 403, "Not enough privileges"},
		{"ann", "drop table raw.shop_orders", 403, "Not enough privileges"},
		{"bob", "select count() from raw.shop_orders", 200, "2"},
		{"bob", "create table mart.mine engine = MergeTree order by one as select 1 as one", 200, ""},
		{"ann", "select one from mine", 200, "1"},
		{"eve", "select 1", 403, "Authentication failed"},
		{"", "select 1", 401, "Authentication failed"},
	} {
		if status, body := fetch(t, address, c.user, c.sql); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %s: %d %s", c.user, c.sql, status, body)
		}
	}

	checkStatus(t, server)
	checkNoPasswords(t, server, address)

	second := winback(t, exitFailed, "serve", "-c", config)
	if !strings.Contains(second.stderr(), "(winback serve, since ") {
		t.Errorf("a second one says %s", second.stderr())
	}

	rows, body := io.Pipe()
	slow := make(chan string, 1)
	go func() {
		req, _ := http.NewRequest(http.MethodPost, address+"/?query="+url.QueryEscape("insert into mart.mine format TSV"), rows)
		req.SetBasicAuth("bob", "secret-of-bob")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			slow <- err.Error()
			return
		}
		res.Body.Close()
		slow <- res.Status
	}()
	awaitStatement(t, address, "insert into mart.mine")
	server.signal(syscall.SIGTERM)
	server.await("Stopping")
	_, _ = io.WriteString(body, "2\n")
	body.Close()
	if got := <-slow; got != "200 OK" {
		t.Errorf("a statement that ran when the end was asked for: %s", got)
	}
	if code := server.code(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if said := server.stderr() + server.stdout.String(); strings.Contains(said, "secret-of") {
		t.Errorf("a password is shown:\n%s", said)
	}
	if got := ask(t, config, dir, "select sum(one) from mart.mine"); len(got) != 1 || got[0] != "3" {
		t.Errorf("after the end: %v", got)
	}
}

// A second signal ends it at once, and so does SIGKILL; what comes next finds
// everything in order.
func TestServe_EndedHard(t *testing.T) {
	t.Parallel()
	server, dir, address := serveProject(t)
	config := filepath.Join(dir, "winback.yaml")
	go func() {
		req, _ := http.NewRequest(http.MethodPost, address, strings.NewReader("select sleepEachRow(1) from numbers(1000) settings function_sleep_max_microseconds_per_block = 0"))
		req.SetBasicAuth("bob", "secret-of-bob")
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	awaitStatement(t, address, "select sleepEachRow")
	server.signal(syscall.SIGTERM)
	server.await("Stopping")
	if server.endsWithin(300 * time.Millisecond) {
		t.Fatalf("it did not wait for the statement:\n%s", server.stderr())
	}
	server.signal(syscall.SIGTERM)
	if code := server.code(); code != -1 {
		t.Errorf("exit code %d", code)
	}

	again, address := serveAgain(t, dir)
	again.signal(syscall.SIGKILL)
	again.code()
	if got := ask(t, config, dir, "select 1"); len(got) != 1 {
		t.Errorf("after a kill: %v", got)
	}
	if _, err := http.Get(address + "/ping"); err == nil {
		t.Error("somebody still answers")
	}
}

// checkNoPasswords looks where others on the machine, or those who watch it, look: the
// process list, figures, and what the engine tells of statements and logins.
func checkNoPasswords(t *testing.T, server *process, address string) {
	t.Helper()
	lacks := func(what, text string) {
		t.Helper()
		if text == "" || strings.Contains(text, "secret-of") {
			t.Errorf("%s: %q", what, text)
		}
	}
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", server.cmd.Process.Pid, file))
		if err != nil {
			t.Fatal(err)
		}
		lacks("/proc/…/"+file, string(text))
	}
	res, err := http.Get(statusAt.FindStringSubmatch(server.stderr())[1] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	figures, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	lacks("/metrics", string(figures))
	for _, sql := range []string{"select * from system.processes format JSONEachRow", "select name, value from system.settings where changed format JSONEachRow", "select * from system.users format JSONEachRow"} {
		_, body := fetch(t, address, "bob", sql)
		lacks(sql, body)
	}
}

var statusAt = regexp.MustCompile(`How things stand: (http://127\.0\.0\.1:\d+)`)

// checkStatus looks at the status page of a service that has run once and that ann
// asked several times.
func checkStatus(t *testing.T, server *process) {
	t.Helper()
	address := statusAt.FindStringSubmatch(server.stderr())[1]
	get := func(user, path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			req.SetBasicAuth(user, "secret-of-"+user)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	for _, c := range []struct {
		user, path string
		status     int
		want       string
	}{
		{"", "/healthz", 200, "ok"},
		{"", "/readyz", 200, "ok"},
		{"", "/metrics", 200, `winback_queries_total{state="done",user_role="analyst"}`},
		{"", "/metrics", 200, `winback_runs_total{job="manual",state="done"} 1`},
		{"", "/", 401, "wants a user"},
		{"eve", "/", 401, "wants a user"},
		{"ann", "/", 200, "shop.orders"},
		{"bob", "/runs.json", 200, `"state": "done"`},
	} {
		if status, body := get(c.user, c.path); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d, want %d and %q\n%s", c.user, c.path, status, c.status, c.want, body)
		}
	}
}
