package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/connectors/entity"
	"winback/connectors/spec"
	"winback/pipelines/export"
	"winback/pipelines/model"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// ExportOptions say what to write into which file.
type ExportOptions struct {
	// From is a table or a query. A table without a database is a mart.
	From string
	// To is the file; its ending names the format.
	To  string
	CSV export.CSVOptions
	// Columns are those to write, in this order; none for all.
	Columns []string
	// Where and OrderBy are SQL; an empty OrderBy is the table's own order.
	Where, OrderBy string
	// Limit is the most rows to write; 0 for all.
	Limit uint64
	// WithoutPersonalData leaves out the columns that hold personal data. A query
	// cannot be judged, so it is an error with one.
	WithoutPersonalData bool
}

// ExportResult tells what was written.
type ExportResult struct {
	export.Result
	Columns []export.Column
	// PersonalData are the columns written that hold personal data, as far as that
	// is known: of a query, those that have kept their names.
	PersonalData []string
}

// ExportError says that what is to be exported does not exist or cannot be
// exported this way: a mistake in the command line.
type ExportError struct{ Problem string }

func (e *ExportError) Error() string { return e.Problem }

// Export writes a table or the result of a query into a file. Errors: an
// *ExportError, an *export.DiskFullError, the warehouse's own.
func (p *Project) Export(ctx context.Context, o ExportOptions) (r ExportResult, err error) {
	if err := o.validate(); err != nil {
		return r, err
	}
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	x := exporter{project: p, warehouse: w, o: o}
	if err := x.resolve(ctx); err != nil {
		return r, err
	}
	r.Columns, r.PersonalData = x.columns, x.personal()
	target := export.Target{Path: o.To, CSV: o.CSV, Title: x.title, About: x.about(ctx), Columns: x.columns}
	r.Result, err = export.Write(ctx, target, func(format string) (io.ReadCloser, error) {
		return w.Stream(clickhouse.Context(ctx, clickhouse.WithSettings(exportSettings)), x.query(), format)
	})
	return r, err
}

// exportSettings keep the order of a query's rows when its columns are converted
// around it, save packing what only crosses a loopback connection, and keep the
// groups of a Parquet file small.
var exportSettings = clickhouse.Settings{
	"query_plan_remove_redundant_sorting":      0,
	"output_format_arrow_compression_method":   "none",
	"output_format_parquet_row_group_size":     131072,
	"output_format_parquet_compression_method": "zstd",
}

