package pipelines

import (
	"context"
	"errors"
	"fmt"

	"winback/connectors/entity"
	"winback/pipelines/docs"
	"winback/pipelines/model"
	"winback/pipelines/warehouse"
	sqlfiles "winback/sql"
)

// DocsResult tells which pages were made.
type DocsResult struct {
	// Path is the file.
	Path string
	// Note says why something is missing in it, empty when nothing is.
	Note string
}

// WriteDocs makes the pages of the product's models, without a project.
func WriteDocs(models *model.Project, path string) (DocsResult, error) {
	return writeDocs(docs.Input{Project: "winback", Models: models, Vars: model.DefaultVars()}, path)
}

// WriteDocs makes the pages of the project's warehouse. Where there is none yet,
// or it cannot be reached, they lack what only it knows.
func (p *Project) WriteDocs(ctx context.Context, path string) (DocsResult, error) {
	in := docs.Input{Project: p.Config.Project, Models: p.Models, Vars: p.Vars()}
	facts, err := p.facts(ctx)
	if ctx.Err() != nil {
		return DocsResult{}, ctx.Err()
	}
	in.Facts = facts
	r, writeErr := writeDocs(in, path)
	switch {
	case err != nil:
		r.Note = fmt.Sprintf("numbers of rows and results of checks are missing: %v", err)
	case facts == nil:
		r.Note = "numbers of rows and results of checks are missing: there is no warehouse yet; winback run builds it"
	}
	return r, writeErr
}

func writeDocs(in docs.Input, path string) (r DocsResult, err error) {
	in.Entities, in.RawType = entity.All(), warehouse.ColumnType
	if in.Metrics, err = docs.Metrics(sqlfiles.Files); err != nil {
		return r, err
	}
	r.Path, err = docs.Write(path, in)
	return r, err
}

// facts asks the warehouse what it knows of its tables; nil where there is none.
func (p *Project) facts(ctx context.Context) (_ *docs.Facts, err error) {
	if !p.hasWarehouse() {
		return nil, nil
	}
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	facts, err := docs.ReadFacts(ctx, w)
	if err != nil {
		return nil, err
	}
	return &facts, nil
}
