package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"

	"winback/connectors/demo"
	"winback/dashboards"
	asking "winback/dashboards/ask"
)

var (
	soakFor   = flag.Duration("soak", 0, "how long TestSoak loads the service, with every model, sixteen analysts and four viewers of dashboards; 0 for a short test")
	soakKills = flag.Int("soak.kills", 50, "how often TestSoak kills the service after that")
)

// A service that runs every few seconds, while analysts ask and dashboards are looked
// at, answers all of them; killed at random it loses nothing, doubles nothing and
// shows nothing half.
//
// go test ./cmd/winback -run TestSoak -v -timeout 2h -soak 20m -soak.kills 50 does so for long and says
// how quick it was.
func TestSoak(t *testing.T) {
	if *soakFor == 0 {
		t.Parallel()
	}
	s := newSoak(t)
	s.feed()
	if *soakFor > 0 { // every table is there before anybody looks
		winback(t, exitDone, "run", "-q", "-c", s.config)
	}
	s.serve()
	s.awaitOrders(1)
	if *soakFor > 0 {
		quiet := s.phase("quiet", max(*soakFor/10, leastQuiet), nil)
		loaded := s.phase("loaded", *soakFor, s.crowd(16, 4))
		s.compare(quiet, loaded)
	}
	s.killAgainAndAgain()
	s.expectEverything()
}

// soak is a served project with a source that gets new orders all the time.
type soak struct {
	*testing.T
	config, dir string
	server      *process
	address     string
	files       int // that the source has
	failed      atomic.Int64
}

// leastQuiet is long enough for some runs.
const leastQuiet = 40 * time.Second

const (
	ordersOfAFile = 7
	tillSource    = `  till:
    connector: files
    datasets:
      shop.orders:
        files: till/*.csv
        fields: {id: id, customer_id: customer, ordered_at: day, status: {const: completed}, items_total: total}
`
	soakServes = `serve:
  listen: 127.0.0.1:0
  users:
    - {name: ann, password: secret-of-ann, databases: [mart, staging, ops]}
    - {name: panels, role: grafana, password: secret-of-panels, databases: [mart, staging, ops]}
    - {name: bob, role: admin, password: secret-of-bob}
schedule:
  refresh: {every: %s}
`
)

func newSoak(t *testing.T) *soak {
	t.Helper()
	requireEngine(t)
	o := demo.Options{Customers: 60, Months: 2, Seed: 3, End: time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC), Dir: t.TempDir()}
	every := "5s"
	if *soakFor > 0 {
		o.Customers, o.Months, every = 1000, 24, "10s"
	}
	c := makeCompany(t, o)
	if *soakFor == 0 {
		onlyModels(t, c.config, "base_movement", "churn_cohorts", "churn_monthly", "customer_episodes", "customers", "rfm_segments")
	}
	text, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "\nsources:\n", "\nsources:\n"+tillSource, 1) + fmt.Sprintf(soakServes, every))
	if err := os.WriteFile(c.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(o.Dir, "till"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &soak{T: t, config: c.config, dir: o.Dir}
}

func (s *soak) serve() {
	s.Helper()
	s.server, s.address = serveAgain(s.T, s.dir)
}

// feed lays a file of orders down as a till would: under another name first.
func (s *soak) feed() {
	s.Helper()
	var b strings.Builder
	b.WriteString("id,customer,day,total\n")
	for i := range ordersOfAFile {
		fmt.Fprintf(&b, "%d,guest%d,2026-02-%02d,%d.50\n", s.files*ordersOfAFile+i, i, 1+s.files%20, 10+i)
	}
	name := filepath.Join(s.dir, "till", fmt.Sprintf("%05d.csv", s.files))
	if err := errors.Join(os.WriteFile(name+".part", []byte(b.String()), 0o600), os.Rename(name+".part", name)); err != nil {
		s.Fatal(err)
	}
	s.files++
}

// orders counts the till's orders that a table has.
func (s *soak) orders(table string) (int, error) {
	status, body := fetch(s.T, s.address, "bob", "select count() from "+table+" where source = 'till'")
	if status != http.StatusOK {
		return 0, fmt.Errorf("%s: %d %s", table, status, body)
	}
	return strconv.Atoi(body)
}

// awaitOrders waits until the orders of so many files are where people see them.
// Until then they are there by whole files.
func (s *soak) awaitOrders(files int) {
	s.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		n, err := s.orders("staging.int_orders")
		switch {
		case err != nil && s.files > 1:
			s.Fatalf("%v\n%s", err, s.server.stderr())
		case n%ordersOfAFile != 0:
			s.Fatalf("%d orders of files with %d each are seen", n, ordersOfAFile)
		case n >= files*ordersOfAFile:
			return
		case time.Now().After(deadline):
			s.Fatalf("%d orders after three minutes, want %d:\n%s", n, files*ordersOfAFile, s.server.stderr())
		}
	}
}

