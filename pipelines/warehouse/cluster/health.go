package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Limits from which on something counts as stuck. Servers do one statement ON CLUSTER
// at a time and fetch what others have merged, so a minute or five are nothing.
const (
	stuckTask  = time.Minute
	failedTask = 24 * time.Hour // older ones were made up for, or told of in vain
	lateBy     = 5 * time.Minute
	stuckTries = 3
)

// Troubles says what keeps the cluster's servers from having the same: servers that do
// not answer, statements ON CLUSTER that some did not do, replicas that take nothing or
// lag behind. Each is a sentence that names the server and what to do. It only reads.
func (c Cluster) Troubles(ctx context.Context, conn driver.Conn) ([]string, error) {
	var list []string
	var errs []error
	for _, look := range []func(context.Context, driver.Conn) ([]string, error){c.silent, c.tasks, c.replicas, c.queues} {
		found, err := look(ctx, conn)
		list, errs = append(list, found...), append(errs, err)
	}
	return list, errors.Join(errs...)
}

// everyServer reads a system table of all servers that answer.
func (c Cluster) everyServer(table string) string {
	return fmt.Sprintf("clusterAllReplicas('%s', system.%s)", strings.ReplaceAll(c.Name, "'", `\'`), table)
}

// skipping leaves out servers that do not answer, which silent tells of.
const skipping = " SETTINGS skip_unavailable_shards = 1"

// silent finds out whether all servers of the cluster answer.
func (c Cluster) silent(ctx context.Context, conn driver.Conn) ([]string, error) {
	var servers, answer uint64
	err := conn.QueryRow(ctx, "SELECT count() FROM system.clusters WHERE cluster = ?", c.Name).Scan(&servers)
	if err == nil {
		err = conn.QueryRow(ctx, "SELECT count() FROM "+c.everyServer("one")+skipping).Scan(&answer)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the servers of the cluster %s: %w", c.Name, err)
	}
	if answer >= servers {
		return nil, nil
	}
	return []string{fmt.Sprintf("only %d of the %d servers of the cluster %s answer the one of warehouse.url: start the others, or look at the network between them (SELECT host_name, errors_count FROM system.clusters)",
		answer, servers, c.Name)}, nil
}

// tasksSQL sums up, for each server, the statements ON CLUSTER that it has not done in
// time, and those that it failed to do.
const tasksSQL = `SELECT concat(host, ':', toString(port)) AS server, exception_code != 0 AS failed, count() AS tasks, min(query_create_time) AS since,
	argMin(entry, (query_create_time, entry)) AS first_entry, argMin(query, (query_create_time, entry)) AS statement, argMin(exception_text, (query_create_time, entry)) AS problem
FROM system.distributed_ddl_queue
WHERE cluster = ? AND (exception_code != 0 AND query_create_time > now() - toIntervalSecond(?)
	OR exception_code = 0 AND status != 'Finished' AND query_create_time < now() - toIntervalSecond(?))
GROUP BY server, failed ORDER BY failed, server`

