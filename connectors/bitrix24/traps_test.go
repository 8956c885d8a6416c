package bitrix24

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/bitrix24/bitrix24test"
	"winback/connectors/connectortest"
	"winback/connectors/entity"
)

// portal is a portal with a source that reads it.
type portal struct {
	*testing.T
	*bitrix24test.Portal
	clock  *connectortest.Clock
	dir    string
	source connectors.Source
	reader *connectortest.Reader
}

func begin(t *testing.T, keys string) *portal {
	t.Helper()
	t.Parallel()
	clock := connectortest.NewClock(connectortest.Began)
	p := &portal{T: t, Portal: bitrix24test.Start(t, clock), clock: clock, dir: t.TempDir()}
	p.open(keys)
	return p
}

// open opens the source anew, as each run does.
func (p *portal) open(keys string) {
	p.Helper()
	config := p.Config()
	if strings.Contains(keys, "slice_rows") {
		config = strings.Replace(config, "slice_rows: 100\n", "", 1)
	}
	source, err := connectortest.Open(Connector(), config+keys, connectortest.Project{Dir: p.dir, Clock: p.clock, Variables: p.Variables()})
	if err != nil {
		p.Fatal(err)
	}
	p.source = source
	if p.reader == nil {
		p.reader = connectortest.NewReader(source)
	}
	p.reader.Source = source
}

// read reads one dataset to its end, and keeps its cursors.
func (p *portal) read(dataset string) (*connectortest.Memory, error) {
	p.Helper()
	sink := connectortest.NewMemory()
	for range 500 {
		got, err := p.source.Extract(p.Context(), connectors.Request{Dataset: dataset, Cursors: p.reader.Cursors[dataset], Notice: sink.Notice}, sink)
		if err != nil {
			return sink, err
		}
		if got.Cursor != nil {
			p.reader.Cursors[dataset] = append(p.reader.Cursors[dataset], got.Cursor)
		}
		if !got.More {
			return sink, nil
		}
	}
	return sink, errors.New("does not end")
}

func (p *portal) mustRead(dataset string) *connectortest.Memory {
	p.Helper()
	got, err := p.read(dataset)
	if err != nil {
		p.Fatal(err)
	}
	return got
}

func notices(m *connectortest.Memory, kind string) string {
	var texts []string
	for _, n := range m.Notices() {
		if n.Kind == kind && !slices.Contains(texts, n.Text) {
			texts = append(texts, n.Text)
		}
	}
	return strings.Join(texts, "\n")
}

func TestTrap_BehindAShortPageABatchBeginsAgain(t *testing.T) {
	p := begin(t, "")
	p.mustRead(managersSet)
	p.Server().Before(2, func() { p.Remove(300) }) // the chain behind the first page counts on more than there is
	times := map[string]int{}
	err := p.source.(connectors.Sweeper).Sweep(t.Context(), activitiesSet, entity.Of[entity.Activity](), func(key ...string) { times[key[0]]++ })
	if err != nil {
		t.Fatal(err)
	}
	now := p.Rows()["crm.activities"]
	if len(now) > 170 {
		t.Fatalf("%d activities are left, nothing was removed", len(now))
	}
	for _, key := range now {
		if times[key] != 1 {
			t.Errorf("%s came %d times", key, times[key])
		}
	}
}

func TestTrap_RecordsThatLeaveTheWindowAreNoLoss(t *testing.T) {
	p := begin(t, "slice_rows: 20000\n")
	p.mustRead(managersSet)
	p.Server().Before(3, func() { p.Touch(100) })
	p.mustRead(pipelinesSet)
	if c := p.mustRead(dealsSet).Counts("crm.deals"); c.Expected == 0 || c.Read < c.Expected {
		t.Errorf("a loss is told where there is none: %+v", c)
	}
}

func missing(want, have []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(key string) bool { return slices.Contains(have, key) })
}

func TestTrap_AMethodThatUsedUpItsTimeIsWaitedFor(t *testing.T) {
	p := begin(t, "")
	p.Slow("crm.item.list", 170) // three calls in ten minutes
	got := p.mustRead(invoicesSet)
	if missing := missing(p.Rows()["crm.payments"], got.Keys("crm.payments")); len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
	if waited := p.clock.Now().Sub(connectortest.Began); waited < 5*time.Minute {
		t.Errorf("waited for %v", waited)
	}
	if asked := len(p.Server().Asked()); asked > 60 {
		t.Errorf("asked %d times: it is to wait for as long as it is told", asked)
	}
}