// killAgainAndAgain kills the service at any moment, and looks at the warehouse as soon
// as it is back.
func (s *soak) killAgainAndAgain() {
	kills, chance := 2, rand.New(rand.NewPCG(50, 9))
	if *soakFor > 0 {
		kills = *soakKills
	}
	for i := range kills {
		s.feed()
		time.Sleep(time.Duration(200+chance.IntN(4000)) * time.Millisecond)
		s.server.signal(syscall.SIGKILL)
		s.server.code()
		s.serve()
		if n, err := s.orders("staging.int_orders"); err != nil || n%ordersOfAFile != 0 || n < ordersOfAFile || n > s.files*ordersOfAFile {
			s.Fatalf("after kill %d people see %d orders of %d: %v", i+1, n, s.files*ordersOfAFile, err)
		}
	}
}

// expectEverything says whether all that came is there once, and no run seems to go
// on that does not.
func (s *soak) expectEverything() {
	s.Helper()
	s.feed()
	s.awaitOrders(s.files)
	for _, table := range []string{"raw.shop_orders final", "staging.int_orders"} {
		if n, err := s.orders(table); err != nil || n != s.files*ordersOfAFile {
			s.Errorf("%s has %d orders, want %d: %v", table, n, s.files*ordersOfAFile, err)
		}
	}
	s.server.signal(syscall.SIGTERM)
	if code := s.server.code(); code != exitDone {
		s.Errorf("exit code %d\n%s", code, s.server.stderr())
	}
	states := ask(s.T, s.config, s.dir, "select state, count() from ops.runs final group by 1 order by 1")
	s.Logf("runs: %q", states)
	for _, line := range states {
		if state, _, _ := strings.Cut(line, "\t"); state != "done" && state != "interrupted" {
			s.Errorf("runs that are %s", line)
		}
	}
	checkLandingZone(s.T, s.dir)
	if n := s.failed.Load(); n > 0 {
		s.Errorf("%d questions were not answered", n)
	}
}

// measured is what a phase of the soak showed.
type measured struct {
	from, to time.Time
	panels   []time.Duration
	memory   []int64 // bytes, every second
	cpu      time.Duration
}

// phase lets the service run for a while, with new orders every ten seconds and, if
// there is one, a crowd.
func (s *soak) phase(name string, d time.Duration, crowd func(ctx context.Context, asked func(time.Duration))) measured {
	s.Helper()
	m, cpu := measured{from: time.Now()}, cpuOf(s.T, s.server.cmd.Process.Pid)
	ctx, cancel := context.WithTimeout(s.Context(), d)
	defer cancel()
	var lock sync.Mutex
	done := make(chan struct{})
	go func() {
		defer close(done)
		if crowd != nil {
			crowd(ctx, func(d time.Duration) {
				lock.Lock()
				defer lock.Unlock()
				m.panels = append(m.panels, d)
			})
		}
	}()
	for second := 1; ctx.Err() == nil; second++ {
		m.memory = append(m.memory, residentBytes(s.T, s.server.cmd.Process.Pid))
		if second%10 == 0 {
			s.feed()
		}
		time.Sleep(time.Second)
	}
	<-done
	m.to, m.cpu = time.Now(), cpuOf(s.T, s.server.cmd.Process.Pid)-cpu
	s.Logf("%s: %v, %v of processors, %d questions of panels, memory %d MiB at the end", name, d, m.cpu, len(m.panels), m.memory[len(m.memory)-1]>>20)
	return m
}