// tasks finds statements ON CLUSTER that are stuck.
func (c Cluster) tasks(ctx context.Context, conn driver.Conn) (list []string, err error) {
	rows, err := conn.Query(ctx, tasksSQL, c.Name, int(failedTask.Seconds()), int(stuckTask.Seconds()))
	if err != nil {
		return nil, fmt.Errorf("look at the statements ON CLUSTER of %s (is Keeper up, and may the user read system.distributed_ddl_queue?): %w", c.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var server, entry, statement, problem string
		var failed uint8
		var tasks uint64
		var since time.Time
		if err := rows.Scan(&server, &failed, &tasks, &since, &entry, &statement, &problem); err != nil {
			return nil, fmt.Errorf("look at the statements ON CLUSTER of %s: %w", c.Name, err)
		}
		first := fmt.Sprintf("%s of %s UTC, %s", entry, since.UTC().Format("2006-01-02 15:04"), short(statement))
		if failed != 0 {
			list = append(list, fmt.Sprintf("%s failed to do %s ON CLUSTER, first %s: %s; mend what it says on that server, and winback run makes it again",
				server, statements(tasks), first, short(problem)))
			continue
		}
		list = append(list, fmt.Sprintf("%s has not done %s ON CLUSTER, first %s: start that server or see that it reaches Keeper, and it does them by itself; take it out of remote_servers if it is gone for good",
			server, statements(tasks), first))
	}
	return list, rows.Err()
}

func statements(n uint64) string {
	if n == 1 {
		return "a statement"
	}
	return fmt.Sprintf("%d statements", n)
}

// short is the beginning of a text, in one line.
func short(text string) string {
	const most = 120
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// ours is the condition for the tables of a warehouse.
const ours = "database IN ('raw', 'staging', 'mart', 'ops', 'raw_shard', 'staging_shard', 'mart_shard')"

// replicasSQL sums up, for each server, the tables that take no rows and those that
// lack what others have had for too long.
const replicasSQL = `SELECT hostName() AS server, is_readonly OR is_session_expired AS readonly, count() AS tables, max(absolute_delay) AS delay,
	max(queue_size) AS waiting, arraySort(groupArray(concat(database, '.', table))) AS names
FROM %s
WHERE ` + ours + ` AND (is_readonly OR is_session_expired OR absolute_delay > ? OR queue_size > 0 AND queue_oldest_time < now() - toIntervalSecond(?))
GROUP BY server, readonly ORDER BY readonly DESC, server`

// replicas finds tables that are not what they are on other servers.
func (c Cluster) replicas(ctx context.Context, conn driver.Conn) (list []string, err error) {
	limit := int(lateBy.Seconds())
	rows, err := conn.Query(ctx, fmt.Sprintf(replicasSQL, c.everyServer("replicas"))+skipping, limit, limit)
	if err != nil {
		return nil, fmt.Errorf("look at the replicas of %s: %w", c.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var server string
		var readonly uint8
		var tables, delay uint64
		var waiting uint32
		var names []string
		if err := rows.Scan(&server, &readonly, &tables, &delay, &waiting, &names); err != nil {
			return nil, fmt.Errorf("look at the replicas of %s: %w", c.Name, err)
		}
		if readonly != 0 {
			list = append(list, fmt.Sprintf("%s takes no rows of %s: it has lost Keeper or what Keeper knew; see that Keeper answers it, then SYSTEM RESTART REPLICA there, or SYSTEM RESTORE REPLICA where Keeper was made anew",
				server, some(names)))
			continue
		}
		list = append(list, fmt.Sprintf("%s lags behind in %s, by up to %s and %d entries: it fetches by itself while disk and network allow; SYSTEM SYNC REPLICA there waits for it",
			server, some(names), time.Duration(delay)*time.Second, waiting))
	}
	return list, rows.Err()
}

// queuesSQL sums up, for each server, what replicas try in vain.
const queuesSQL = `SELECT hostName() AS server, count() AS entries, max(num_tries) AS tries, argMax(concat(database, '.', table), num_tries) AS worst,
	toString(argMax(type, num_tries)) AS what, argMax(last_exception, num_tries) AS problem
FROM %s WHERE ` + ours + ` AND last_exception != '' AND num_tries > ?
GROUP BY server ORDER BY server`

// queues finds entries of replication queues that fail again and again.
func (c Cluster) queues(ctx context.Context, conn driver.Conn) (list []string, err error) {
	rows, err := conn.Query(ctx, fmt.Sprintf(queuesSQL, c.everyServer("replication_queue"))+skipping, stuckTries)
	if err != nil {
		return nil, fmt.Errorf("look at the replication queues of %s: %w", c.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		var server, worst, what, problem string
		var entries uint64
		var tries uint32
		if err := rows.Scan(&server, &entries, &tries, &worst, &what, &problem); err != nil {
			return nil, fmt.Errorf("look at the replication queues of %s: %w", c.Name, err)
		}
		list = append(list, fmt.Sprintf("%s tries in vain to replicate (%d entries; %s of %s %d times): %s; mend that, as a full disk or a server that has the part and is down, and it goes on by itself",
			server, entries, what, worst, tries, short(problem)))
	}
	return list, rows.Err()
}

// some names a few tables.
func some(names []string) string {
	const shown = 3
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more tables", strings.Join(names[:shown], ", "), more)
	}
	return strings.Join(names, ", ")
}
