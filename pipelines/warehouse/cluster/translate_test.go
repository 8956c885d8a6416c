package cluster

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"winback/pipelines/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var update = flag.Bool("update", false, "write the expected statements anew")

// there are the tables that the statements of testdata meet.
var there = map[Topology]map[string]Table{
	Replicated: {
		"staging.int_orders__new": {Engine: "ReplicatedMergeTree"}, "staging.int_orders": {Engine: "ReplicatedMergeTree"},
		"mart.overview__new": {Engine: "View"}, "mart.overview": {Engine: "View"},
		"ops.changes": {Engine: "ReplicatedMergeTree"}, "raw.shop_orders": {Engine: "ReplicatedReplacingMergeTree"},
	},
	Sharded: {
		"staging.int_orders__new": {Engine: "Distributed", Key: "cityHash64(customer_key)", Comment: "Orders"},
		"staging.int_orders":      {Engine: "Distributed", Key: "cityHash64(ifNull(customer_key, ''))", Comment: "It's orders"},
		"mart.overview__new":      {Engine: "View"}, "mart.overview": {Engine: "View"},
		"ops.changes": {Engine: "ReplicatedMergeTree"}, "raw.shop_orders": {Engine: "Distributed", Key: "cityHash64(source, id)"},
	},
}

// What each statement of testdata/statements.sql becomes on a cluster, one file for
// each topology. The engine parses all of it.
func TestTranslate(t *testing.T) {
	text, err := os.ReadFile("testdata/statements.sql")
	if err != nil {
		t.Fatal(err)
	}
	w := enginetest.Start(t)
	for topology, tables := range there {
		t.Run(string(topology), func(t *testing.T) {
			var b strings.Builder
			for _, statement := range strings.Split(strings.TrimSpace(string(text)), ";\n") {
				statement = strings.TrimSuffix(strings.TrimSpace(statement), ";")
				got, err := Cluster{Name: "main", Topology: topology}.Translate(statement, func(name string) (Table, error) {
					return tables[strings.ReplaceAll(name, "`", "")], nil
				})
				if err != nil {
					t.Errorf("%s: %v", statement, err)
				}
				fmt.Fprintf(&b, "-- %s\n", strings.ReplaceAll(statement, "\n", "\n-- "))
				for _, s := range got {
					w.Exec(t, "EXPLAIN AST "+s)
					fmt.Fprintf(&b, "%s;\n", s)
				}
				b.WriteByte('\n')
			}
			path := filepath.Join("testdata", string(topology)+".sql")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || string(want) != b.String() {
				t.Errorf("%s differs (go test -update writes it anew): %v\n%s", path, err, b.String())
			}
		})
	}
}

// A statement that half a cluster would not hear of is refused.
func TestTranslate_Refused(t *testing.T) {
	for statement, want := range map[string]string{
		"ATTACH TABLE staging.x":                                     "nothing is known of statements like",
		"CREATE DICTIONARY staging.d (k Int64) PRIMARY KEY k":        "nothing is known of statements like",
		"CREATE TABLE staging.x (n Int64) ENGINE = Log":              "the engine Log is on one server alone",
		"CREATE TABLE staging.x AS staging.y":                        "needs an engine of its own",
		"GRANT SELECT ON mart.* TO anna":                             "nothing is known of statements like",
		"CREATE TABLE staging.x (n Int64) ENGINE = Memory()":         "the engine Memory is on one server alone",
		"CREATE FUNCTION plus_one AS (n) -> n + 1":                   "nothing is known of statements like",
		"RENAME DATABASE staging TO elsewhere":                       "nothing is known of statements like",
		"DETACH TABLE staging.x PERMANENTLY":                         "nothing is known of statements like",
		"MOVE USER x TO disk":                                        "nothing is known of statements like",
		"UNDROP TABLE staging.x":                                     "nothing is known of statements like",
		"DROP":                                                       "nothing is known of statements like",
		"rename table staging.int_orders__new to staging.int_orders": "there is one",
		"alter table staging.int_orders replace partition id 'x' from staging.int_orders__new": "they lie on several shards",
		"DROP TABLE": "no name",
		"CREATE TABLE IF NOT EXISTS staging.x (n Int64 'ENGINE": "needs an engine of its own",
	} {
		got, err := Cluster{"main", Sharded}.Translate(statement, func(name string) (Table, error) { return there[Sharded][name], nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want an error with %q", statement, got, err, want)
		}
	}
}

func TestCluster_Judge(t *testing.T) {
	macros := []string{"shard", "replica"}
	for name, tt := range map[string]struct {
		topology        Topology
		shards, servers uint64
		known, macros   []string
		want            string
	}{
		"replicas":                      {Replicated, 1, 2, []string{"main"}, macros, ""},
		"shards":                        {Sharded, 3, 6, []string{"main"}, macros, ""},
		"a sharded cluster of one":      {Sharded, 1, 1, []string{"main"}, macros, ""},
		"unknown":                       {Replicated, 0, 0, []string{"default", "other"}, macros, `knows no cluster "main", only default, other`},
		"none":                          {Replicated, 0, 0, nil, macros, "remote_servers"},
		"shards declared as replicas":   {Replicated, 2, 4, []string{"main"}, macros, "has 2 shards: declare it as sharded"},
		"a server without a name":       {Replicated, 1, 2, []string{"main"}, []string{"shard"}, `no macro "replica"`},
		"a server that knows no shards": {Sharded, 2, 2, []string{"main"}, []string{"replica"}, `no macro "shard"`},
	} {
		err := Cluster{"main", tt.topology}.judge(tt.shards, tt.servers, tt.known, tt.macros)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", name, err, tt.want)
		}
	}
}

func TestShardingKey(t *testing.T) {
	for full, want := range map[string]string{
		"Distributed('main', 'raw_shard', 'shop_orders', cityHash64(source, id))":                                            "cityHash64(source, id)",
		"Distributed('ma\\'in', 'staging_shard', 'x', cityHash64(ifNull(customer_key, ''))) SETTINGS fsync_after_insert = 1": "cityHash64(ifNull(customer_key, ''))",
		"Distributed('main', 'raw_shard', 'shop_orders')":                                                                    "",
	} {
		if got := shardingKey("Distributed", full); got != want {
			t.Errorf("%s: got %q, want %q", full, got, want)
		}
	}
	if got := shardingKey("MergeTree", "MergeTree ORDER BY x"); got != "" {
		t.Errorf("a plain table has the key %q", got)
	}
}

// The servers' own settings must know every setting by its name.
func TestCluster_Settings(t *testing.T) {
	w := enginetest.Start(t)
	for name, value := range (Cluster{"main", Sharded}).Settings() {
		if got := w.Exec(t, fmt.Sprintf("SELECT 1 SETTINGS %s = '%v'", name, value)); !regexp.MustCompile(`^1\s*$`).MatchString(got) {
			t.Errorf("%s = %v: %s", name, value, got)
		}
	}
}
