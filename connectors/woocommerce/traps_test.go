package woocommerce_test

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/woocommerce"
	"winback/connectors/woocommerce/woocommercetest"
)

// trial is a shop with a source that reads it.
type trial struct {
	*testing.T
	shop   *woocommercetest.Shop
	clock  *connectortest.Clock
	reader *connectortest.Reader
}

func begin(t *testing.T, o woocommercetest.Options, further string) *trial {
	t.Helper()
	t.Parallel()
	o.Seed = 2
	if o.Orders == 0 {
		o.Months, o.Orders, o.Customers, o.Products = 3, 250, 120, 20
	}
	clock := connectortest.NewClock(connectortest.Began)
	shop := woocommercetest.Start(t, clock, o)
	return &trial{T: t, shop: shop, clock: clock, reader: reader(t, shop.Config()+further, shop, clock)}
}

func reader(t *testing.T, config string, shop *woocommercetest.Shop, clock connectors.Clock) *connectortest.Reader {
	t.Helper()
	source, err := connectortest.Open(woocommerce.Connector(), config, connectortest.Project{Dir: t.TempDir(), Clock: clock, Variables: shop.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	return connectortest.NewReader(source)
}

// complete reads everything and compares it with what the shop has.
func (t *trial) complete() *connectortest.Memory {
	t.Helper()
	got := t.reader.MustRun(t)
	for name, want := range t.shop.Rows() {
		slices.Sort(want)
		keys := slices.DeleteFunc(got.Keys(name), func(key string) bool { return strings.Contains(got.Row(name, key), "deleted=true") })
		if !slices.Equal(keys, want) {
			t.Errorf("%s: got %d rows of %d", name, len(keys), len(want))
		}
		if c := got.Counts(name); c.Expected > c.Read {
			t.Errorf("%s: read %d, expected %d", name, c.Read, c.Expected)
		}
	}
	return got
}

func told(got *connectortest.Memory, text string) bool {
	return slices.ContainsFunc(got.Notices(), func(n connectors.Notice) bool { return strings.Contains(n.Text, text) })
}

const untold = "does not tell which orders have changed"

func TestOrders_OfANewShopAreReadByChange(t *testing.T) {
	if got := begin(t, woocommercetest.Options{}, "").complete(); told(got, untold) {
		t.Error("said that changes are not told")
	}
}

func TestOrders_OfAShopThatIgnoresModifiedAfterAreAllRead(t *testing.T) {
	run := begin(t, woocommercetest.Options{Old: true}, "")
	if got := run.complete(); !told(got, untold) {
		t.Errorf("it was not told: %v", got.Notices())
	}
}

func TestRefunds_OfAShopBefore9AreAskedForByOrder(t *testing.T) {
	begin(t, woocommercetest.Options{NoRefundList: true}, "").complete()
}

func TestOrders_DraftsAmongAnyAreNotMetTwice(t *testing.T) {
	got := begin(t, woocommercetest.Options{DraftsAmongAny: true}, "").complete()
	if written, rows := got.Written("shop.carts"), len(got.Keys("shop.carts")); written != rows {
		t.Errorf("%d rows for %d carts", written, rows)
	}
}

func TestPages_ThatAreTooHeavyAreMadeSmaller(t *testing.T) {
	begin(t, woocommercetest.Options{Heavy: 50}, "").complete()
}

func TestPages_WithWarningsOfPHPAreRead(t *testing.T) {
	if got := begin(t, woocommercetest.Options{Noise: true}, "").complete(); !told(got, "PHP warnings") {
		t.Error("the warnings were not told")
	}
}

func TestPages_OfPlainPermalinksAreFound(t *testing.T) {
	begin(t, woocommercetest.Options{Plain: true}, "").complete()
}

func TestPages_ThatRepeatAreNoticed(t *testing.T) {
	run := begin(t, woocommercetest.Options{Stuck: true}, "")
	if _, err := run.reader.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "same page again") {
		t.Errorf("got %v", err)
	}
}

func TestCustomers_AreReadInSlicesAndWholeAgainAfterAWeek(t *testing.T) {
	run := begin(t, woocommercetest.Options{Months: 1, Orders: 20, Customers: 2200, Products: 5}, "")
	run.complete()
	if n := len(run.reader.Cursors["customers"]); n != 2 {
		t.Errorf("got %d slices", n)
	}
	run.clock.Advance(8 * 24 * 3600e9)
	if got := run.reader.MustRun(t); len(got.Keys("shop.customers")) != 2200 {
		t.Errorf("got %d customers", len(got.Keys("shop.customers")))
	}
}

func TestSignIn_OverHTTPSWithKeyAndSecret(t *testing.T) {
	for _, how := range []string{"auto", "query"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			clock := connectortest.NewClock(connectortest.Began)
			shop := woocommercetest.New(clock, woocommercetest.Options{Seed: 3, Months: 1, Orders: 10, Customers: 10, Products: 5})
			server := httptest.NewTLSServer(shop)
			t.Cleanup(server.Close)
			authority := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			config := "connector: woocommerce\nurl: " + server.URL + "\nconsumer_key: ${WOO_KEY}\nconsumer_secret: ${WOO_SECRET}\nsign_in: " + how + "\nca_file: " + authority + "\n"
			if got := reader(t, config, shop, clock).MustRun(t); len(got.Keys("shop.customers")) != 10 {
				t.Errorf("got %d customers", len(got.Keys("shop.customers")))
			}
		})
	}
}

// The list of orders is walked once for all that is made from it, and anew by the next
// comparison.
func TestSweep_WalksTheOrdersOnce(t *testing.T) {
	run := begin(t, woocommercetest.Options{}, "")
	run.complete()
	sweeper := run.reader.Source.(connectors.Sweeper)
	entities, _ := sweeper.Sweeps("orders")
	pages := (len(run.shop.Rows()["shop.orders"]) + 99) / 100
	for round := range 2 {
		run.shop.Server().Forget()
		for _, e := range entities {
			var keys []string
			if err := sweeper.Sweep(t.Context(), "orders", e, func(key ...string) { keys = append(keys, strings.Join(key, "/")) }); err != nil {
				t.Fatal(err)
			}
			slices.Sort(keys)
			want := run.shop.Rows()[e.FullName()]
			slices.Sort(want)
			if !slices.Equal(slices.Compact(keys), want) {
				t.Errorf("%s: %d keys of %d", e.FullName(), len(keys), len(want))
			}
		}
		walked := 0
		for _, asked := range run.shop.Server().Asked() {
			if status := asked.Query.Get("status"); strings.HasSuffix(asked.Path, "/orders") && status == "any" {
				walked++
			}
		}
		if walked == 0 || walked > pages+2 {
			t.Errorf("comparison %d: asked for %d pages of orders, there are about %d", round+1, walked, pages)
		}
		run.shop.Remove(3)
	}
}
