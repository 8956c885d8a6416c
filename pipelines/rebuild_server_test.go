package pipelines

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/files"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/landing"
	"winback/pipelines/warehouse"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const serverConfig = `project: acme
timezone: UTC
as_of: 2024-12-31
currency: EUR
warehouse: {url: "%s"}
sources:
  shop:
    connector: files
    datasets:
      shop.orders:
        files: orders*.csv
        fields: {id: id, ordered_at: at, status: {const: completed}, items_total: total}
`

// openProject writes a configuration and files and opens them.
func openProject(t *testing.T, texts map[string]string) *Project {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	registry, err := connectors.NewRegistry(files.Connector())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(OpenOptions{Config: filepath.Join(dir, "winback.yaml"), Registry: registry, Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// On a server the tables are replaced where they are; those of a rebuild that was
// stopped are in nobody's way.
func TestRebuild_OnServer(t *testing.T) {
	server := newBench(t).server
	p := openProject(t, map[string]string{
		"winback.yaml": fmt.Sprintf(serverConfig, server+"/default"),
		"orders.csv":   "id,at,total\n1,2024-03-01,10.00\n2,2024-03-02,20.00\n",
	})
	ctx := t.Context()
	if _, err := p.Run(ctx, RunOptions{Only: []string{"source:shop", "stg_shop__orders"}}); err != nil {
		t.Fatal(err)
	}
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, sql := range []string{
		"ALTER TABLE raw.shop_orders DELETE WHERE id = '1' SETTINGS mutations_sync = 2",
		"INSERT INTO raw.shop_orders SELECT * REPLACE ('9' AS id) FROM raw.shop_orders",
		"CREATE TABLE raw.shop_orders__rebuild AS raw.shop_orders",
	} {
		if err := w.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	s, err := p.Rebuild(ctx, RebuildOptions{models: few})
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	for sql, want := range map[string][]string{
		"SELECT id FROM raw.shop_orders FINAL ORDER BY id":                {"1", "2"},
		"SELECT order_id FROM staging.stg_shop__orders ORDER BY order_id": {"1", "2"},
		"SELECT name FROM system.tables WHERE name LIKE '%\\_\\_rebuild'": nil,
		"SELECT command FROM ops.runs FINAL ORDER BY started_at":          {"run --only source:shop --only stg_shop__orders", "rebuild"},
		"SELECT state FROM ops.runs FINAL WHERE command = 'rebuild'":      {"done"},
		"SELECT entity FROM ops.loads FINAL":                              {"shop.orders"},
	} {
		if got, err := names(ctx, w, sql); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", sql, got, err, want)
		}
	}

	// A landing file that is gone: nothing is touched.
	manifests, err := p.Zone.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.Zone.Path(manifests[0].Files[0].Path)); err != nil {
		t.Fatal(err)
	}
	_, err = p.Rebuild(ctx, RebuildOptions{models: few})
	var lost *landing.LostError
	if !errors.As(err, &lost) || lost.Path != p.Zone.Path(manifests[0].Files[0].Path) {
		t.Errorf("got %v, want the file named", err)
	}
	if got, err := names(ctx, w, "SELECT id FROM raw.shop_orders FINAL ORDER BY id"); err != nil || len(got) != 2 {
		t.Errorf("afterwards the table has %q, %v", got, err)
	}
}
