// Package dashboards embeds the dashboards: one file each, in Grafana's classic
// JSON. dashboards/report draws them without Grafana; README.md explains them to
// the executive who reads them.
package dashboards

import (
	"embed"
	"fmt"
	"slices"

	"winback/dashboards/board"
)

// Files are the dashboards, <uid>.json each.
//
//go:embed *.json
var Files embed.FS

// order is that of a whole report: from the answer to the details. Files that are
// not in it come last.
var order = []string{"executive", "why-they-leave", "churn-cohorts", "funnel", "carts", "winback-campaigns", "winback-queue", "call-centre", "managers", "data-health"}

// Load reads all dashboards in the order of a whole report, with money in a
// project's currency.
func Load(currency string) ([]*board.Dashboard, error) {
	entries, err := Files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("look for dashboards: %w", err)
	}
	var all []*board.Dashboard
	for _, entry := range entries {
		text, err := Files.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the dashboard %s: %w", entry.Name(), err)
		}
		d, err := board.Parse(board.Money(text, currency))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		all = append(all, d)
	}
	place := func(d *board.Dashboard) int {
		if at := slices.Index(order, d.UID); at >= 0 {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(all, func(a, b *board.Dashboard) int { return place(a) - place(b) })
	return all, nil
}
