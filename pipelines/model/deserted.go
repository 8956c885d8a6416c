package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// dropDeserted drops the tables and views that this program once built and no
// model makes any more, as when a model's files were removed, or it moved to
// another database and is built there. What somebody else made in these databases
// is not known to ops.models and stays.
func (r *run) dropDeserted(ctx context.Context) {
	made := map[string]bool{}
	for _, m := range r.runner.project.models {
		made[m.FullName()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(r.planner.state.builds)) {
		relation := r.planner.state.builds[name].relation
		_, exists := r.runner.project.byName[name]
		result := r.results[name]
		moved := exists && result != nil && result.Kind == Built
		if made[relation] || exists && !moved || ctx.Err() != nil {
			continue
		}
		err := r.prepare(ctx)
		if err == nil {
			err = r.drop(ctx, name, relation, exists)
		}
		if err != nil {
			r.warn(name, err.Error())
			continue
		}
		if r.planner.state.relations[relation] {
			r.warn(name, relation+" was dropped: no model makes it any more")
		}
	}
}

// drop drops a table or view with what stands beside it, and then forgets it.
func (r *run) drop(ctx context.Context, name, relation string, moved bool) error {
	database, table, ok := strings.Cut(relation, ".")
	if !ok || database != StagingDatabase && database != MartDatabase {
		return nil
	}
	statements := []string{"drop table if exists " + quote.Table(database, table) + " sync"}
	for _, suffix := range asideSuffixes {
		if r.planner.state.relations[relation+suffix] {
			statements = append(statements, "drop table if exists "+quote.Table(database, table+suffix)+" sync")
		}
	}
	if !moved {
		statements = append(statements,
			"drop table if exists "+(&Model{Name: name}).logRelation()+" sync",
			"delete from ops.changes where model = "+quote.Literal(name),
			"delete from ops.models where model = "+quote.Literal(name))
	}
	for _, statement := range statements {
		if err := r.runner.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("drop %s, which no model makes any more: %w", relation, check.InWords(err))
		}
	}
	return nil
}
