package report

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// late is how old the last run may be before the page says so: a day, and half of
// one for a run that is under way.
const late = 36 * time.Hour

// warnings are the reasons not to take the numbers for today's: they stand on top
// of the page.
func warnings(ctx context.Context, o Options) []string {
	var all []string
	today := o.Now.In(o.Zone)
	yesterday := time.Date(today.Year(), today.Month(), today.Day()-1, 0, 0, 0, 0, time.UTC)
	if days := int(yesterday.Sub(o.AsOf).Hours() / 24); days > 0 {
		all = append(all, fmt.Sprintf("These numbers describe %s, %s before yesterday.", o.AsOf.Format("2 January 2006"), count(days, "day")))
	}
	for _, look := range []func(context.Context, Options) ([]string, error){lastRun, oldSources, redChecks} {
		found, err := look(ctx, o)
		if err != nil {
			found = []string{"How fresh the data are could not be found out: " + inWords(err)}
		}
		all = append(all, found...)
	}
	return all
}

// lastRun tells of a run that failed, did only a part, or is long ago.
func lastRun(ctx context.Context, o Options) ([]string, error) {
	rows, err := o.Querier.Query(ctx, `select state, message, started_at from ops.runs final where state != 'running' order by started_at desc limit 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return []string{"No run has ended yet."}, rows.Err()
	}
	var state, message string
	var at time.Time
	if err := rows.Scan(&state, &message, &at); err != nil {
		return nil, err
	}
	when := at.In(o.Zone).Format("2 January 2006, 15:04")
	switch {
	case state == "partly":
		return []string{sentence("The last run, of "+when+", was done only in part", message)}, rows.Err()
	case state == "failed" || state == "interrupted":
		return []string{sentence("The last run, of "+when+", "+map[string]string{"failed": "failed", "interrupted": "was interrupted"}[state]+"; what is shown is from before it", message)}, rows.Err()
	case o.Now.Sub(at) > late:
		return []string{fmt.Sprintf("Nothing new was read since %s.", when)}, rows.Err()
	}
	return nil, rows.Err()
}

func sentence(said, why string) string {
	why, _, _ = strings.Cut(strings.TrimSpace(why), "\n")
	if why == "" {
		return said + "."
	}
	if letters := []rune(why); len(letters) > 160 {
		why = string(letters[:160]) + " …"
	}
	return said + ": " + strings.TrimSuffix(why, ".") + "."
}

// oldSources names the datasets that could not be read for a while.
func oldSources(ctx context.Context, o Options) ([]string, error) {
	rows, err := o.Querier.Query(ctx, `select source, dataset, read_at from ops.freshness
		where state != 'done' or read_at < fromUnixTimestamp(`+fmt.Sprint(o.Now.Add(-late).Unix())+`) order by read_at, 1, 2`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	var oldest time.Time
	for rows.Next() {
		var source, dataset string
		var at time.Time
		if err := rows.Scan(&source, &dataset, &at); err != nil {
			return nil, err
		}
		if o.Reads != nil && !o.Reads(source, dataset) {
			continue
		}
		if len(names) == 0 {
			oldest = at
		}
		names = append(names, source+"."+dataset)
	}
	if len(names) == 0 {
		return nil, rows.Err()
	}
	since := "never"
	if oldest.Year() > 1970 {
		since = oldest.In(o.Zone).Format("on 2 January 2006, 15:04")
	}
	return []string{fmt.Sprintf("Not read lately: %s (last with success %s).", short(names), since)}, rows.Err()
}

// redChecks counts the checks that failed when they last ran.
func redChecks(ctx context.Context, o Options) ([]string, error) {
	rows, err := o.Querier.Query(ctx, `select distinct model from (select toString(model) as model, check, argMax(status, checked_at) as latest, argMax(severity, checked_at) as level
		from ops.checks group by model, check) where latest in ('failed', 'broken') and level = 'error' order by model`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, rows.Err()
	}
	return []string{fmt.Sprintf("Checks of %s failed; the tables keep what was right before.", short(names))}, rows.Err()
}

// short lists names, the first five of them.
func short(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
