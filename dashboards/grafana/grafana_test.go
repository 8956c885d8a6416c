package grafana_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"winback/dashboards"
	"winback/dashboards/grafana"
	"winback/dashboards/grafana/grafanatest"
)

func settings(s *grafanatest.Server) grafana.Settings {
	return grafana.Settings{
		URL: s.URL, Token: grafanatest.Token, Folder: "Customers", Program: "v1", Currency: "EUR",
		DataSource: grafana.DataSource{
			Name: "winback", URL: "https://warehouse.internal/ch", User: "grafana", Password: "s3cret", Database: "mart", DialSeconds: 10, QuerySeconds: 60,
			Headers: map[string]string{"X-Key": "k3y"}, Custom: map[string]string{"max_threads": "4"},
		},
		Contact: grafana.Contact{Mail: []string{"ann@example.com"}},
	}
}

func boards(t *testing.T) (all []grafana.Board) {
	t.Helper()
	for _, name := range []string{"executive.json", "data-health.json"} {
		text, err := dashboards.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := grafana.ParseBoard(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// provision runs once and returns what was done as lines.
func provision(t *testing.T, s grafana.Settings, o grafana.Options) []string {
	t.Helper()
	g, err := grafana.Connect(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if o.Boards == nil {
		o.Boards = boards(t)
	}
	changes, err := g.Provision(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range changes {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%s %s: %s (%s)", c.Kind, c.Name, c.Action, c.Detail), " ()"))
	}
	return lines
}

// others are the lines that do not say that something was left alone.
func others(lines []string) []string {
	return slices.DeleteFunc(lines, func(l string) bool { return strings.HasSuffix(l, ": left alone") })
}

func want(t *testing.T, got []string, lines ...string) {
	t.Helper()
	if !slices.Equal(got, lines) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
	}
}

func TestProvision_MakesEverythingOnceAndThenNothing(t *testing.T) {
	s := grafanatest.New(t)
	want(t, provision(t, settings(s), grafana.Options{}),
		"folder Customers: created", "data source winback: created",
		"dashboard executive: created (version 1)", "dashboard data-health: created (version 1)", "contact point email: created",
		"alert rule Yearly churn is at the alarm level: created", "alert rule Data are older than a day: created",
		"alert rule Checks of the data are red: created", "alert rule Promised call-backs were missed: created")
	if secrets := s.Secrets("winback"); secrets["password"] != "s3cret" || secrets["secureHttpHeaders.X-Key"] != "k3y" {
		t.Errorf("the data source has other secrets: %v", secrets)
	}
	executive, message := s.Dashboard("executive")
	if text := fmt.Sprint(executive); !strings.Contains(text, "currencyEUR") || strings.Contains(text, "¤") || !strings.Contains(text, "current:map[text:winback value:winback]") {
		t.Error("money is not in the project's currency, or the data source is not chosen")
	}
	if !strings.HasPrefix(message, "winback v1 (") {
		t.Errorf("the history says %q", message)
	}
	s.Writes()
	want(t, others(provision(t, settings(s), grafana.Options{})))
	if done := s.Writes(); len(done) > 0 {
		t.Errorf("the second time something was written: %v", done)
	}
}

// A newer Grafana shows a dashboard in a form of its own: still nobody edited it.
func TestProvision_KnowsItsOwnWorkAgain(t *testing.T) {
	s := grafanatest.New(t)
	provision(t, settings(s), grafana.Options{})
	s.Migrate("executive", func(d map[string]any) { d["schemaVersion"] = 42.0; delete(d, "liveNow") })
	want(t, others(provision(t, settings(s), grafana.Options{})))

	changed := boards(t)
	changed[0].Text = bytes.Replace(changed[0].Text, []byte("Are we keeping our customers?"), []byte("Do we keep them?"), 1)
	want(t, others(provision(t, settings(s), grafana.Options{Boards: changed})), "dashboard executive: changed (version 2)")
}

func TestProvision_LeavesEditsAlone(t *testing.T) {
	s := grafanatest.New(t)
	provision(t, settings(s), grafana.Options{})
	s.Edit("winback", "executive", func(d map[string]any) { d["title"] = "Ours" })
	s.Move("data-health", "")
	s.EditSource("winback", func(f map[string]any) { f["jsonData"].(map[string]any)["host"] = "elsewhere" })
	s.RenameFolder("winback", "Churn")
	rule := s.Rule("winback-data-old")
	rule["for"], rule["provenance"] = "6h", ""
	s.Rule("winback-churn-alarm")["isPaused"] = true // a pause is nobody's edit
	s.Writes()
	want(t, others(provision(t, settings(s), grafana.Options{})),
		"folder Customers: left alone (Grafana calls it Churn)",
		"data source winback: refused (edited in Grafana)",
		"dashboard executive: refused (edited in Grafana: version 2 by ann at 2026-03-04 05:06 UTC)",
		"dashboard data-health: refused (edited in Grafana: version 1 by sa-1-winback at 2026-03-04 05:06 UTC, in another folder)",
		"alert rule Data are older than a day: refused (edited in Grafana)")
	if done := s.Writes(); len(done) > 0 {
		t.Errorf("something was written: %v", done)
	}
	want(t, others(provision(t, settings(s), grafana.Options{Force: true})),
		"folder Customers: changed (was Churn)", "data source winback: changed",
		"dashboard executive: changed (version 3; over version 2, which is in its history)",
		"dashboard data-health: changed (version 2; over version 1, which is in its history)",
		"alert rule Data are older than a day: changed")
	if s.Rule("winback-churn-alarm")["isPaused"] != true {
		t.Error("the pause is over")
	}
	want(t, others(provision(t, settings(s), grafana.Options{})))
}

func TestProvision_FollowsTheConfiguration(t *testing.T) {
	s := grafanatest.New(t)
	c := settings(s)
	provision(t, c, grafana.Options{})
	s.EditSource("winback", func(f map[string]any) { f["jsonData"].(map[string]any)["enableRowLimit"] = true }) // none of winback's settings
	s.AddRule(map[string]any{"uid": "theirs", "title": "Theirs", "orgID": 1.0, "folderUID": "winback", "ruleGroup": "winback", "condition": "A", "for": "0s",
		"noDataState": "OK", "execErrState": "OK", "data": []any{map[string]any{"refId": "A", "datasourceUid": "winback", "model": map[string]any{"refId": "A"}}}})

	c.DataSource.Password = "other"
	want(t, others(provision(t, c, grafana.Options{})), "data source winback: changed (secrets)")
	c.DataSource.URL, c.DataSource.Headers = "http://new.internal:8123", nil
	c.Contact = grafana.Contact{Mail: []string{"ann@example.com", "bob@example.com"}, Webhook: "https://alerts.example.com"}
	want(t, others(provision(t, c, grafana.Options{})), "data source winback: changed", "contact point email: changed", "contact point webhook: created")
	c.Contact = grafana.Contact{Name: "grafana-default-email"}
	if lines := others(provision(t, c, grafana.Options{})); len(lines) != 4 || !strings.HasSuffix(lines[3], "changed") {
		t.Errorf("the rules do not go to the other contact point: %q", lines)
	}
	want(t, others(provision(t, c, grafana.Options{})))
	s.Rule("theirs") // is there still
	g, err := grafana.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if comparisons, err := g.Compare(t.Context(), boards(t), nil); err != nil || comparisons[0].Standing != grafana.Same || len(comparisons[0].Differences) > 0 {
		t.Errorf("%v %+v", err, comparisons)
	}
}

func TestProvision_TakesNothingOfOthers(t *testing.T) {
	s := grafanatest.New(t)
	s.AddSource("theirs", "winback")
	g, err := grafana.Connect(t.Context(), settings(s))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = g.Provision(t.Context(), grafana.Options{}); err == nil || !strings.Contains(err.Error(), "that winback did not make") {
		t.Error(err)
	}
	c := settings(s)
	c.DataSource.Name = "winback warehouse"
	provision(t, c, grafana.Options{})
	s.FromFile("executive")
	s.Edit("winback", "executive", func(d map[string]any) { d["title"] = "Another file" })
	want(t, others(provision(t, c, grafana.Options{Force: true})),
		"dashboard executive: refused (Grafana reads it from a file of its server; change it there)")
}

// Somebody saves between the look and the write: their version stays.
func TestProvision_NeverOverwritesWhatItHasNotSeen(t *testing.T) {
	s := grafanatest.New(t)
	provision(t, settings(s), grafana.Options{})
	changed := boards(t)
	changed[0].Text = bytes.Replace(changed[0].Text, []byte("Are we keeping"), []byte("Do we keep"), 1)
	s.BeforeSave = func(uid string) {
		s.BeforeSave = nil
		s.Edit("winback", uid, func(d map[string]any) { d["title"] = "Meanwhile" })
	}
	g, err := grafana.Connect(t.Context(), settings(s))
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.Provision(t.Context(), grafana.Options{Boards: changed})
	var problem *grafana.Error
	if !errors.As(err, &problem) || !strings.Contains(problem.Hint(), "run the command again") {
		t.Errorf("got %v", err)
	}
	if d, _ := s.Dashboard("executive"); d["title"] != "Meanwhile" {
		t.Error("the edit is gone")
	}
}

func TestProvision_SaysThatTheWarehouseIsOutOfReach(t *testing.T) {
	s := grafanatest.New(t)
	s.Unreachable = "[network] connection refused"
	want(t, provision(t, settings(s), grafana.Options{})[1:2],
		"data source winback: created (Grafana does not reach the warehouse through it: [network] connection refused)")
}

func TestConnect_SaysWhatIsWrong(t *testing.T) {
	elsewhere := httptest.NewServer(nil)
	elsewhere.Close()
	for _, c := range []struct {
		name       string
		server     func(*grafanatest.Server)
		settings   func(*grafana.Settings)
		want, hint string
	}{
		{"wrong token", nil, func(s *grafana.Settings) { s.Token = "glsa_wrong" }, "Grafana does not know the token", "service account"},
		{"another organisation", nil, func(s *grafana.Settings) { s.Org = 2 }, "of the organisation 1 (Main Org.)", "grafana.org"},
		{"no plugin", func(s *grafanatest.Server) { s.Plugin = "" }, nil, "no plugin for ClickHouse", "plugins install"},
		{"an old plugin", func(s *grafanatest.Server) { s.Plugin = "3.3.0" }, nil, "too old: 3.3.0", "plugins update"},
		{"an old Grafana", func(s *grafanatest.Server) { s.Version = "10.4.2" }, nil, "Grafana 10.4.2 is too old", "11.6.0"},
		{"not there", nil, func(s *grafana.Settings) { s.URL = elsewhere.URL }, "does not answer at " + elsewhere.URL, "start it"},
		{"the wrong path", nil, func(s *grafana.Settings) { s.URL = strings.TrimSuffix(s.URL, "/grafana") }, "404", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := grafanatest.New(t)
			s := settings(server)
			if c.server != nil {
				c.server(server)
			}
			if c.settings != nil {
				c.settings(&s)
			}
			_, err := grafana.Connect(context.Background(), s)
			var problem *grafana.Error
			if !errors.As(err, &problem) || !strings.Contains(problem.Error(), c.want) || !strings.Contains(problem.Hint(), c.hint) {
				t.Errorf("got %v, hint %v", err, problem)
			}
			if err != nil && strings.Contains(err.Error(), "glsa") {
				t.Error("the error holds the token")
			}
		})
	}
}

func TestProvision_WantsARoleThatMay(t *testing.T) {
	s := settings(grafanatest.New(t))
	s.Token = grafanatest.Viewer
	g, err := grafana.Connect(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.Provision(t.Context(), grafana.Options{})
	var problem *grafana.Error
	if !errors.As(err, &problem) || !strings.Contains(problem.Hint(), "role Admin") {
		t.Error(err)
	}
}

func TestPull_BringsEditsBackIntoFiles(t *testing.T) {
	s := grafanatest.New(t)
	provision(t, settings(s), grafana.Options{})
	s.Edit("winback", "executive", func(d map[string]any) {
		d["title"] = "Do we keep them?"
		d["panels"].([]any)[0].(map[string]any)["title"] = "Lost in a year"
	})
	s.Edit("winback", "own-page", func(d map[string]any) { d["title"], d["panels"] = "Own page", []any{} })
	g, err := grafana.Connect(t.Context(), settings(s))
	if err != nil {
		t.Fatal(err)
	}
	all, err := g.Compare(t.Context(), boards(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	var standings []string
	for _, c := range all {
		standings = append(standings, c.UID+" "+string(c.Standing))
	}
	want(t, standings, "executive edited", "data-health same", "own-page extra")
	var places []string
	for _, d := range all[0].Differences {
		places = append(places, fmt.Sprintf("%s: %s, %s", d.Path, d.Was, d.Is))
	}
	want(t, places, `panels[panel 1].title: "Yearly churn", "Lost in a year"`, `title: "Are we keeping our customers?", "Do we keep them?"`)

	dir := t.TempDir()
	written, err := grafana.Pull(dir, all)
	if err != nil || len(written) != 2 {
		t.Fatal(written, err)
	}
	files, pulled, err := grafana.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	original := string(boards(t)[0].Text)
	edited := strings.Replace(strings.Replace(original, `"title": "Yearly churn"`, `"title": "Lost in a year"`, 1), "Are we keeping our customers?", "Do we keep them?", 1)
	if string(files[0].Text) != edited {
		t.Error("the file differs from winback's by more than the edit")
	}
	if again, err := grafana.Pull(dir, all); err != nil || len(again) > 0 {
		t.Errorf("pulled again: %v %v", again, err)
	}
	// What was pulled may be changed further, and provisioned without force.
	files[0].Text = bytes.Replace(files[0].Text, []byte("Do we keep them?"), []byte("Are they staying?"), 1)
	want(t, others(provision(t, settings(s), grafana.Options{Boards: files[:1], Pulled: pulled})), "dashboard executive: changed (version 3)")
}

// Every dashboard comes back from Grafana as it stands in its file.
func TestPublish_EveryFileComesBack(t *testing.T) {
	s := grafanatest.New(t)
	c := settings(s)
	entries, err := dashboards.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var all []grafana.Board
	for _, entry := range entries {
		text, err := dashboards.Files.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		b, err := grafana.ParseBoard(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	provision(t, c, grafana.Options{Boards: all})
	g, err := grafana.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	comparisons, err := g.Compare(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range comparisons {
		if c.Standing != grafana.Same || !bytes.Equal(c.Text, all[i].Text) {
			t.Errorf("%s is %s, and comes back as another file", c.UID, c.Standing)
		}
	}
	for uid, panel := range map[string]string{
		"winback-churn-alarm": "Yearly churn", "winback-data-old": "How fresh each dataset is",
		"winback-checks-red": "Red checks, as they last ran", "winback-callbacks-missed": "Call-backs kept",
	} {
		notes := s.Rule(uid)["annotations"].(map[string]any)
		d, _ := s.Dashboard(notes["__dashboardUid__"].(string))
		if !slices.ContainsFunc(d["panels"].([]any), func(p any) bool {
			fields := p.(map[string]any)
			return fmt.Sprint(fields["id"]) == notes["__panelId__"] && fields["title"] == panel
		}) {
			t.Errorf("%s does not lead to the panel %q", uid, panel)
		}
	}
}
