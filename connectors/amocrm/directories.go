package amocrm

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
)

var (
	pipelines   = &list{path: "leads/pipelines", embedded: "pipelines"}
	users       = &list{path: "users", embedded: "users", query: url.Values{"with": {"group"}}}
	lossReasons = &list{path: "leads/loss_reasons", embedded: "loss_reasons"}
)

// directory is a small list that is read whole each time.
type directory struct {
	records []json.RawMessage
	total   int64 // as the source counts them
}

// all reads every page of a small list.
func (s *source) all(ctx context.Context, l *list) (d directory, err error) {
	for number := 1; ; number++ {
		query := url.Values{"page": {strconv.Itoa(number)}, "limit": {strconv.Itoa(pageSize)}}
		if l == pipelines { // has no pages
			query = nil
		}
		records, p, err := s.patient(ctx, l, query)
		if err != nil {
			return d, err
		}
		d.records = append(d.records, records...)
		d.total = max(d.total, p.Total)
		if p.Links.Next == nil || len(records) == 0 {
			return d, nil
		}
	}
}

// directory makes rows of a small list, if they changed.
func (x *extraction) directory(ctx context.Context, l *list, e *entity.Schema, known []string, add func(r *record.Record)) (connectors.Extracted, error) {
	last, err := record.LastSeen(x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	d, err := x.all(ctx, l)
	if err != nil {
		return connectors.Extracted{}, err
	}
	options := x.options(e, known, last.Unknown)
	options.Whole = true
	rows := record.NewRows(x.req, x.sink, options)
	rows.Expect(e, d.total)
	if err := x.records(ctx, rows, l.path, d.records, add); err != nil {
		return connectors.Extracted{}, err
	}
	return rows.CloseWhole(ctx, last)
}

func (x *extraction) pipelines(ctx context.Context) (connectors.Extracted, error) {
	known := []string{"sort", "is_main", "is_unsorted_on", "is_archive", "_embedded"}
	return x.directory(ctx, pipelines, entity.Of[entity.Pipeline](), known, func(r *record.Record) {
		r.Need("id", "name", "_embedded")
		record.Add(r, &entity.Pipeline{ID: r.ID("id"), Name: r.Text("name")})
		for _, st := range r.Object("_embedded").List("statuses") {
			st.Drop("_links", "account_id", "pipeline_id")
			record.Add(st, &entity.Stage{
				PipelineID: r.ID("id"), ID: st.ID("id"), Name: st.Text("name"), Sort: st.Int("sort"), Kind: statusOf(st.ID("id")),
			})
		}
	})
}

// managers reads the users, where the token's owner may.
func (x *extraction) managers(ctx context.Context) (connectors.Extracted, error) {
	known := []string{"lang", "rights", "_embedded", "uuid", "amojo_id", "user_rank", "phone_number"}
	got, err := x.directory(ctx, users, entity.Of[entity.Manager](), known, addManager)
	if restapi.StatusOf(err) == 403 {
		x.noUsers.Store(true)
		x.req.Tell(connectors.Notice{
			Kind: connectors.NoticePartial, Inputs: []string{users.path}, Count: 1,
			Text: "the list of users is for administrators only, so managers have no names: have an administrator install the integration",
		})
		return connectors.Extracted{}, nil
	}
	return got, err
}

func addManager(r *record.Record) {
	r.Need("id", "name", "rights")
	rights := r.Object("rights")
	department := ""
	for _, g := range r.Object("_embedded").List("groups") {
		department = g.Text("name")
	}
	m := &entity.Manager{
		ID: r.ID("id"), Name: r.Text("name"), Email: r.Text("email"), Department: department, IsActive: rights.Bool("is_active"),
	}
	record.Add(r, m)
	record.Add(r, &entity.Agent{ID: m.ID, Name: m.Name, Team: department})
}

// lossReasons adds the names of today to those of earlier days: a reason that was
// deleted is still what its deals were lost for.
func (x *extraction) lossReasons(ctx context.Context, known map[string]string) (map[string]string, error) {
	names := map[string]string{}
	for id, name := range known {
		names[id] = name
	}
	d, err := x.all(ctx, lossReasons)
	if restapi.StatusOf(err)/100 == 4 && restapi.StatusOf(err) != 401 && restapi.StatusOf(err) != 429 {
		return names, nil // deals bring the names of theirs
	}
	if err != nil {
		return nil, err
	}
	for _, raw := range d.records {
		var reason struct {
			ID   json.Number `json:"id"`
			Name string      `json:"name"`
		}
		if err := json.Unmarshal(raw, &reason); err != nil {
			return nil, &shapeError{what: lossReasons.path, err: err}
		}
		names[reason.ID.String()] = reason.Name
	}
	return names, nil
}