var (
	tableName = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$`)
	queryText = regexp.MustCompile(`(?is)^\s*(\(|select\b|with\b|--|/\*)`)
)

func (o ExportOptions) isQuery() bool { return !tableName.MatchString(o.From) }

func (o ExportOptions) validate() error {
	format, err := export.FormatOf(o.To)
	if err == nil {
		err = o.CSV.Validate()
	}
	switch {
	case err != nil:
		return &ExportError{err.Error()}
	case format != export.CSV && o.CSV != (export.CSVOptions{}):
		return &ExportError{fmt.Sprintf("--delimiter, --bom and --keep-formulas are for .csv files, not for %s", filepath.Base(o.To))}
	case o.isQuery() && !queryText.MatchString(o.From):
		return &ExportError{fmt.Sprintf("%q is neither the name of a table nor a query; give mart.customers, or a SELECT in quotes", o.From)}
	case o.isQuery() && o.WithoutPersonalData:
		return &ExportError{"--without-personal-data is for tables; in a query, name the columns you want"}
	}
	return nil
}

// exporter finds out what an export reads.
type exporter struct {
	project   *Project
	warehouse *warehouse.Warehouse
	o         ExportOptions

	title   string
	from    string // a table or a query in brackets, as SQL
	order   string
	columns []export.Column
}

// resolve finds the table and the columns.
func (x *exporter) resolve(ctx context.Context) (err error) {
	var known []export.Column
	if x.o.isQuery() {
		sql := strings.TrimRight(x.o.From, "; \t\r\n")
		x.title, x.from = strings.TrimSuffix(filepath.Base(x.o.To), filepath.Ext(x.o.To)), "(\n"+sql+"\n)"
		known, err = x.describeQuery(ctx)
	} else {
		known, err = x.describeTable(ctx)
	}
	if err != nil {
		return err
	}
	if x.o.OrderBy != "" {
		x.order = x.o.OrderBy
	}
	x.columns, err = x.choose(known)
	return err
}

// choose returns the columns asked for.
func (x *exporter) choose(known []export.Column) ([]export.Column, error) {
	chosen := known
	if len(x.o.Columns) > 0 {
		chosen = nil
	}
	names := make([]string, len(known))
	for i, column := range known {
		names[i] = column.Name
	}
	for _, name := range x.o.Columns {
		at := slices.Index(names, name)
		switch {
		case at < 0:
			return nil, &ExportError{fmt.Sprintf("%s has no column %q%s", x.title, name, spec.Hint(name, names))}
		case slices.ContainsFunc(chosen, func(c export.Column) bool { return c.Name == name }):
			return nil, &ExportError{fmt.Sprintf("column %q is asked for twice", name)}
		}
		chosen = append(chosen, known[at])
	}
	if x.o.WithoutPersonalData {
		chosen = slices.DeleteFunc(slices.Clone(chosen), func(c export.Column) bool { return c.Personal })
	}
	if len(chosen) == 0 {
		return nil, &ExportError{"all the columns asked for hold personal data; nothing is left to write"}
	}
	return chosen, nil
}

// query returns the statement that is streamed.
func (x *exporter) query() string {
	expressions := make([]string, len(x.columns))
	for i, column := range x.columns {
		expressions[i] = column.Expression(quote.Always(column.Name))
	}
	// Conditions and order mean the columns as they are, so they stand inside.
	inner := "SELECT * FROM " + x.from
	if x.o.Where != "" {
		inner += "\nWHERE (\n" + x.o.Where + "\n)"
	}
	if x.order != "" {
		inner += "\nORDER BY " + x.order
	}
	if x.o.Limit > 0 {
		inner += fmt.Sprintf("\nLIMIT %d", x.o.Limit)
	}
	return fmt.Sprintf("SELECT %s FROM (\n%s\n)", strings.Join(expressions, ", "), inner)
}

// personal names the columns written that hold personal data.
func (x *exporter) personal() []string {
	names := []string{}
	for _, column := range x.columns {
		if column.Personal {
			names = append(names, column.Name)
		}
	}
	return names
}

// about says what the file holds, for the file itself.
func (x *exporter) about(ctx context.Context) [][2]string {
	from := [2]string{"From", x.title}
	if x.o.isQuery() {
		from = [2]string{"Query", strings.TrimSpace(x.o.From)}
	}
	var lines [][2]string
	for _, line := range [][2]string{
		from, {"Where", x.o.Where}, {"As of", x.asOf(ctx)}, {"Exported", x.project.now().UTC().Format("2006-01-02 15:04 MST")},
	} {
		if line[1] != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// asOf returns the day that a model's table describes, empty when nothing is
// known of it.
func (x *exporter) asOf(ctx context.Context) string {
	var day string
	err := x.warehouse.QueryRow(ctx, "SELECT toString(as_of) FROM ops.models FINAL WHERE relation = ?", x.title).Scan(&day)
	if err != nil {
		return "" // not a model, or a warehouse whose ops the user may not read
	}
	return day
}

// describeTable finds a table, its columns and its order.
func (x *exporter) describeTable(ctx context.Context) ([]export.Column, error) {
	database, name, qualified := strings.Cut(x.o.From, ".")
	if !qualified {
		database, name = warehouse.Mart, x.o.From
	}
	var engine, order string
	err := x.warehouse.QueryRow(ctx, "SELECT engine, sorting_key FROM system.tables WHERE database = ? AND name = ?", database, name).Scan(&engine, &order)
	if err != nil {
		return nil, x.unknownTable(ctx, database, name, err)
	}
	x.title, x.order = database+"."+name, order
	x.o.asList(x.title)
	x.from = quote.Table(database, name)
	if strings.Contains(engine, "ReplacingMergeTree") {
		x.from += " FINAL" // the newest version of each row, merged or not
	}
	rows, err := x.warehouse.Query(ctx, "SELECT name, type, comment FROM system.columns WHERE database = ? AND table = ? ORDER BY position", database, name)
	if err != nil {
		return nil, fmt.Errorf("look at the columns of %s: %w", x.title, err)
	}
	defer rows.Close()
	personal := x.personalColumns(database, name)
	var columns []export.Column
	for rows.Next() {
		var c export.Column
		if err := rows.Scan(&c.Name, &c.Type, &c.Description); err != nil {
			return nil, err
		}
		c.Personal = personal[c.Name] || strings.Contains(c.Description, "personal data")
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

// personalColumns returns the columns of a model or a raw table that hold
// personal data.
func (x *exporter) personalColumns(database, name string) map[string]bool {
	personal := map[string]bool{}
	if m, ok := x.project.Models.Model(name); ok && m.Database == database {
		for _, column := range m.Columns {
			personal[column.Name] = column.Private
		}
	}
	for _, s := range entity.All() {
		for i := range s.Fields {
			if database == warehouse.Raw && name == s.Table() && s.Fields[i].PII {
				personal[s.Fields[i].Name] = true
			}
		}
	}
	return personal
}

// unknownTable says what to do about a table that is not there; cause is what
// looking for it gave.
func (x *exporter) unknownTable(ctx context.Context, database, name string, cause error) error {
	tables, err := x.tables(ctx)
	if err != nil {
		return errors.Join(cause, err)
	}
	full := database + "." + name
	if slices.Contains(tables, full) {
		return cause
	}
	if m, ok := x.project.Models.Model(name); ok && m.FullName() == full {
		return fmt.Errorf("%s is not built yet; winback run builds it", full)
	}
	for _, other := range tables {
		if _, table, _ := strings.Cut(other, "."); table == name {
			return &ExportError{fmt.Sprintf("there is no table %s (did you mean %q?)", full, other)}
		}
	}
	return &ExportError{fmt.Sprintf("there is no table %s%s", full, spec.Hint(full, tables))}
}

// tables returns the tables of the warehouse that have a place in the project,
// and those that a run will make.
func (x *exporter) tables(ctx context.Context) ([]string, error) {
	rows, err := x.warehouse.Query(ctx, "SELECT concat(database, '.', name) FROM system.tables WHERE database IN ('raw', 'staging', 'mart', 'ops') ORDER BY 1")
	if err != nil {
		return nil, fmt.Errorf("look at the tables of the warehouse: %w", err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		tables = append(tables, name)
	}
	return tables, rows.Err()
}

// describeQuery returns the columns of a query. What they mean is taken from the
// models it names, for columns that have kept their names.
func (x *exporter) describeQuery(ctx context.Context) ([]export.Column, error) {
	rows, err := x.warehouse.Query(ctx, "DESCRIBE TABLE "+x.from)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	named := x.namedModels()
	var columns []export.Column
	for rows.Next() {
		values := make([]string, len(rows.Columns()))
		targets := make([]any, len(values))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		c := export.Column{Name: values[0], Type: values[1]}
		for _, m := range named {
			if column, ok := m.Column(c.Name); ok {
				c.Description, c.Personal = column.Description, c.Personal || column.Private
			}
		}
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

// namedModels returns the models whose full names stand in the query.
func (x *exporter) namedModels() []*model.Model {
	var named []*model.Model
	for _, m := range x.project.Models.Models() {
		if regexp.MustCompile(`\b` + regexp.QuoteMeta(m.FullName()) + `\b`).MatchString(x.o.From) {
			named = append(named, m)
		}
	}
	return named
}
