package shopify_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/shopify"
	"winback/connectors/shopify/shopifytest"
)

// trial is a shop with a source that reads it.
type trial struct {
	*testing.T
	shop   *shopifytest.Shop
	clock  *connectortest.Clock
	reader *connectortest.Reader
}

func begin(t *testing.T, o shopifytest.Options, further string) *trial {
	t.Helper()
	t.Parallel()
	o.Seed = 2
	if o.Orders == 0 {
		o.Months, o.Orders = 4, 80
	}
	clock := connectortest.NewClock(connectortest.Began)
	shop := shopifytest.Start(t, clock, o)
	source, err := connectortest.Open(shopify.Connector(), shop.Config()+further, connectortest.Project{Dir: t.TempDir(), Clock: clock, Variables: shop.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	return &trial{T: t, shop: shop, clock: clock, reader: connectortest.NewReader(source)}
}

// complete reads everything and compares it with what the shop has.
func (t *trial) complete() *connectortest.Memory {
	t.Helper()
	got := t.reader.MustRun(t)
	for name, want := range t.shop.Rows() {
		slices.Sort(want)
		if keys := got.Keys(name); !slices.Equal(keys, want) {
			t.Errorf("%s: got %d rows of %d", name, len(keys), len(want))
		}
	}
	return got
}

func (t *trial) told(got *connectortest.Memory, kind, text string) {
	t.Helper()
	for _, n := range got.Notices() {
		if n.Kind == kind && strings.Contains(n.Text, text) {
			return
		}
	}
	t.Errorf("no notice %q says %q: %v", kind, text, got.Notices())
}

func TestBulk_OneThatFailsIsReadPageByPage(t *testing.T) {
	for _, how := range []string{"FAILED", "EXPIRED", "no file"} {
		t.Run(how, func(t *testing.T) { begin(t, shopifytest.Options{BulkFails: how}, "").complete() })
	}
}

func TestBulk_OneThatNeverEndsIsCancelledAndReadPageByPage(t *testing.T) {
	run := begin(t, shopifytest.Options{BulkFails: "never ends"}, "")
	run.complete()
	if cancelled, begun := run.shop.Cancelled(); cancelled != begun || begun == 0 {
		t.Errorf("%d of %d operations were cancelled", cancelled, begun)
	}
}

func TestBulk_OneOfARunThatIsStoppedIsCancelled(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	run := begin(t, shopifytest.Options{BulkFails: "never ends", Polled: stop}, "")
	if _, err := run.reader.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if cancelled, begun := run.shop.Cancelled(); cancelled != 1 || begun != 1 {
		t.Errorf("%d of %d operations were cancelled", cancelled, begun)
	}
}

func TestDeletions_EventsThatMayNotBeSeenAreLeftToTheComparison(t *testing.T) {
	begin(t, shopifytest.Options{Denied: "events"}, "").complete()
}

func TestDeletions_EventsThatCannotBeReadAreAnError(t *testing.T) {
	run := begin(t, shopifytest.Options{Broken: "events"}, "")
	if _, err := run.reader.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "Field 'events' doesn't exist") {
		t.Errorf("got %v", err)
	}
}

func TestBulk_IsNotUsedWhereItIsNotWanted(t *testing.T) {
	run := begin(t, shopifytest.Options{}, "bulk: never\n")
	run.complete()
	for _, asked := range run.shop.Server().Asked() {
		if strings.HasPrefix(asked.Path, "/bulk/") {
			t.Fatalf("asked for %s", asked.Path)
		}
	}
}

func TestBulk_TheFileIsAskedForWithoutTheToken(t *testing.T) {
	// The fake refuses a file that is asked for with a token, and rows would be missing.
	got := begin(t, shopifytest.Options{}, "").complete()
	if strings.Contains(got.Everything(), "signature-of-a-file") {
		t.Error("the signed address is kept")
	}
}

func TestCost_QueriesWaitForTheirPoints(t *testing.T) {
	run := begin(t, shopifytest.Options{Rate: 50, Bucket: 600}, "bulk: never\n")
	run.complete()
	elapsed := run.clock.Now().Sub(connectortest.Began).Seconds()
	if share := run.shop.Spent() / (600 + 50*elapsed); share > 1 {
		t.Errorf("spent %.0f %% of the points", 100*share)
	}
}

func TestCost_APageThatCostsTooMuchIsHalved(t *testing.T) {
	begin(t, shopifytest.Options{MaxCost: 250}, "bulk: never\n").complete()
}

func TestOrders_BehindTheWallAreTold(t *testing.T) {
	run := begin(t, shopifytest.Options{Walled: true}, "")
	got := run.complete()
	run.told(got, connectors.NoticePartial, "read_all_orders")
	if swept, _ := run.reader.Source.(connectors.Sweeper).Sweeps("orders"); len(swept) > 0 {
		t.Error("orders behind the wall would seem to be deleted")
	}
	findings, err := run.reader.Source.(connectors.Checker).Check(t.Context())
	if err != nil || !slices.ContainsFunc(findings, func(f connectors.Finding) bool {
		return f.Warning && strings.Contains(f.Text, "lacks the scopes read_all_orders")
	}) {
		t.Errorf("got %v, %v", findings, err)
	}
}

func TestVersion_OneThatHasFallenForwardIsTold(t *testing.T) {
	run := begin(t, shopifytest.Options{Answers: "2026-07"}, "")
	run.told(run.complete(), connectors.NoticeDrift, "2026-07")
}

func TestCustomers_WhoseDataIsProtectedComeWithoutIt(t *testing.T) {
	run := begin(t, shopifytest.Options{Protected: true}, "bulk: never\n")
	run.told(run.complete(), connectors.NoticePartial, "firstName")
}

func TestOrders_ThatMayNotBeSeenAreAnErrorWithTheScope(t *testing.T) {
	run := begin(t, shopifytest.Options{Denied: "orders"}, "bulk: never\n")
	if _, err := run.reader.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "read_orders") {
		t.Errorf("got %v", err)
	}
}

func TestGrant_ATokenOfTheAppItselfIsAskedForAndRenewed(t *testing.T) {
	run := begin(t, shopifytest.Options{Grant: true}, "")
	run.complete()
	run.shop.Expire()
	run.clock.Advance(25 * time.Hour)
	if _, err := run.reader.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConfig_CredentialsAreOneOrTheOther(t *testing.T) {
	for _, further := range []string{"", "access_token: a\nclient_id: b\nclient_secret: c\n", "client_id: b\n"} {
		if _, err := connectortest.Open(shopify.Connector(), "connector: shopify\nshop: lamps\n"+further, connectortest.Project{Dir: t.TempDir()}); err == nil {
			t.Errorf("%q was taken", further)
		}
	}
}
