package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"winback/connectors"
	"winback/connectors/entity"
)

// sampleRows is how many rows a check shows.
const sampleRows = 3

// Check logs in, looks at the tables and shows rows as they are mapped.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	on, err := s.open(ctx)
	if err != nil {
		if hint := s.server.hint(&plan{config: &Dataset{}}, err); hint != "" {
			err = fmt.Errorf("%w; %s", err, hint)
		}
		return []connectors.Finding{{Text: err.Error()}}, ctx.Err()
	}
	defer func() { on.close() }()
	about, err := on.about(ctx)
	if err != nil {
		return nil, err
	}
	all := []connectors.Finding{{OK: true, Text: about}}
	for _, p := range s.plans {
		found, err := s.checkDataset(ctx, p, on)
		if err != nil {
			if ctx.Err() != nil {
				return all, ctx.Err()
			}
			all = append(all, connectors.Finding{Dataset: p.name, Text: s.explain(p, err).Error()})
			if on, err = s.renewed(ctx, on); err != nil {
				return all, err
			}
			continue
		}
		all = append(all, found...)
	}
	return all, nil
}

// renewed opens a session in place of one that an error may have broken.
func (s *source) renewed(ctx context.Context, old session) (session, error) {
	old.close()
	return s.open(ctx)
}

// checkDataset says what there is of a dataset, how it is read, and what is odd.
func (s *source) checkDataset(ctx context.Context, p *plan, on session) ([]connectors.Finding, error) {
	n, err := bind(ctx, p, s.server, on)
	if err != nil {
		return nil, err
	}
	shown, err := n.sample(ctx, on, s.reading)
	if err != nil {
		return nil, err
	}
	shown.Dataset, shown.OK = p.name, true
	shown.Text = fmt.Sprintf("%s: %s%s, all mapped columns are there%s", p.from, estimate(n.relation.rows), counted(len(n.relation.columns), "column"), n.unmapped())
	all := []connectors.Finding{shown, n.manner()}
	for _, text := range n.oddities() {
		all = append(all, connectors.Finding{Dataset: p.name, OK: true, Warning: true, Text: text})
	}
	return all, nil
}

func estimate(rows int64) string {
	if rows < 0 {
		return ""
	}
	return fmt.Sprintf("about %d rows, ", rows)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// unmapped names the columns that nothing is made from.
func (n *binding) unmapped() string {
	var names []string
	for _, c := range n.relation.columns {
		if !slices.Contains(n.selected, n.server.name(c.name)) {
			names = append(names, c.name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; not read: " + strings.Join(names, ", ")
}

// manner says how a dataset is read.
func (n *binding) manner() connectors.Finding {
	f := connectors.Finding{Dataset: n.plan.name, OK: true}
	switch {
	case n.plan.config.AppendOnly:
		f.Text = fmt.Sprintf("rows behind the last %s are read", n.key[0].name)
	case n.mark >= 0:
		f.Text = fmt.Sprintf("rows are read that changed since, by %s", n.columns[n.mark].name)
	default:
		f.Warning = true
		f.Text = fmt.Sprintf("all of %s is read every time: name a column with the time of a row's last change, changed_at: updated_at, or say append_only: true if rows never change", n.plan.from)
	}
	return f
}

// oddities says what works, but not as well as it could.
func (n *binding) oddities() []string {
	var all []string
	if n.plan.config.Query == "" && n.mark >= 0 && len(n.relation.leading) > 0 && !slices.Contains(n.relation.leading, n.columns[n.mark].name) {
		order := make([]string, 0, 3)
		for _, c := range n.order() {
			order = append(order, c.name)
		}
		all = append(all, fmt.Sprintf("no index of %s begins with %s, so that every page looks through the whole table: create one on (%s)", n.plan.from, n.columns[n.mark].name, strings.Join(order, ", ")))
	}
	for i := range n.fields {
		f := &n.fields[i]
		if f.slot >= 0 && f.to.Kind == entity.Dec && n.columns[f.slot].kind == float {
			all = append(all, fmt.Sprintf("%s is made from %s, a floating number, of which the shortest digits are taken: amounts are exact only in an exact type such as numeric", f.to.Name, n.columns[f.slot].name))
		}
	}
	return all
}

// sample makes the first rows of the table.
func (n *binding) sample(ctx context.Context, on session, how *Reading) (connectors.Finding, error) {
	var f connectors.Finding
	if _, err := on.snapshot(ctx, how.Timeout); err != nil {
		return f, err
	}
	m, b := newMaker(n), entity.NewBatch(n.plan.schema)
	query, args := n.page(&span{}, sampleRows)
	query, _, _ = strings.Cut(query, " order by ") // the first ones that come
	query += fmt.Sprintf(" limit %d", sampleRows)
	if err := on.rows(ctx, query, args, n.columns, func(values [][]byte) error {
		if wrong := m.row(b, values, entity.Origin{}); wrong != nil {
			return fmt.Errorf("a row of %s does not fit: %s %q %s", n.plan.from, wrong.column, wrong.value, wrong.reason)
		}
		return nil
	}); err != nil {
		return f, err
	}
	if err := on.rest(ctx); err != nil {
		return f, err
	}
	b.Align()
	f.Rows = make([][]string, b.Rows())
	for i := range n.fields {
		to := n.fields[i].to
		if n.fields[i].implied {
			continue
		}
		f.Header = append(f.Header, to.Name)
		for row := range b.Rows() {
			f.Rows[row] = append(f.Rows[row], b.Columns[to.Index].TextOf(row))
		}
	}
	return f, nil
}
