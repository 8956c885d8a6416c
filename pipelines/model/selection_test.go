package model_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"winback/pipelines/check"
	"winback/pipelines/model"
)

// lookingElsewhere has a; b, which reads a and whose check looks into c; and a check
// of its own that compares b with d.
func lookingElsewhere() fstest.MapFS {
	table := func(name, query string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("-- " + name + ": a model.\n-- grain: one row\n-- materialized: table\n-- order_by: a\n" + query + "\n")}
	}
	return fstest.MapFS{
		"marts/a.sql": table("a", "select toUInt8(1) as a"), "marts/a.yml": columns(oneColumn),
		"marts/b.sql": table("b", `select a from {{ ref "a" }}`),
		"marts/b.yml": columns(oneColumn + "    checks: [not_null, {relationships: {to: c, field: a}}]\n"),
		"marts/c.sql": table("c", "select toUInt8(1) as a"), "marts/c.yml": columns(oneColumn),
		"marts/d.sql":       table("d", "select toUInt8(1) as a"),
		"marts/d.yml":       columns(oneColumn),
		"checks/b_is_d.sql": {Data: []byte("-- b_is_d: same.\n-- severity: error\nselect a from {{ ref \"b\" }} where a not in (select a from {{ ref \"d\" }})\n")},
	}
}

// A model that is built alone does not wait for what its checks look into: those do
// not run, and it is said; + before it brings along what they need.
func TestRunner_Run_ChecksLookElsewhere(t *testing.T) {
	fsys, conn := lookingElsewhere(), warehouse(t)
	words := func(results []check.Result) (text []string) {
		for _, result := range results {
			text = append(text, result.String())
		}
		return text
	}
	const notThere = "b: relationships(a in c.a) not run: it looks into mart.c, which is not built; select it too, with +"
	for _, c := range []struct {
		selected, kinds string
		checks, held    string
	}{
		{"a b", "a built, b built", "b: not_null(a) passed; " + notThere, "b_is_d"},
		{"+b", "a unchanged, c built, b unchanged", "", "b_is_d"},
		{"d", "d built", "b_is_d passed", ""},
		{"b", "b unchanged", "", ""},
	} {
		t.Run(c.selected, func(t *testing.T) {
			summary, _ := runModels(t, conn, fsys, model.RunnerOptions{Select: []string{c.selected}})
			var kinds []string
			for _, result := range summary.Models {
				kinds = append(kinds, result.Model.Name+" "+string(result.Kind))
			}
			if got := strings.Join(kinds, ", "); got != c.kinds {
				t.Errorf("models: %s, want %s", got, c.kinds)
			}
			if got := strings.Join(words(summary.AllChecks()), "; "); got != c.checks {
				t.Errorf("checks: %s, want %s", got, c.checks)
			}
			if got := strings.Join(summary.HeldBack, ", "); got != c.held || !summary.OK() {
				t.Errorf("held back: %s, want %s; OK %v", got, c.held, summary.OK())
			}
		})
	}

	t.Run("looked at later", func(t *testing.T) {
		for _, table := range []string{"c", "d"} {
			if err := conn.Exec(t.Context(), "drop table mart."+table+" sync"); err != nil {
				t.Fatal(err)
			}
		}
		targets, err := model.NewRunner(conn, load(t, fsys), model.RunnerOptions{Select: []string{"b"}}).Targets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		results, err := check.Run(t.Context(), conn, targets, check.Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := "b: not_null(a) passed; " + notThere + "; b_is_d not run: it reads mart.d, which is not built"
		if got := strings.Join(words(results), "; "); got != want {
			t.Errorf("checks: %s, want %s", got, want)
		}
	})
}
