// Package cluster has the tables of a warehouse made and changed on all servers of
// a ClickHouse cluster. The rest of the program writes its statements for one
// server; this package turns them into those for the cluster on the way there.
//
// A run talks to one server of the cluster, and reads there what it wrote. What
// another server may lack yet is waited for before readers get to see it.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Topology says how the rows of a table are spread over a cluster's servers. It is
// declared and never found out: a cluster that is looked at in a bad moment would be
// taken for another one.
type Topology string

const (
	// Replicated: one shard. Every server has every row.
	Replicated Topology = "replicated"
	// Sharded: rows of customers are spread by the customer's key, raw rows by their
	// own key, and all other tables are whole on every server, so that they are joined
	// where the customer's rows are.
	Sharded Topology = "sharded"
)

// Cluster is a cluster as its servers' configuration (remote_servers) names it.
type Cluster struct {
	Name     string
	Topology Topology
}

// ShardSuffix is what the database of a shard's own rows is called beyond the name of
// the one that all rows are read from: staging_shard.int_orders has those of this
// server, staging.int_orders all of them.
const ShardSuffix = "_shard"

// Settings are ClickHouse settings of every statement to the cluster. Inserts are
// acknowledged when most replicas have them and, spread over shards, when they are
// there; a statement ON CLUSTER waits for the servers that are up; a join of two
// spread tables sends the right one to every shard, unless a model says that the
// rows it joins are on one.
func (c Cluster) Settings() clickhouse.Settings {
	settings := clickhouse.Settings{
		"distributed_ddl_output_mode":  "throw_only_active",
		"distributed_ddl_task_timeout": int(ddlTimeout.Seconds()),
		"insert_quorum":                "auto",
		"insert_deduplicate":           0,
		"alter_sync":                   2,
		"mutations_sync":               2,
	}
	if c.Topology == Sharded {
		settings["distributed_foreground_insert"] = 1
		settings["distributed_product_mode"] = "global"
	}
	return settings
}

// ddlTimeout is how long servers may take for a statement ON CLUSTER: they do one at
// a time, and dropping a large table takes a while.
const ddlTimeout = 10 * time.Minute

// Table is what a server has under a name.
type Table struct {
	// Engine is empty if there is no such table.
	Engine string
	// Key is the expression that spreads its rows over shards; empty unless it stands
	// for the rows of all shards.
	Key     string
	Comment string
}

// Spread tells that the table stands for rows that shards have.
func (t Table) Spread() bool { return t.Key != "" }

func (t Table) replicated() bool { return strings.HasPrefix(t.Engine, "Replicated") }

// Conn returns a connection whose statements go to all servers of the cluster. Reads
// and inserts go where conn goes.
func (c Cluster) Conn(conn driver.Conn) driver.Conn { return &connection{conn, c} }

type connection struct {
	driver.Conn
	cluster Cluster
}

// Exec runs what the statement means for the cluster.
func (c *connection) Exec(ctx context.Context, statement string, args ...any) error {
	statements, err := c.cluster.Translate(statement, func(name string) (Table, error) { return c.lookUp(ctx, name) })
	if err != nil {
		return err
	}
	for _, s := range statements {
		if err := c.Conn.Exec(ctx, s, args...); err != nil {
			return err
		}
	}
	return nil
}

// lookUp finds out what a table is. name is database.table, quoted or not.
func (c *connection) lookUp(ctx context.Context, name string) (t Table, err error) {
	database, table := splitName(name)
	rows, err := c.Query(ctx, "SELECT engine, engine_full, comment FROM system.tables WHERE database = ? AND name = ?", unquote(database), unquote(table))
	if err != nil {
		return t, fmt.Errorf("look at the table %s: %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var full string
		if err := rows.Scan(&t.Engine, &full, &t.Comment); err != nil {
			return t, fmt.Errorf("look at the table %s: %w", name, err)
		}
		t.Key = shardingKey(t.Engine, full)
	}
	return t, rows.Err()
}

// Verify looks whether the server knows the cluster and whether the cluster can be
// what is declared of it. Errors say what to change where.
func (c Cluster) Verify(ctx context.Context, conn driver.Conn) error {
	var shards, servers uint64
	var known, macros []string
	err := errors.Join(
		conn.QueryRow(ctx, "SELECT uniqExact(shard_num), count() FROM system.clusters WHERE cluster = ?", c.Name).Scan(&shards, &servers),
		conn.QueryRow(ctx, "SELECT arraySort(groupUniqArray(cluster)) FROM system.clusters").Scan(&known),
		conn.QueryRow(ctx, "SELECT groupArray(macro) FROM system.macros").Scan(&macros),
	)
	if err != nil {
		return fmt.Errorf("look at the cluster %s: %w", c.Name, err)
	}
	return c.judge(shards, servers, known, macros)
}

func (c Cluster) judge(shards, servers uint64, known, macros []string) error {
	switch {
	case servers == 0 && len(known) == 0:
		return fmt.Errorf("warehouse.cluster: the server knows no cluster: name them in its configuration (remote_servers), or leave the key out")
	case servers == 0:
		return fmt.Errorf("warehouse.cluster: the server knows no cluster %q, only %s", c.Name, strings.Join(known, ", "))
	case c.Topology == Replicated && shards > 1:
		return fmt.Errorf("warehouse.topology: the cluster %s has %d shards: declare it as sharded, or name a cluster of one shard", c.Name, shards)
	}
	have := "," + strings.Join(macros, ",") + ","
	for _, macro := range []string{"shard", "replica"} {
		if !strings.Contains(have, ","+macro+",") {
			return fmt.Errorf("warehouse.cluster: the server has no macro %q, which replicated tables are told apart by: add it to <macros> of its configuration, on every server with its own value", macro)
		}
	}
	return nil
}