func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// cpuOf is the time of processors that a process took so far.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	const ticks = 100 // a second; the kernel tells all programs so
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var sum time.Duration
	for _, field := range fields[11:13] { // of the process and of the kernel for it
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(n) * time.Second / ticks
	}
	return sum
}

// slowest says which questions of users took longest while the crowd was there.
func (s *soak) slowest(m measured) {
	s.Helper()
	_, body := fetch(s.T, s.address, "bob", fmt.Sprintf(`select user, count() as asked, round(quantileExact(0.5)(duration_ms)), round(quantileExact(0.95)(duration_ms)) as high, substring(replaceAll(any(query), '\n', ' '), 1, 120)
		from ops.queries where state = 'done' and user != 'bob' and started_at between fromUnixTimestamp64Milli(%d) and fromUnixTimestamp64Milli(%d)
		group by user, fingerprint order by high desc limit 10`, m.from.UnixMilli(), m.to.UnixMilli()))
	s.Logf("the slowest questions (who, how often, median and 95th percentile in milliseconds):\n%s", body)
}

// compare says what the crowd did to the runs, and the service to the crowd.
func (s *soak) compare(quiet, loaded measured) {
	s.Helper()
	before, after := s.runSeconds(quiet), s.runSeconds(loaded)
	slices.Sort(loaded.panels)
	warm := loaded.memory[len(loaded.memory)/4:]
	early, late := median(warm[:len(warm)/3]), median(warm[len(warm)*2/3:])
	p95 := loaded.panels[len(loaded.panels)*95/100]
	if limit := 300 * time.Millisecond; p95 > limit {
		s.Errorf("the 95th percentile of panels is %v, want %v at most", p95, limit)
	}
	if after > 1.2*before {
		s.Errorf("with the crowd a run takes %.2f times as long, want 1.2 at most", after/before)
	}
	if float64(late) > 1.05*float64(early) {
		s.Errorf("memory grows to %.3f of what it is after warm-up", float64(late)/float64(early))
	}
	s.Logf("a run takes %.2f s, with the crowd %.2f s (ratio %.2f)", before, after, after/before)
	s.slowest(loaded)
	s.Logf("questions: median %v, 95th percentile %v, slowest %v", loaded.panels[len(loaded.panels)/2], p95, loaded.panels[len(loaded.panels)-1])
	s.Logf("memory: %d MiB after warm-up, %d MiB at the end (ratio %.3f)", early>>20, late>>20, float64(late)/float64(early))
}

func median(values []int64) int64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// runSeconds is the median of how long runs of a phase took that found something new.
func (s *soak) runSeconds(m measured) float64 {
	s.Helper()
	status, body := fetch(s.T, s.address, "bob", fmt.Sprintf(`select ifNull(round(quantileExact(dateDiff('millisecond', started_at, finished_at) / 1000), 3), nan) from ops.runs final
		where state = 'done' and started_at between fromUnixTimestamp64Milli(%d) and fromUnixTimestamp64Milli(%d)
			and run_id in (select run_id from ops.steps where kind = 'load')`, m.from.UnixMilli(), m.to.UnixMilli()))
	seconds, err := strconv.ParseFloat(body, 64)
	if status != http.StatusOK || err != nil {
		s.Fatal(status, body, err)
	}
	return seconds
}

// The crowd asks as quickly as people do who are in a hurry.
const (
	// An analyst thinks for a second at least and five at most, which is quick.
	thinkFrom, thinkUntil = time.Second, 5 * time.Second
	// A viewer opens another page this long after the one before. The pages do not refresh
	// by themselves; of the intervals that Grafana offers, 5 s, 10 s, 30 s and longer, this
	// is the second: all of a page is read in it, and it is another page each time.
	nextPage = 10 * time.Second
	// A browser has six requests under way at a host that speaks HTTP/1.1, as Grafana
	// does where nothing else is said; the rest of a page waits in the browser. All
	// panels of a page are asked, though Grafana asks only those that are in sight.
	browserRequests = 6
)

