package model_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"winback/pipelines/model"
)

// names are the models of a project, parents first, and then its checks.
func names(p *model.Project) string {
	var all []string
	for _, m := range p.Models() {
		all = append(all, m.Name)
	}
	slices.Sort(all)
	for _, c := range p.SingularChecks() {
		all = append(all, "check "+c.Name)
	}
	return strings.Join(all, " ")
}

func view(name, body string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- " + name + ": a model.\n-- grain: one row\n-- materialized: view\n" + body + "\n")}
}

func columns(text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("description: A model.\ncolumns:\n" + text)}
}

const oneColumn = "  - name: a\n    type: UInt8\n    description: A\n"

// product has a and b, which reads a and whose check looks into c; d stands apart.
func product() fstest.MapFS {
	return fstest.MapFS{
		"marts/a.sql": view("a", "select 1 as a"), "marts/a.yml": columns(oneColumn),
		"marts/b.sql": view("b", `select a from {{ ref "a" }}`),
		"marts/b.yml": columns(oneColumn + "    checks: [{relationships: {to: c, field: a}}]\n"),
		"marts/c.sql": view("c", "select 1 as a"), "marts/c.yml": columns(oneColumn),
		"marts/d.sql": view("d", "select 1 as a"), "marts/d.yml": columns(oneColumn),
		"checks/b_is_a.sql": {Data: []byte("-- b_is_a: same.\n-- severity: error\nselect a from {{ ref \"a\" }} where a not in (select a from {{ ref \"b\" }})\n")},
		"checks/d_is_a.sql": {Data: []byte("-- d_is_a: same.\n-- severity: error\nselect a from {{ ref \"a\" }} where a not in (select a from {{ ref \"d\" }})\n")},
	}
}

func TestProject_Restrict(t *testing.T) {
	whole, err := model.Load(product())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ only, want string }{
		{"", "a b c d check b_is_a check d_is_a"},
		{"b", "a b c check b_is_a"},
		{"a", "a"},
		{"a d", "a d check d_is_a"},
	} {
		got, err := whole.Restrict(strings.Fields(c.only))
		if err != nil {
			t.Fatal(err)
		}
		if names(got) != c.want {
			t.Errorf("only %q: %s, want %s", c.only, names(got), c.want)
		}
	}
	if _, err := whole.Restrict([]string{"e"}); err == nil {
		t.Error("a project of a model that is not there")
	}
}

func TestLoad_Overlay(t *testing.T) {
	own := fstest.MapFS{
		"marts/a.sql": view("a", "select 2 as a"), // its columns stay the product's
		"marts/e.sql": view("e", `select a from {{ ref "a" }}`), "marts/e.yml": columns(oneColumn),
		"README.md": {Data: []byte("ours")},
	}
	p, err := model.Load(product(), model.WithOverlay(own, "own"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "a b c d e check b_is_a check d_is_a"; names(p) != want {
		t.Errorf("models %s, want %s", names(p), want)
	}
	a, _ := p.Model("a")
	if a.Path != "own/marts/a.sql" || a.PropertiesPath != "sql/marts/a.yml" {
		t.Errorf("a is in %s and %s", a.Path, a.PropertiesPath)
	}
	if sql, err := p.Compile("a", model.DefaultVars()); err != nil || !strings.Contains(sql, "select 2") {
		t.Errorf("a is %s %v", sql, err)
	}
	own["astray.sql"] = view("astray", "select 1 as a")
	if _, err := model.Load(product(), model.WithOverlay(own, "own")); err == nil || !strings.Contains(err.Error(), "own/astray.sql: is in none of the folders") {
		t.Errorf("a model outside the folders: %v", err)
	}
}