func TestTrap_WhatTheOwnerMayNotReadIsLeftOutSilently(t *testing.T) {
	p := begin(t, "")
	p.Demote("crm", "user")
	deals := p.mustRead(dealsSet)
	if text := notices(deals, connectors.NoticePartial); !strings.Contains(text, "Ирина Петрова (user 1)") || !strings.Contains(text, "no administrator") {
		t.Errorf("got %q", text)
	}
	calls := p.mustRead(callsSet)
	if text := notices(calls, connectors.NoticePartial); !strings.Contains(text, "the permission telephony is missing") || len(p.reader.Cursors[callsSet]) > 0 {
		t.Errorf("got %q", text)
	}
	managers := p.mustRead(managersSet)
	if text := notices(managers, connectors.NoticePartial); !strings.Contains(text, "the permission department is missing") {
		t.Errorf("got %q", text)
	}
	err := p.source.(connectors.Sweeper).Sweep(t.Context(), dealsSet, entity.Of[entity.Deal](), func(...string) {})
	if err == nil || !strings.Contains(err.Error(), "would count as deleted") {
		t.Errorf("got %v", err)
	}
	found, err := p.source.(connectors.Checker).Check(t.Context())
	if err != nil || !found[0].Warning || !strings.Contains(found[0].Text, "missing: department, telephony") {
		t.Errorf("got %+v, %v", found[0], err)
	}
	p.open("sees_all: true\n")
	if text := notices(p.mustRead(activitiesSet), connectors.NoticePartial); text != "" {
		t.Errorf("got %q", text)
	}
}

func TestTrap_MarksOfCallsComeLate(t *testing.T) {
	p := begin(t, "")
	first := p.mustRead(callsSet)
	keys := first.Keys("callcenter.calls")
	p.clock.Advance(time.Hour)
	last := keys[len(keys)-2]
	p.ChangeCall(number(last), map[string]any{"CALL_VOTE": "5"})
	again := p.mustRead(callsSet)
	if row := again.Row("callcenter.calls", last); !strings.Contains(row, "satisfaction=5") {
		t.Errorf("got %s", row)
	}
	if n := len(again.Keys("callcenter.calls")); n > 20 {
		t.Errorf("%d calls came again, of two days there are 16", n)
	}
}

func number(key string) (id int64) {
	_, _ = fmt.Sscan(key, &id)
	return id
}

