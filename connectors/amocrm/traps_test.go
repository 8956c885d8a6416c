package amocrm

import (
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/amocrm/amocrmtest"
	"winback/connectors/connectortest"
)

// opened is a fake and a reader of it.
func opened(t *testing.T, with func(f *amocrmtest.Fake)) (*amocrmtest.Fake, *connectortest.Clock, *connectortest.Reader) {
	t.Helper()
	clock := connectortest.NewClock(connectortest.Began)
	f := amocrmtest.Start(t, clock)
	if with != nil {
		with(f)
	}
	source, err := connectortest.Open(Connector(), f.TokenConfig(), connectortest.Project{Dir: t.TempDir(), Clock: clock, Variables: f.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	return f, clock, connectortest.NewReader(source)
}

// told says whether a notice has a text.
func told(m *connectortest.Memory, text string) bool {
	for _, n := range m.Notices() {
		if strings.Contains(n.Text, text) && n.Kind == connectors.NoticePartial {
			return true
		}
	}
	return false
}

func same(t *testing.T, f *amocrmtest.Fake, got *connectortest.Memory, names ...string) {
	t.Helper()
	for _, name := range names {
		if have, want := len(got.Keys(name)), len(f.Rows()[name]); have != want {
			t.Errorf("%s: %d rows of %d", name, have, want)
		}
	}
}

func TestFiltersSwitchedOff_EverythingIsReadAndTold(t *testing.T) {
	t.Parallel()
	f, clock, reader := opened(t, func(f *amocrmtest.Fake) { f.FiltersOff = true })
	got := reader.MustRun(t)
	same(t, f, got, "crm.deals", "crm.deal_stages", "crm.customers", "crm.manager_assignments", "crm.activities")
	if !told(got, "filters are switched off") {
		t.Errorf("not told: %v", got.Notices())
	}
	clock.Advance(time.Hour)
	f.Touch(5)
	clock.Advance(time.Hour)
	reader.MustRun(t)
	same(t, f, reader.Committed, "crm.deals", "crm.deal_stages")
}

func TestUsersForAdministratorsOnly_ToldAndNotFatal(t *testing.T) {
	t.Parallel()
	f, _, reader := opened(t, func(f *amocrmtest.Fake) { f.NoAdmin = true })
	got := reader.MustRun(t)
	same(t, f, got, "crm.deals")
	if len(got.Keys("crm.managers")) > 0 || !told(got, "administrators only") {
		t.Errorf("got %v", got.Notices())
	}
	swept, _ := reader.Source.(connectors.Sweeper).Sweeps("managers")
	if len(swept) > 0 {
		t.Error("managers that cannot be listed are compared")
	}
}

func TestBlockAfterThrottling_IsWaitedOut(t *testing.T) {
	t.Parallel()
	f, clock, reader := opened(t, nil)
	f.Server().Throttle(1)
	f.Blocks = 1
	got := reader.MustRun(t)
	same(t, f, got, "crm.deals")
	if waited := clock.Now().Sub(connectortest.Began); waited < 10*time.Minute {
		t.Errorf("waited %v", waited)
	}
}

func TestPagesTooHeavyForTheServer_AreHalved(t *testing.T) {
	t.Parallel()
	f, _, reader := opened(t, func(f *amocrmtest.Fake) { f.TooLarge = 130 })
	got := reader.MustRun(t)
	same(t, f, got, "crm.deals", "crm.customers", "crm.deal_stages")
}

func TestRecycleBin_DeletedAtOnceAndRestored(t *testing.T) {
	t.Parallel()
	f, clock, reader := opened(t, nil)
	reader.MustRun(t)
	clock.Advance(time.Hour)
	f.Bin(19500)
	clock.Advance(time.Hour)
	reader.MustRun(t)
	if row := reader.Committed.Row("crm.deals", "19500"); !strings.Contains(row, "deleted=true") {
		t.Errorf("after deletion: %s", row)
	}
	f.Restore(19500)
	clock.Advance(time.Hour)
	reader.MustRun(t)
	if row := reader.Committed.Row("crm.deals", "19500"); strings.Contains(row, "deleted=true") || !strings.Contains(row, "pipeline_id") {
		t.Errorf("after restoring: %s", row)
	}
}

func TestLossReasonThatVanished_KeepsItsName(t *testing.T) {
	t.Parallel()
	f, clock, reader := opened(t, nil)
	reader.MustRun(t)
	f.ForgetReason(4203748)
	clock.Advance(time.Hour)
	f.Touch(400)
	clock.Advance(time.Hour)
	reader.MustRun(t)
	if !strings.Contains(string(reader.Cursors["deals"][len(reader.Cursors["deals"])-1]), "Дорого") {
		t.Error("the copy of the reason's name is gone")
	}
}

func TestEventsNotKept_DealsArePartlyTold(t *testing.T) {
	t.Parallel()
	_, _, reader := opened(t, func(f *amocrmtest.Fake) { f.ForgetEvents(connectortest.Began.AddDate(0, -2, 0)) })
	got := reader.MustRun(t)
	if !told(got, "a part of their stage history only") {
		t.Errorf("not told: %v", got.Notices())
	}
}

func TestLimit_NoRequestIsOneTooMany(t *testing.T) {
	t.Parallel()
	f, clock, reader := opened(t, nil)
	reader.MustRun(t)
	for _, a := range f.Server().Asked() {
		if a.Status == 429 {
			t.Fatal("asked too fast")
		}
	}
	asked, took := len(f.Server().Asked()), clock.Now().Sub(connectortest.Began)
	t.Logf("%d requests in %v", asked, took)
}

func TestAddress_DecidesTheAccount(t *testing.T) {
	for address, want := range map[string]string{
		"https://acme.amocrm.ru/leads/list": "https://acme.amocrm.ru", "https://acme.kommo.com": "https://acme.kommo.com",
	} {
		if got := (&Config{Address: address}).base(); got != want {
			t.Errorf("%s: got %s", address, got)
		}
	}
}

func TestConfig_MistakesAreTold(t *testing.T) {
	for yaml, want := range map[string]string{
		"connector: amocrm\naddress: acme\ntoken: x":                                       "wants the account's address",
		"connector: amocrm\naddress: https://acme.amocrm.ru":                               "wants token",
		"connector: amocrm\naddress: https://acme.amocrm.ru\noauth: {client_id: x}":        "wants client_id, client_secret",
		"connector: amocrm\naddress: https://a.kommo.com\ntoken: x\noauth: {client_id: x}": "exclude each other",
	} {
		if _, err := connectortest.Open(Connector(), yaml, connectortest.Project{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", yaml, err)
		}
	}
}
