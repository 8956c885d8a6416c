package pipelines

import (
	"fmt"
	"io"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/warehouse"
)

// A project on a cluster runs, runs again with new rows, and is rebuilt; every
// statement that makes, renames or drops a table goes to all servers.
//
// The cluster is one engine that acts as a cluster of one server: what only a real one
// can do (Keeper, several servers) is taken out of the statements on the way.
func TestRun_OnACluster(t *testing.T) {
	orders := []string{"+int_orders", "+int_customers"} // a model built by partition, and one by customer
	for _, topology := range []string{"replicated", "sharded"} {
		t.Run(topology, func(t *testing.T) {
			b := newBench(t)
			c := actAsCluster(t, b.server)
			config := strings.Replace(serverConfig, `{url: "%s"}`, fmt.Sprintf(`{url: "%s/default", cluster: main, topology: %s}`, c.url, topology), 1)
			config = strings.Replace(config, "items_total: total}", "items_total: total, customer_id: buyer}", 1)
			p := openProject(t, map[string]string{
				"winback.yaml": config,
				"orders1.csv":  "id,at,total,buyer\n1,2024-03-01,10.00,a\n2,2024-03-02,20.00,b\n",
			})
			run := func() {
				t.Helper()
				if s, err := p.Run(t.Context(), RunOptions{Only: append([]string{"source:shop"}, orders...)}); err != nil || s.Models.Failed > 0 {
					t.Fatal(err, s.Problems)
				}
			}
			run()
			if err := os.WriteFile(filepath.Join(p.Config.Dir, "orders2.csv"), []byte("id,at,total,buyer\n3,2024-04-01,30.00,a\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			run()
			expectOrders(t, p, "1", "2", "3")
			if topology == "sharded" { // replicas are rebuilt as one server is
				if s, err := p.Rebuild(t.Context(), RebuildOptions{models: orders}); err != nil || s.Models.Failed > 0 {
					t.Fatal(err, s.Problems)
				}
				expectOrders(t, p, "1", "2", "3")
			}
			c.expectEverywhere(topology)
			expectStuckTask(t, p)
		})
	}
}

// expectStuckTask wants the one statement named that the acted cluster's second server
// has not done.
func expectStuckTask(t *testing.T, p *Project) {
	t.Helper()
	w, err := p.OpenWarehouse(t.Context(), warehouse.ForQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	troubles, err := p.ClusterTroubles(t.Context(), w)
	if err != nil || len(troubles) != 1 || !strings.HasPrefix(troubles[0], "ch2:9000 has not done a statement ON CLUSTER, first query-0000000007") {
		t.Errorf("what is stuck: %q, %v", troubles, err)
	}
}

func expectOrders(t *testing.T, p *Project, want ...string) {
	t.Helper()
	w, err := p.OpenWarehouse(t.Context(), warehouse.ForQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, table := range []string{"raw.shop_orders FINAL", "staging.int_orders"} {
		column := map[bool]string{true: "id", false: "order_id"}[strings.HasPrefix(table, "raw")]
		if got, err := names(t.Context(), w, "SELECT "+column+" FROM "+table+" ORDER BY 1"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", table, got, err, want)
		}
	}
}

// actedCluster is an engine behind a proxy that has it pass for a cluster named main.
type actedCluster struct {
	*testing.T
	url string

	lock       sync.Mutex
	statements []string
}

func actAsCluster(t *testing.T, engine string) *actedCluster {
	target, err := url.Parse(engine)
	if err != nil {
		t.Fatal(err)
	}
	c := &actedCluster{T: t}
	for _, database := range []string{"raw_shard", "staging_shard", "mart_shard"} {
		enginetest.Start(t).Exec(t, "DROP DATABASE IF EXISTS "+database+" SYNC")
	}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		if r.In.URL.Query().Has("query") {
			return // rows follow
		}
		text, err := io.ReadAll(r.In.Body)
		if err != nil {
			t.Error(err)
		}
		c.lock.Lock()
		c.statements = append(c.statements, string(text))
		c.lock.Unlock()
		acted := actedAs(string(text))
		r.Out.Body, r.Out.ContentLength = io.NopCloser(strings.NewReader(acted)), int64(len(acted))
		r.Out.Header.Del("Content-Length")
	}})
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// What stands for what: one server has all shards and is its only replica; a table
// that stands for those of the shards is another name of the only one.
var acts = []struct {
	find *regexp.Regexp
	with string
}{
	{find: regexp.MustCompile(" ON CLUSTER `main`")},
	{find: regexp.MustCompile(`'/clickhouse/tables/\{uuid\}/all', '\{shard\}-\{replica\}'(, )?`)},
	{find: regexp.MustCompile(`\bReplicated(\w*MergeTree)`), with: "$1"},
	{find: regexp.MustCompile(`(?s)^(CREATE.+?)(?:\(.*| AS \S+ )ENGINE = Distributed\('main', ('[^']+', '[^']+'), .*?\)( COMMENT '(?:[^'\\]|\\.)*')?$`), with: "$1 ENGINE = Alias($2)"},
	{find: regexp.MustCompile(`(?s)^(create.+?)(?:\(.*| AS \S+ )ENGINE = Distributed\('main', ('[^']+', '[^']+'), .*\)( comment '(?:[^'\\]|\\.)*')?$`), with: "$1 ENGINE = Alias($2)"},
	{find: regexp.MustCompile(`^SYSTEM SYNC REPLICA.*`), with: "SELECT 1"},
	{find: regexp.MustCompile(`clusterAllReplicas\('main', (system\.\w+)\)`), with: "$1"},
	{find: regexp.MustCompile(`system\.distributed_ddl_queue`), with: `(SELECT 'query-0000000007' AS entry, 'ch2' AS host, 9000 AS port, 'main' AS cluster, 'DROP TABLE mart.x' AS query,
		now() - 600 AS query_create_time, 'Inactive' AS status, 0 AS exception_code, '' AS exception_text)`},
	{find: regexp.MustCompile(`system\.clusters`), with: "(SELECT 'main' AS cluster, 1 AS shard_num)"},
	{find: regexp.MustCompile(`system\.macros`), with: "(SELECT arrayJoin(['shard', 'replica']) AS macro)"},
	{find: regexp.MustCompile(`^SELECT engine, engine_full, comment FROM`), with: `SELECT multiIf(engine = 'Alias', 'Distributed', endsWith(engine, 'MergeTree'), concat('Replicated', engine), engine),
		if(engine = 'Alias', concat('Distributed(\'main\', \'d\', \'t\', cityHash64(', if(database = 'raw', 'source, id', 'customer_key'), '))'), engine_full), comment FROM`},
}

func actedAs(statement string) string {
	for _, a := range acts {
		statement = a.find.ReplaceAllString(statement, a.with)
	}
	return statement
}

// expectEverywhere looks through all statements: those that define something are for
// all servers, and tables replicate themselves.
func (c *actedCluster) expectEverywhere(topology string) {
	c.Helper()
	defines := regexp.MustCompile(`(?i)^\s*(create|drop|rename|exchange)\b`)
	makes := regexp.MustCompile(`(?is)^\s*create\s+table\b`)
	engines := regexp.MustCompile(`(?i)engine = (Replicated\w*MergeTree|Distributed)\b`)
	fronts := 0
	for _, s := range c.statements {
		switch {
		case defines.MatchString(s) && !strings.Contains(s, " ON CLUSTER `main`"):
			c.Errorf("for one server only: %.200s", s)
		case makes.MatchString(s) && !engines.MatchString(s):
			c.Errorf("does not replicate itself: %.200s", s)
		case strings.Contains(s, "Distributed('main', "):
			fronts++
		}
	}
	if (fronts > 0) != (topology == "sharded") {
		c.Errorf("%d tables stand for the rows of shards", fronts)
	}
}
