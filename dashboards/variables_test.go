package dashboards_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/dashboards"
	"winback/dashboards/ask"
	"winback/dashboards/board"
	"winback/dashboards/frame"
	"winback/dashboards/report"
)

// Every variable of a page filters: each panel that names it answers otherwise for a
// value that nobody has, and answers for every kind of value that it offers. The others
// say that they are not filtered by it; TestFiles_Tidy keeps that true.
func TestVariables_Filter(t *testing.T) {
	conn := emptyWarehouse(t)
	fillMarts(t, conn, 6, []string{"Ann", "B2B"})
	boards, err := dashboards.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	asker := &ask.Asker{Querier: conn, Now: lookedAt.Truncate(24 * time.Hour).Add(-time.Second), Zone: time.UTC}
	proven := map[string]int{}
	for _, d := range boards {
		open := func(given map[string][]string) ask.State {
			t.Helper()
			s, err := asker.Open(t.Context(), d, given)
			if err != nil {
				t.Fatalf("%s: %v", d.UID, err)
			}
			return s
		}
		rows := func(s ask.State, p *board.Panel) [][]any {
			t.Helper()
			frames, err := asker.Panel(t.Context(), s, p)
			if err != nil {
				t.Errorf("%s, %s: %v", d.UID, p.Title, err)
			}
			return valuesOf(frames)
		}
		whole := open(nil)
		for _, v := range d.Templating.List {
			if !v.Narrows() {
				continue
			}
			values, _, err := asker.Choices(t.Context(), whole, v)
			if err != nil {
				t.Fatalf("%s, variable %s: %v", d.UID, v.Name, err)
			}
			part, nobody := whole, open(nil)
			if len(values) > 0 {
				part = open(map[string][]string{v.Name: values[len(values)-1:]})
			}
			nobody.Values[v.Name] = ask.Value{Multi: v.Multi, Values: []string{"nobody's"}, Texts: []string{"nobody's"}}
			for _, p := range d.All() {
				if len(p.Targets) == 0 || !p.Uses(v.Name) {
					continue
				}
				rows(part, p)
				all := rows(whole, p)
				switch none := rows(nobody, p); {
				case len(all) == 0 || slices.Contains(d.Tags, report.OperationsTag): // nothing to leave out; ops has no rows here
				case cmp.Equal(all, none):
					t.Errorf("%s, %s answers the same for %s = nobody's as for all", d.UID, p.Title, v.Name)
				default:
					proven[d.UID]++
				}
			}
		}
	}
	for uid, least := range map[string]int{"executive": 36, "why-they-leave": 30, "funnel": 25, "winback-queue": 28, "winback-campaigns": 20, "churn-cohorts": 15, "carts": 15, "managers": 5, "call-centre": 3} {
		if proven[uid] < least {
			t.Errorf("%s: %d panels were seen to be filtered; %d at least are wanted", uid, proven[uid], least)
		}
	}
}

// valuesOf are the values of frames, field by field, without those that are empty.
func valuesOf(frames []*frame.Frame) (values [][]any) {
	for _, f := range frames {
		for _, field := range f.Fields {
			if len(field.Values) > 0 {
				values = append(values, field.Values)
			}
		}
	}
	return values
}
