package hubspot

import (
	"errors"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/hubspot/hubspottest"
)

// opened is a fake and a reader of it, with further keys in its configuration.
func opened(t *testing.T, keys string, with func(f *hubspottest.Fake)) (*hubspottest.Fake, *connectortest.Clock, *connectortest.Reader) {
	t.Helper()
	clock := connectortest.NewClock(connectortest.Began)
	f := hubspottest.Start(t, clock)
	if with != nil {
		with(f)
	}
	s, err := connectortest.Open(Connector(), f.TokenConfig()+keys, connectortest.Project{Dir: t.TempDir(), Clock: clock, Variables: f.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	return f, clock, connectortest.NewReader(s)
}

func told(m *connectortest.Memory, text string) bool {
	for _, n := range m.Notices() {
		if strings.Contains(n.Text, text) && n.Kind == connectors.NoticePartial {
			return true
		}
	}
	return false
}

func same(t *testing.T, f *hubspottest.Fake, got *connectortest.Memory, names ...string) {
	t.Helper()
	for _, name := range names {
		if have, want := len(got.Keys(name)), len(f.Rows()[name]); have != want {
			t.Errorf("%s: %d rows of %d", name, have, want)
		}
	}
}

func TestSince_SearchesAndOneMomentOfManyRecordsIsWhole(t *testing.T) {
	t.Parallel()
	f, _, reader := opened(t, "since: 2025-01-01\n", nil)
	got := reader.MustRun(t)
	same(t, f, got, "crm.customers", "crm.deals", "crm.deal_stages", "crm.complaints", "crm.activities", "shop.products")
	for _, name := range []string{"crm.customers", "crm.deals"} {
		if c := got.Counts(name); c.Expected == 0 || c.Read < c.Expected {
			t.Errorf("%s: counts %+v", name, c)
		}
		if got.Written(name) != len(got.Keys(name)) {
			t.Errorf("%s: %d rows for %d keys", name, got.Written(name), len(got.Keys(name)))
		}
	}
	for _, a := range f.Server().Asked() {
		if a.Status >= 400 && a.Status != 429 {
			t.Errorf("%s answered %d", a.Path, a.Status)
		}
	}
}

func TestLists_AreReadInSlices(t *testing.T) {
	t.Parallel()
	f, _, reader := opened(t, "", nil)
	reader.Source.(*source).slicePages = 2
	got := reader.MustRun(t)
	same(t, f, got, "crm.customers", "crm.deals", "crm.deal_stages", "crm.manager_assignments")
	if reader.Slices < 12 {
		t.Errorf("%d slices", reader.Slices)
	}
}

func TestDayUsedUp_StopsWithAClearWord(t *testing.T) {
	t.Parallel()
	_, clock, reader := opened(t, "", func(f *hubspottest.Fake) { f.Daily = 20 })
	_, err := reader.Run(t.Context())
	if !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), "used up") {
		t.Errorf("got %v", err)
	}
	if waited := clock.Now().Sub(connectortest.Began); waited > time.Minute {
		t.Errorf("waited %v", waited)
	}
}

func TestScopeMissing_IsNamed(t *testing.T) {
	t.Parallel()
	_, _, reader := opened(t, "", func(f *hubspottest.Fake) { f.Closed = []string{"deals"} })
	_, err := reader.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "give the app the scope crm.objects.deals.read") {
		t.Errorf("got %v", err)
	}
}

func TestScopeGivenLater_BringsEverything(t *testing.T) {
	t.Parallel()
	f, clock, reader := opened(t, "", func(f *hubspottest.Fake) { f.Closed = []string{"tickets", "calls", "line_items"} })
	got := reader.MustRun(t)
	same(t, f, got, "crm.deals", "shop.products")
	for _, text := range []string{"tickets are not read", "calls are not read", "deals have no products"} {
		if !told(got, text) {
			t.Errorf("not told: %s: %v", text, got.Notices())
		}
	}
	if len(got.Keys("crm.complaints")) > 0 || len(got.Keys("crm.activities")) == 0 {
		t.Errorf("%d complaints, %d activities", len(got.Keys("crm.complaints")), len(got.Keys("crm.activities")))
	}
	clock.Advance(time.Hour)
	reader.MustRun(t)
	f.Open()
	clock.Advance(time.Hour)
	reader.MustRun(t)
	same(t, f, reader.Committed, "crm.complaints", "crm.activities", "callcenter.calls")
}

func TestHistoryCut_IsTold(t *testing.T) {
	t.Parallel()
	_, _, reader := opened(t, "", func(f *hubspottest.Fake) { f.ForgetHistory() })
	if got := reader.MustRun(t); !told(got, "begins after they were made") {
		t.Errorf("not told: %v", got.Notices())
	}
}

func TestLimitOfThePlan_IsUsed(t *testing.T) {
	t.Parallel()
	took := map[int]time.Duration{}
	for _, most := range []int{100, 190} {
		f, clock, reader := opened(t, "", func(f *hubspottest.Fake) { f.Most = most })
		reader.MustRun(t)
		took[most] = clock.Now().Sub(connectortest.Began)
		for _, a := range f.Server().Asked() {
			if a.Status == 429 {
				t.Fatalf("%d in ten seconds: asked too fast", most)
			}
		}
	}
	t.Log(took)
	if took[190] >= took[100]*3/4 {
		t.Errorf("the greater limit is not used: %v", took)
	}
}

func TestUnknownProperty_IsToldAndNotAskedFor(t *testing.T) {
	t.Parallel()
	f, _, reader := opened(t, "fields: {crm.deals: {competitor: lost_too}}\n", nil)
	got := reader.MustRun(t)
	same(t, f, got, "crm.deals")
	if !told(got, "deals have no property lost_too") {
		t.Errorf("not told: %v", got.Notices())
	}
}

func TestConfig_MistakesAreTold(t *testing.T) {
	for yaml, want := range map[string]string{
		"connector: hubspot":                                  "wants token",
		"connector: hubspot\noauth: {client_id: x}":           "wants client_id, client_secret and refresh_token",
		"connector: hubspot\ntoken: x\noauth: {client_id: x}": "exclude each other",
	} {
		if _, err := connectortest.Open(Connector(), yaml, connectortest.Project{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", yaml, err)
		}
	}
}

// TestLists_HaveTheProductsOfDeals: the first read knows what was sold as well as later ones do.
func TestLists_HaveTheProductsOfDeals(t *testing.T) {
	t.Parallel()
	products := func(keys string) int {
		_, _, reader := opened(t, keys, nil)
		n := 0
		for _, row := range reader.MustRun(t).Rows("crm.deals") {
			if strings.Contains(row, "product=") {
				n++
			}
		}
		return n
	}
	listed, searched := products(""), products("since: 2000-01-01\n")
	if listed == 0 || listed < searched {
		t.Errorf("%d deals have products when they are listed, %d when they are searched", listed, searched)
	}
}
