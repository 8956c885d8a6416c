package pipelines

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"winback/connectors/entity"
	"winback/pipelines/ledger"
	"winback/pipelines/load"
	"winback/pipelines/warehouse"
)

// rebuildSuffix marks a raw table that a rebuild makes aside.
const rebuildSuffix = "__rebuild"

// onServer builds the warehouse of a ClickHouse server again, in place: all
// landing files are loaded into raw tables aside, which are exchanged with the old
// ones when the last file is in; then every model is built aside and exchanged, as
// a run does with --full. A reader sees each table either old or new and whole. A
// kill leaves some tables new and some old; rebuilding again goes over all of them.
// The books stay where they are.
func (b *rebuild) onServer(ctx context.Context) error {
	if err := b.open(ctx); err != nil {
		return err
	}
	b.o.Full = true
	err := b.begin(ctx)
	if err == nil {
		err = errors.Join(
			b.stage(ctx, "recover", b.recover),
			b.stage(ctx, "load", b.loadAside),
			b.stage(ctx, "models", b.build),
		)
	}
	_, err = b.finish(err)
	return errors.Join(err, b.warehouse.Close())
}

// loadAside fills new raw tables and exchanges them with the old ones.
func (b *rebuild) loadAside(ctx context.Context) error {
	for _, s := range entity.All() {
		aside := warehouse.Raw + "." + s.Table() + rebuildSuffix
		if err := b.execAll(ctx, "DROP TABLE IF EXISTS "+aside+" SYNC", warehouse.CreateRawTableAs(s, s.Table()+rebuildSuffix)); err != nil {
			return err
		}
	}
	var rows, rest []load.File
	for _, f := range b.files {
		if f.Table == quarantineTable {
			rest = append(rest, f)
			continue
		}
		b.landed = true
		f.Table += rebuildSuffix
		rows = append(rows, f)
	}
	loads := &heldLoads{}
	loader := load.Loader{Conn: b.warehouse, Book: loads, Memory: loadMemory, Parallel: parallelLoads, OnLoaded: b.noteLoaded, Bucket: b.bucketAccess()}
	b.o.Observer.Loading(summarizeLoads(rows))
	if err := loader.Load(ctx, rows); err != nil {
		return fmt.Errorf("the raw tables stay as they are: %w", err)
	}
	for _, s := range entity.All() {
		table := warehouse.Raw + "." + s.Table()
		if err := b.execAll(ctx, "EXCHANGE TABLES "+table+" AND "+table+rebuildSuffix, "DROP TABLE "+table+rebuildSuffix+" SYNC"); err != nil {
			return err
		}
	}
	if err := b.ledger.RecordLoads(ctx, loads.list); err != nil {
		return err
	}
	loader.Book = b.ledger
	b.summary.Load = summarizeLoads(rows)
	return loader.Load(ctx, rest)
}

func (b *rebuild) execAll(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if err := b.warehouse.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(strings.SplitN(statement, "\n", 2)[0]), err)
		}
	}
	return nil
}

// heldLoads keeps the loads back that are written down when the tables they went
// into are in their places.
type heldLoads struct {
	mu   sync.Mutex
	list []ledger.Load
}

// Loaded says that nothing is loaded yet.
func (h *heldLoads) Loaded(context.Context) (ledger.Files, error) { return ledger.Files{}, nil }

// RecordLoad keeps a load.
func (h *heldLoads) RecordLoad(_ context.Context, l ledger.Load) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, l)
	return nil
}