// crowd are analysts, who think between questions, and viewers, who open one page
// after another.
func (s *soak) crowd(analysts, viewers int) func(ctx context.Context, asked func(time.Duration)) {
	pages := panelQueries(s.T, s.address)
	return func(ctx context.Context, asked func(time.Duration)) {
		var all sync.WaitGroup
		for i := range analysts {
			all.Go(func() {
				chance := rand.New(rand.NewPCG(1, uint64(i)))
				for ctx.Err() == nil {
					s.question(ctx, "ann", analystQueries[chance.IntN(len(analystQueries))])
					rest(ctx, thinkFrom+time.Duration(chance.Int64N(int64(thinkUntil-thinkFrom))))
				}
			})
		}
		for i := range viewers {
			all.Go(func() {
				chance := rand.New(rand.NewPCG(2, uint64(i)))
				rest(ctx, time.Duration(i)*nextPage/time.Duration(viewers))
				for ctx.Err() == nil {
					next := time.Now().Add(nextPage)
					s.page(ctx, pages[chance.IntN(len(pages))], asked)
					rest(ctx, time.Until(next))
				}
			})
		}
		all.Wait()
	}
}

// page asks the questions of a page as a browser does.
func (s *soak) page(ctx context.Context, questions []string, asked func(time.Duration)) {
	var browser errgroup.Group
	browser.SetLimit(browserRequests)
	for _, sql := range questions {
		browser.Go(func() error {
			if d, ok := s.question(ctx, "panels", sql); ok {
				asked(d)
			}
			return nil
		})
	}
	_ = browser.Wait() // none returns an error
}

// analystQueries are what people ask who want to know more.
var analystQueries = []string{
	"select month, segment, churn_pct from mart.churn_monthly order by month",
	"select status, count(), sum(revenue) from mart.customers group by 1",
	"select toStartOfMonth(ordered_on) as month, uniqExact(customer_key), sum(net_revenue) from staging.int_orders group by 1 order by 1",
	"select * from mart.winback_candidates where is_on_list order by priority limit 100",
	"select reason_category, sum(lost) from mart.churn_reasons group by 1",
	"select customer_key, count() as orders from staging.int_orders group by 1 order by orders desc limit 20",
	"select * from mart.kpi_monthly order by month desc limit 50",
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// question asks as a user and says how long the whole answer took.
func (s *soak) question(ctx context.Context, user, sql string) (time.Duration, bool) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, strings.NewReader(sql+"\nformat Native"))
	if err != nil {
		s.Error(err)
		return 0, false
	}
	req.SetBasicAuth(user, "secret-of-"+user)
	res, err := http.DefaultClient.Do(req)
	if ctx.Err() != nil {
		return 0, false
	}
	if err == nil {
		defer res.Body.Close()
		var body []byte
		if body, err = io.ReadAll(res.Body); err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%d %.300s", res.StatusCode, body)
		}
	}
	if ctx.Err() != nil {
		return 0, false
	}
	if err != nil {
		if s.failed.Add(1) < 10 {
			s.Logf("%v\n%.200s", err, sql)
		}
		return 0, false
	}
	return time.Since(began), true
}

// panelQueries returns, for each dashboard, what its panels ask.
func panelQueries(t *testing.T, address string) [][]string {
	t.Helper()
	all, err := dashboards.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr: []string{u.Host}, Protocol: clickhouse.HTTP, Auth: clickhouse.Auth{Username: "bob", Password: "secret-of-bob"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	asker := asking.Asker{Querier: conn, Now: time.Date(2026, 2, 20, 12, 0, 0, 0, time.UTC), Zone: time.UTC}
	var questions [][]string
	for _, d := range all {
		state, err := asker.Open(t.Context(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		var queries []string
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				sql, err := state.SQL(target.SQL)
				if err != nil {
					t.Fatal(err)
				}
				queries = append(queries, sql)
			}
		}
		questions = append(questions, queries)
	}
	return questions
}
