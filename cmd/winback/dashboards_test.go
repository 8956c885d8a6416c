package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"winback/connectors/spec"
	"winback/dashboards"
	"winback/dashboards/grafana/grafanatest"
	"winback/pipelines/config"
)

// A dashboard's way into Grafana, its edit there, and the way back: no step of it
// needs a warehouse.
func TestDashboards_ToGrafanaAndBack(t *testing.T) {
	server := grafanatest.New(t)
	folder := t.TempDir()
	own := filepath.Join(folder, "own")
	file := filepath.Join(folder, "winback.yaml")
	t.Setenv("GRAFANA_TOKEN", grafanatest.Token)
	err := os.WriteFile(file, []byte("project: p\ntimezone: UTC\ncurrency: EUR\ngrafana:\n  url: "+server.URL+
		"\n  token: ${GRAFANA_TOKEN}\n  dashboards: own\n  alerts: {email: [ann@example.com]}\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	run := func(exit int, args ...string) string {
		t.Helper()
		p := winback(t, exit, append([]string{"dashboards", "-c", file}, args...)...)
		if all := p.stdout.String() + p.stderr(); strings.Contains(all, grafanatest.Token) {
			t.Errorf("the token is printed: %s", all)
		}
		return p.stdout.String() + p.stderr()
	}
	has := func(text string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in:\n%s", part, text)
			}
		}
	}
	has(run(exitDone, "provision"), "created     dashboard      executive", "17 created, 0 changed, 0 left alone, 0 refused")
	has(run(exitDone, "provision"), "0 created, 0 changed, 17 left alone, 0 refused")
	has(run(exitDone, "pull"), "Nothing was edited")

	server.Edit("winback", "funnel", func(d map[string]any) { d["title"] = "Where do they stop?" })
	has(run(exitPartly, "provision"), "refused     dashboard      funnel: edited in Grafana: version 2 by ann", "pull fetches them")
	has(run(exitDone, "diff"), "funnel: edited in Grafana: version 2 by ann", `    + "Where do they stop?"`, "carts: as its file has it")
	has(run(exitDone, "pull"), filepath.Join(own, "funnel.json"))
	has(run(exitDone, "provision"), "17 left alone")
	text, err := os.ReadFile(filepath.Join(own, "funnel.json"))
	if err != nil || !strings.Contains(string(text), `"title": "Where do they stop?"`) {
		t.Error(err, "the edit is not in the file")
	}
	out := filepath.Join(folder, "disk")
	has(run(exitDone, "files", "--out", out), filepath.Join(out, "dashboards", "executive.json"), filepath.Join(out, "provisioning", "alerting", "winback.yaml"))
	t.Setenv("GRAFANA_TOKEN", "glsa_old")
	has(run(exitFailed, "provision"), "Error: Grafana does not know the token", "Try: make a service account")
}

// The report shows what Grafana shows: an edit that was pulled takes the place of
// winback's page, a page of the company's own comes last.
func TestReport_DrawsTheDashboardsOfTheFolder(t *testing.T) {
	folder := t.TempDir()
	funnel, err := dashboards.Files.ReadFile("funnel.json")
	if err != nil {
		t.Fatal(err)
	}
	for uid, title := range map[string]string{"funnel": "Where do they stop?", "ours": "What else we ask"} {
		text := strings.Replace(string(funnel), `"title": "Where do deals get lost?"`, `"title": "`+title+`"`, 1)
		text = strings.Replace(text, `"uid": "funnel"`, `"uid": "`+uid+`"`, 1)
		if err := os.WriteFile(filepath.Join(folder, uid+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	titles := func(c *config.Settings, uids ...string) (all []string) {
		t.Helper()
		boards, err := loadDashboards(c, uids)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range boards {
			all = append(all, b.Title)
		}
		return all
	}
	c := &config.Settings{Currency: "EUR"}
	winbacks := titles(c)
	c.Grafana.Dashboards = spec.Path(folder)
	at := slices.Index(winbacks, "Where do deals get lost?")
	want := append(slices.Clone(winbacks), "What else we ask")
	want[at] = "Where do they stop?"
	if got := titles(c); !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	if got := titles(c, "ours", "funnel"); !slices.Equal(got, []string{"What else we ask", "Where do they stop?"}) {
		t.Errorf("%q", got)
	}
}
