package cluster

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/engine/enginetest"
)

// told is a connection to one engine that tells of a cluster what the test says: the
// tables of a cluster's servers are replaced by rows.
type told struct {
	driver.Conn
	tables map[string]string
}

// columns of the system tables that are looked at, with the types that a server has.
var columns = map[string]string{
	"distributed_ddl_queue": "entry String, host String, port UInt16, cluster String, query String, query_create_time DateTime, status String, exception_code UInt16, exception_text String",
	"clusters":              "cluster String",
	"one":                   "dummy UInt8",
	"replicas":              "at String, database String, table String, is_readonly UInt8, is_session_expired UInt8, absolute_delay UInt64, queue_size UInt32, queue_oldest_time DateTime",
	"replication_queue":     "at String, database String, table String, type String, num_tries UInt32, last_exception String",
}

var systemTable = regexp.MustCompile(`clusterAllReplicas\('main', system\.(\w+)\)|system\.(\w+)`)

func (c told) instead(query string) string {
	query = strings.ReplaceAll(query, "hostName()", "at")
	return systemTable.ReplaceAllStringFunc(query, func(found string) string {
		name := systemTable.FindStringSubmatch(found)
		table := name[1] + name[2]
		rows := c.tables[table]
		if rows == "" {
			return "(SELECT * FROM null('" + columns[table] + "'))"
		}
		return "values('" + columns[table] + "', " + rows + ")"
	})
}

func (c told) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	return c.Conn.Query(ctx, c.instead(query), args...)
}

func (c told) QueryRow(ctx context.Context, query string, args ...any) driver.Row {
	return c.Conn.QueryRow(ctx, c.instead(query), args...)
}

// What is stuck on a cluster is named with its server and a way out; what is only slow
// is not.
func TestCluster_Troubles(t *testing.T) {
	conn := enginetest.Start(t).Conn(t)
	for _, c := range []struct {
		about  string
		tables map[string]string
		want   []string
	}{
		{"all is well", map[string]string{
			"distributed_ddl_queue": `('query-0000000001', 'ch1', 9000, 'main', 'DROP TABLE mart.x', now() - 600, 'Finished', 0, ''),
				('query-0000000002', 'ch2', 9000, 'main', 'DROP TABLE mart.y', now() - 5, 'Active', 0, ''),
				('query-0000000003', 'ch9', 9000, 'other', 'DROP TABLE mart.z', now() - 600, 'Inactive', 0, '')`,
			"clusters": "('main'), ('main')", "one": "(0), (0)",
			"replicas":          `('ch2', 'mart', 'x', 0, 0, 10, 3, now() - 10), ('ch2', 'theirs', 'x', 1, 0, 0, 0, toDateTime(0))`,
			"replication_queue": `('ch2', 'mart', 'x', 'GET_PART', 1, 'No active replica has part')`,
		}, nil},
		{"a server is down", map[string]string{
			"distributed_ddl_queue": `('query-0000000007', 'ch2', 9000, 'main', 'DROP TABLE  mart.x ON CLUSTER main', '2026-11-22 10:00:00', 'Inactive', 0, ''),
				('query-0000000008', 'ch2', 9000, 'main', 'DROP TABLE mart.y ON CLUSTER main', '2026-11-22 10:01:00', 'Inactive', 0, '')`,
			"clusters": "('main'), ('main'), ('main')", "one": "(0), (0)",
		}, []string{
			"only 2 of the 3 servers of the cluster main answer the one of warehouse.url: start the others",
			"ch2:9000 has not done 2 statements ON CLUSTER, first query-0000000007 of 2026-11-22 10:00 UTC, DROP TABLE mart.x ON CLUSTER main: start that server or see that it reaches Keeper",
		}},
		{"a server refuses", map[string]string{
			"distributed_ddl_queue": `('query-0000000007', 'ch2', 9000, 'main', 'CREATE TABLE mart.x ON CLUSTER main', now() - 3600, 'Finished', 243, 'Cannot reserve 1.00 MiB'),
				('query-0000000001', 'ch2', 9000, 'main', 'CREATE TABLE mart.x ON CLUSTER main', now() - 200000, 'Finished', 243, 'Cannot reserve 1.00 MiB')`,
			"clusters": "('main')", "one": "(0)",
		}, []string{"ch2:9000 failed to do a statement ON CLUSTER, first query-0000000007 of "}},
		{"replicas", map[string]string{
			"clusters": "('main')", "one": "(0)",
			"replicas": `('ch2', 'mart', 'd', 1, 0, 0, 0, toDateTime(0)), ('ch2', 'mart', 'c', 1, 0, 0, 0, toDateTime(0)), ('ch2', 'mart', 'b', 0, 1, 0, 0, toDateTime(0)), ('ch2', 'raw_shard', 'a', 1, 0, 0, 0, toDateTime(0)),
				('ch3', 'ops', 'runs', 0, 0, 3600, 12, now() - 3600)`,
			"replication_queue": `('ch3', 'ops', 'runs', 'MERGE_PARTS', 40, 'No space left on device'), ('ch3', 'ops', 'loads', 'GET_PART', 9, 'no answer')`,
		}, []string{
			"ch2 takes no rows of mart.b, mart.c, mart.d and 1 more tables: it has lost Keeper",
			"ch3 lags behind in ops.runs, by up to 1h0m0s and 12 entries",
			"ch3 tries in vain to replicate (2 entries; MERGE_PARTS of ops.runs 40 times): No space left on device; mend that",
		}},
	} {
		got, err := Cluster{Name: "main", Topology: Replicated}.Troubles(t.Context(), told{conn, c.tables})
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %q, %v; want %d", c.about, got, err, len(c.want))
			continue
		}
		for i := range c.want {
			if !strings.HasPrefix(got[i], c.want[i]) {
				t.Errorf("%s: %q, want %q", c.about, got[i], c.want[i])
			}
		}
	}
}

// The columns that are looked at are those that the engine's system tables have.
func TestCluster_TroublesAsksForWhatIsThere(t *testing.T) {
	w := enginetest.Start(t)
	for table, list := range columns {
		for column := range strings.SplitSeq(list, ", ") {
			name, _, _ := strings.Cut(column, " ")
			if name == "at" {
				continue // stands for hostName()
			}
			if got := strings.TrimSpace(w.Exec(t, "SELECT count() FROM system.columns WHERE database = 'system' AND table = '"+table+"' AND name = '"+name+"'")); got != "1" {
				t.Errorf("system.%s has no column %s", table, name)
			}
		}
	}
}
