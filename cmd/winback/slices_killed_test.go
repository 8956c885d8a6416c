package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/woocommerce"
	"winback/connectors/woocommerce/woocommercetest"
)

// A first run that is killed again and again goes on behind its last slice: it asks
// little twice, and in the end every record is there, once.
func TestKilledFirstRunGoesOnBehindItsLastSlice(t *testing.T) {
	t.Parallel()
	shop := woocommercetest.Start(t, connectors.SystemClock{}, woocommercetest.Options{Seed: 1, Months: 12, Orders: 150, Customers: 90})
	source, err := connectortest.Open(woocommerce.Connector(), shop.Config(), connectortest.Project{Dir: t.TempDir(), Variables: shop.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	connectortest.NewReader(source).MustRun(t)
	whole := len(shop.Server().Asked())
	shop.Server().Forget()

	dir := t.TempDir()
	config, variables := filepath.Join(dir, "winback.yaml"), ""
	for name, value := range shop.Variables() {
		variables += fmt.Sprintf("%s=%s\n", name, value)
	}
	for path, text := range map[string]string{
		config:                     "project: acme\ntimezone: UTC\ncurrency: EUR\nsources:\n" + sourceBlock("shop", shop.Config()),
		filepath.Join(dir, ".env"): variables,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := []string{"run", "-q", "-c", config, "--only", "source:shop,stg_shop__orders"}
	const kills = 3
	for range kills {
		running := make(chan *process, 1)
		shop.Server().Before(whole/(kills+1), func() { (<-running).signal(syscall.SIGKILL) })
		p := start(t, run...)
		running <- p
		if code := p.code(); code == exitDone {
			t.Fatal("the run was not killed")
		}
	}
	winback(t, exitDone, run...)
	if asked := len(shop.Server().Asked()); asked > whole*3/2 {
		t.Errorf("%d requests in all, where a run that is not killed sends %d", asked, whole)
	}
	for entity, key := range map[string]string{"shop.orders": "id", "shop.customers": "id", "shop.order_lines": "concat(order_id, '/', toString(line_no))"} {
		want := shop.Rows()[entity]
		slices.Sort(want)
		got := ask(t, config, dir, "select "+key+" from raw."+strings.ReplaceAll(entity, ".", "_")+" final where not deleted order by 1")
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, the source has %d", entity, len(got), len(want))
		}
	}
	checkLandingZone(t, dir)
}
