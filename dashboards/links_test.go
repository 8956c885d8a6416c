package dashboards_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"winback/dashboards"
	"winback/dashboards/board"
)

var (
	linked = regexp.MustCompile(`"url": "/d/([a-z-]+)([^"]*)"`)
	handed = regexp.MustCompile(`\$\{([a-z_]+):queryparam\}|var-([a-z_]+)=`)
)

// One comes from the executive's page to the analyst's, and from there to the customers
// to call; each page is handed variables that it has.
func TestFiles_Links(t *testing.T) {
	boards, err := dashboards.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	leads := map[string][]string{}
	for name, text := range files(t) {
		from := strings.TrimSuffix(name, ".json")
		for _, link := range linked.FindAllStringSubmatch(string(text), -1) {
			leads[from] = append(leads[from], link[1])
			at := slices.IndexFunc(boards, func(d *board.Dashboard) bool { return d.UID == link[1] })
			if at < 0 {
				t.Errorf("%s leads to %s, which is not there", from, link[1])
				continue
			}
			for _, v := range handed.FindAllStringSubmatch(link[2], -1) {
				if !slices.ContainsFunc(boards[at].Templating.List, func(has *board.Variable) bool { return has.Name == v[1]+v[2] }) {
					t.Errorf("%s hands %s the variable %s%s, which it does not have", from, link[1], v[1], v[2])
				}
			}
		}
	}
	for _, page := range []string{"why-they-leave", "churn-cohorts", "winback-campaigns"} {
		if !slices.Contains(leads["executive"], page) || !slices.Contains(leads[page], "winback-queue") {
			t.Errorf("no way leads from executive over %s to winback-queue", page)
		}
	}
}
