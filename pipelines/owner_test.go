package pipelines

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"winback/connectors"
	"winback/pipelines/warehouse"
)

// A server is filled from one home: another is refused until it is handed over. A
// home that has moved is the same.
func TestRun_OneHomeFillsAServer(t *testing.T) {
	b := newBench(t)
	b.connect(map[string]connectors.Source{"shop": filled(3, 50)})
	b.pass(RunOptions{})
	b.pass(RunOptions{})

	first := b.dir
	b.dir = t.TempDir()
	b.connect(map[string]connectors.Source{"shop": filled(5, 50)})
	_, err := b.project.Run(t.Context(), RunOptions{})
	owned := (*warehouse.OwnedError)(nil)
	if !errors.As(err, &owned) || owned.Owner.Home != first || !strings.Contains(err.Error(), "TRUNCATE TABLE ops.owner") {
		t.Fatalf("the second home: %v", err)
	}
	b.expect("orders", liveOrders, "3")

	text, err := os.ReadFile(filepath.Join(first, "home.id"))
	if err != nil {
		t.Fatal(err)
	}
	b.write("home.id", string(text))
	b.pass(RunOptions{})

	b.remove("home.id")
	if err := b.w.Exec(t.Context(), "TRUNCATE TABLE ops.owner"); err != nil {
		t.Fatal(err)
	}
	b.pass(RunOptions{})
	b.expect("owners", "select home from ops.owner", b.dir)
}
