package grafana

import (
	"context"

	"github.com/grafana/grafana-openapi-client-go/client/dashboards"
	"github.com/grafana/grafana-openapi-client-go/client/search"
)

// Comparison is how a dashboard of Grafana stands to its file, and where they
// differ.
type Comparison struct {
	*Found
	Differences []Difference
	// Text is what Grafana has, in the form of a file; nil if it has none.
	Text []byte
}

// Who tells of the last edit in words.
func (c *Comparison) Who() string { return c.who() }

// Compare looks at each wanted dashboard, and then for those in the folder that were
// made in Grafana.
func (g *Grafana) Compare(ctx context.Context, boards []Board, pulled map[string]string) ([]*Comparison, error) {
	var all []*Comparison
	wanted := map[string]bool{}
	for _, b := range boards {
		wanted[b.UID] = true
		f, err := g.find(ctx, b, pulled)
		if err != nil {
			return nil, err
		}
		c, err := g.compare(f)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	extra, err := g.extra(ctx, wanted)
	return append(all, extra...), err
}

func (g *Grafana) compare(f *Found) (*Comparison, error) {
	c := &Comparison{Found: f}
	if f.have == nil {
		return c, nil
	}
	var err error
	if c.Text, err = g.settings.restore(f.have); err != nil || f.want == nil {
		return c, err
	}
	text, err := g.settings.restore(f.want)
	if err != nil {
		return nil, err
	}
	var was, is any
	if err := decode(text, &was); err != nil {
		return nil, err
	}
	if err := decode(c.Text, &is); err != nil {
		return nil, err
	}
	c.Differences = differences(was, is)
	return c, nil
}

// extra are the dashboards of the folder that no file is of.
func (g *Grafana) extra(ctx context.Context, wanted map[string]bool) ([]*Comparison, error) {
	kind, most := "dash-db", int64(5000)
	hits, err := g.search.Search(search.NewSearchParamsWithContext(ctx).WithType(&kind).WithFolderUIDs([]string{uid}).WithLimit(&most))
	if err != nil {
		return nil, g.explain("look for other dashboards of the folder", err)
	}
	var all []*Comparison
	for _, hit := range hits.Payload {
		if wanted[hit.UID] {
			continue
		}
		f := &Found{UID: hit.UID, Title: hit.Title, Standing: Extra}
		answer, err := g.dashboards.GetDashboardByUIDWithParams(dashboards.NewGetDashboardByUIDParamsWithContext(ctx).WithUID(hit.UID))
		if err != nil {
			return nil, g.explain("read the dashboard "+hit.UID+" from Grafana", err)
		}
		if err := f.read(answer.Payload); err != nil {
			return nil, err
		}
		c, err := g.compare(f)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
