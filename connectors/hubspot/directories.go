package hubspot

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
)

// whole makes rows of small lists that are read whole each time.
func (x *extraction) whole(ctx context.Context, page string, records []json.RawMessage, add func(r *record.Record)) (connectors.Extracted, error) {
	last, err := record.LastSeen(x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	options := x.options(x.set.entities[0], last.Unknown)
	options.Whole, options.Known, options.Custom = true, nil, nil
	rows := record.NewRows(x.req, x.sink, options)
	rows.Page(page)
	for _, raw := range records {
		r := rows.Record(raw)
		r.Need("id")
		add(r)
		if err := rows.End(ctx, r); err != nil {
			return connectors.Extracted{}, err
		}
	}
	return rows.CloseWhole(ctx, last)
}

func (x *extraction) pipelines(ctx context.Context) (connectors.Extracted, error) {
	return x.whole(ctx, "pipelines of deals", x.facts.pipelines, func(r *record.Record) {
		record.Add(r, &entity.Pipeline{ID: r.Text("id"), Name: r.Text("label")})
		for _, st := range r.List("stages") {
			id := st.Text("id")
			record.Add(st, &entity.Stage{
				PipelineID: r.Text("id"), ID: id, Name: st.Text("label"), Sort: st.Int("displayOrder"), Kind: x.facts.stages[id],
			})
		}
	})
}

// owners reads those who are here and those who left.
func (x *extraction) owners(ctx context.Context) (connectors.Extracted, error) {
	var all []json.RawMessage
	for _, archived := range []string{"false", "true"} {
		for after := ""; ; {
			query := url.Values{"limit": {"500"}, "archived": {archived}}
			if after != "" {
				query.Set("after", after)
			}
			p, _, err := get[page](ctx, x.source, restapi.Request{What: "owners", Path: "crm/v3/owners", Query: query})
			if err != nil {
				return connectors.Extracted{}, err
			}
			all = append(all, p.Results...)
			if after = p.after(); after == "" {
				break
			}
		}
	}
	return x.whole(ctx, "owners", all, func(r *record.Record) {
		m := &entity.Manager{
			Meta: entity.Meta{SourceUpdatedAt: r.Time("updatedAt")}, ID: r.ID("id"), Email: r.Text("email"),
			Name:     strings.TrimSpace(r.Text("firstName") + " " + r.Text("lastName")),
			IsActive: entity.Some(!r.Bool("archived").V),
		}
		for _, team := range r.List("teams") {
			if m.Department == "" || team.Bool("primary").V {
				m.Department = team.Text("name")
			}
		}
		if m.Name == "" {
			m.Name = m.Email
		}
		record.Add(r, m)
		record.Add(r, &entity.Agent{Meta: m.Meta, ID: m.ID, Name: m.Name, Team: m.Department})
	})
}