func TestTrap_TheStayBeforeGetsItsEndInALaterRun(t *testing.T) {
	p := begin(t, "")
	if c := p.mustRead(stagesSet).Counts("crm.deal_stages"); c.Expected == 0 || c.Read != c.Expected {
		t.Errorf("got %+v", c)
	}
	p.clock.Advance(time.Hour)
	moved := p.Touch(1)["crm.deal_stages"]
	p.clock.Advance(time.Hour)
	got := p.mustRead(stagesSet)
	if !slices.Equal(got.Keys("crm.deal_stages"), sorted(moved)) {
		t.Errorf("got %v, want %v", got.Keys("crm.deal_stages"), moved)
	}
	for _, key := range moved {
		deal, seq, _ := strings.Cut(key, "/")
		row, next := got.Row("crm.deal_stages", key), got.Row("crm.deal_stages", fmt.Sprintf("%s/%d", deal, number(seq)+1))
		if left := value(row, "left_at"); left != value(next, "entered_at") {
			t.Errorf("%s was left at %q, the next entered at %q", key, left, value(next, "entered_at"))
		}
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// value is a field of a row as text.
func value(row, field string) string {
	for _, part := range strings.Fields(row) {
		if rest, ok := strings.CutPrefix(part, field+"="); ok {
			return rest
		}
	}
	return ""
}

func TestTrap_ADealOpenedAgainIsAnOrderNoMore(t *testing.T) {
	p := begin(t, "orders: won_deals\n")
	first := p.mustRead(dealsSet)
	var won string
	for _, key := range first.Keys("crm.deals") {
		row, order := first.Row("crm.deals", key), first.Row("shop.orders", key)
		if isOrder := !strings.Contains(order, "deleted=true"); isOrder != strings.Contains(row, "status=won") {
			t.Fatalf("%s\n%s", row, order)
		} else if isOrder {
			won = key
			if lines := value(order, "line_count"); lines != fmt.Sprint(countPrefix(first.Keys("shop.order_lines"), key+"/")) {
				t.Errorf("order %s has %s lines, got %d", key, lines, countPrefix(first.Keys("shop.order_lines"), key+"/"))
			}
		}
	}
	p.clock.Advance(time.Hour)
	p.Change(2, number(won), map[string]any{"stageId": "NEW", "stageSemanticId": "P"})
	p.clock.Advance(time.Hour)
	if row := p.mustRead(dealsSet).Row("shop.orders", won); !strings.Contains(row, "deleted=true") {
		t.Errorf("got %s", row)
	}
}

func countPrefix(keys []string, prefix string) (n int) {
	for _, key := range keys {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}

func TestTrap_ADealHasMoreLinesThanAPage(t *testing.T) {
	p := begin(t, "")
	got := p.mustRead(dealsSet)
	if product := value(got.Row("crm.deals", "101"), "product"); product == "" {
		t.Error("the deal with sixty lines has no product")
	}
	if calls := p.Commands("crm.item.productrow.list"); calls == 0 || calls > 60 {
		t.Errorf("lines were asked for %d times", calls)
	}
}

func TestLostReason_AFieldThatThePortalDoesNotHaveIsTold(t *testing.T) {
	p := begin(t, "lost_reason: UF_CRM_1700000009\n")
	_, err := p.read(dealsSet)
	if err == nil || !strings.Contains(err.Error(), `no field UF_CRM_1700000009`) || !strings.Contains(err.Error(), bitrix24test.ReasonField) {
		t.Errorf("got %v", err)
	}
	p.open("lost_reason: " + bitrix24test.ReasonField + "\n")
	reasons := map[string]bool{}
	got := p.mustRead(dealsSet)
	for _, row := range got.Rows("crm.deals") {
		if strings.Contains(row, "status=lost") {
			reasons[value(row, "lost_reason")] = true
		} else if value(row, "lost_reason") != "" {
			t.Errorf("a reason without a loss: %s", row)
		}
	}
	if len(reasons) != 2 || !reasons["Дорого"] {
		t.Errorf("got %v", reasons)
	}
}

func TestRates_AreThoseOfTheDayInTheProjectsCurrency(t *testing.T) {
	p := begin(t, "exchange_rates: true\n")
	got := p.mustRead(ratesSet)
	want := []string{"currency=EUR date=2026-03-10 rate=1", "currency=KZT date=2026-03-10 rate=0.0017", "currency=RUB date=2026-03-10 rate=0.01"}
	if rows := got.Rows("shop.exchange_rates"); !slices.Equal(rows, want) {
		t.Errorf("got %q", rows)
	}
	if again := p.mustRead(ratesSet); again.Written("shop.exchange_rates") != 0 {
		t.Error("the same rates came again on the same day")
	}
}

func TestPages_ThatRepeatAreAnError(t *testing.T) {
	t.Parallel()
	l := list{name: "deals", items: "items", id: "id"}
	for name, c := range map[string]struct{ page, after string }{
		"the page again": {`{"items":[{"id":7}]}`, "7"},
		"going back":     {`{"items":[{"id":8},{"id":7}]}`, "0"},
		"no id":          {`{"items":[{"name":"x"}]}`, "0"},
	} {
		if _, _, err := l.ordered(json.RawMessage(c.page), c.after); err == nil || !strings.Contains(err.Error(), "does not go on") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestUnknownFields_AreToldOnce(t *testing.T) {
	p := begin(t, "")
	first := notices(p.mustRead(dealsSet), connectors.NoticeDrift)
	if !strings.Contains(first, bitrix24test.ReasonField) || strings.Contains(first, "title") {
		t.Errorf("got %q", first)
	}
	p.clock.Advance(time.Hour)
	p.Touch(5)
	p.clock.Advance(time.Hour)
	if again := notices(p.mustRead(dealsSet), connectors.NoticeDrift); again != "" {
		t.Errorf("told again: %q", again)
	}
}

// application is a portal that is read by an OAuth application.
func application(t *testing.T) *portal {
	t.Helper()
	t.Parallel()
	clock := connectortest.NewClock(connectortest.Began)
	p := &portal{T: t, Portal: bitrix24test.StartOAuth(t, clock), clock: clock, dir: t.TempDir()}
	p.open("")
	return p
}

func TestOAuth_ARenewedTokenIsKeptAndUsedByTheNextRun(t *testing.T) {
	p := application(t)
	p.mustRead(managersSet)
	p.Expire()
	got := p.mustRead(callsSet)
	if missing := missing(p.Rows()["callcenter.calls"], got.Keys("callcenter.calls")); len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
	_, refresh := p.Tokens()
	kept, err := os.ReadFile(filepath.Join(p.dir, "state", "oauth.json"))
	if err != nil || !strings.Contains(string(kept), refresh) {
		t.Errorf("the newest refresh token is not kept: %v", err)
	}
	p.Expire()
	p.open("") // another run; the token of the configuration was used long ago
	p.mustRead(pipelinesSet)
	access, _ := p.Tokens()
	for _, a := range p.Server().Asked() {
		if strings.Contains(a.Query.Encode(), access) {
			t.Errorf("an address shows the token: %s", a.Path)
		}
	}
}

func TestOAuth_AWrongGrantSaysHowToGetARightOne(t *testing.T) {
	p := application(t)
	source, err := connectortest.Open(Connector(), p.Config(), connectortest.Project{Dir: t.TempDir(), Clock: p.clock, Variables: p.Wrong()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = connectortest.NewReader(source).Run(t.Context())
	if !errors.Is(err, connectors.ErrRefused) || !strings.Contains(err.Error(), "install the application anew") {
		t.Errorf("got %v", err)
	}
	for _, secret := range p.Wrong() {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestRequests_APageIsAskedForOnce(t *testing.T) {
	p := begin(t, "slice_rows: 20000\n")
	for _, d := range p.source.Datasets() {
		p.mustRead(d.Name)
	}
	for method, most := range map[string]int{"crm.item.list": 120, "crm.stagehistory.list": 30, "crm.activity.list": 25, "user.get": 4, "profile": 1} {
		if n := p.Commands(method); n > most {
			t.Errorf("%s was called %d times, %d are enough", method, n, most)
		}
	}
	if asked := len(p.Server().Asked()); asked > 90 {
		t.Errorf("%d requests", asked)
	}
}

func TestSweep_ListsWhatWasLandedAndNothingElse(t *testing.T) {
	p := begin(t, "orders: won_deals\n")
	if p.source.(connectors.Partial).LeavesOut() {
		t.Error("something is left out")
	}
	for _, d := range []string{dealsSet, customersSet, pipelinesSet, invoicesSet} {
		landed := p.mustRead(d)
		swept, every := p.source.(connectors.Sweeper).Sweeps(d)
		if every != 7*24*time.Hour {
			t.Errorf("%s: every %v", d, every)
		}
		for _, e := range swept {
			var has []string
			if err := p.source.(connectors.Sweeper).Sweep(t.Context(), d, e, func(key ...string) { has = append(has, strings.Join(key, "/")) }); err != nil {
				t.Fatal(err)
			}
			var live []string
			for _, key := range landed.Keys(e.FullName()) {
				if !strings.Contains(landed.Row(e.FullName(), key), "deleted=true") {
					live = append(live, key)
				}
			}
			if slices.Sort(has); !slices.Equal(has, live) {
				t.Errorf("%s: %d keys, %d were landed; missing %v, too many %v", e.FullName(), len(has), len(live), missing(live, has), missing(has, live))
			}
		}
	}
}

// Older records may have been landed when the history began earlier: they are no
// deleted ones. How many were not is not told.
func TestSweep_ListsOlderRecordsToo(t *testing.T) {
	p := begin(t, "since: 2025-12-01\n")
	landed, listed := p.mustRead(dealsSet), 0
	err := p.source.(connectors.Sweeper).Sweep(t.Context(), dealsSet, entity.Of[entity.Deal](), func(...string) { listed++ })
	if n := len(landed.Keys("crm.deals")); err != nil || listed <= n || !p.source.(connectors.Partial).LeavesOut() {
		t.Errorf("%d of %d landed ones were listed, %v", listed, n, err)
	}
}

func TestWindows_AreLongerWhereThereIsLittle(t *testing.T) {
	p := begin(t, "slice_rows: 20000\n")
	var months []int
	at := place{Months: 1}
	for _, read := range []int{10, 0, 24, 30, 150, 500, 99, 0} {
		at.Read = read
		at = at.next(100)
		months = append(months, at.Months)
	}
	if want := []int{2, 4, 8, 8, 4, 2, 2, 4}; !slices.Equal(months, want) {
		t.Errorf("got %v, want %v", months, want)
	}
	p.mustRead(customersSet)
	if slices := len(p.reader.Cursors[customersSet]); slices > 4 {
		t.Errorf("half a year with a few hundred customers took %d commits", slices)
	}
}
