package twilio_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors/connectortest"
	"winback/connectors/twilio"
	"winback/connectors/twilio/twiliotest"
)

func TestConnector(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{Connector: twilio.Connector(), Start: twiliotest.Start, Idle: 40})
}

func reader(t *testing.T, days int) (*twiliotest.Fake, *connectortest.Reader, *connectortest.Clock) {
	t.Helper()
	clock := connectortest.NewClock(connectortest.Began)
	fake := twiliotest.New(t, clock, days)
	source, err := connectortest.Open(twilio.Connector(), fake.Config(), connectortest.Project{Dir: t.TempDir(), Clock: clock, Variables: fake.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	return fake, connectortest.NewReader(source), clock
}

func TestCalls_AreMadeOfTheirLegs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 9, 15, 0, 0, time.UTC)
	const caller, office, anna = "+491510000001", "+493000000", "client:anna"
	for name, c := range map[string]struct {
		make func(f *twiliotest.Fake) string
		want string
	}{
		"answered by the second agent": {func(f *twiliotest.Fake) string {
			parent := f.Add("", "completed", "inbound", caller, office, at, 200)
			f.Add(parent, "no-answer", "outbound-dial", caller, "client:boris", at.Add(5*time.Second), 0)
			f.Add(parent, "completed", "outbound-dial", caller, anna, at.Add(40*time.Second), 160)
			return parent
		}, "agent_id=client:anna agent_name=anna answered_at=2026-03-01T09:15:40Z customer_phone=+491510000001 direction=inbound disposition=answered talk_seconds=160 transfers=0 wait_seconds=40"},
		"nobody answers: the caller's leg is completed all the same": {func(f *twiliotest.Fake) string {
			parent := f.Add("", "completed", "inbound", caller, office, at, 60)
			f.Add(parent, "no-answer", "outbound-dial", caller, anna, at, 0)
			return parent
		}, "customer_phone=+491510000001 direction=inbound disposition=abandoned wait_seconds=60"},
		"passed on": {func(f *twiliotest.Fake) string {
			parent := f.Add("", "completed", "inbound", caller, office, at, 300)
			f.Add(parent, "completed", "outbound-dial", caller, anna, at.Add(10*time.Second), 100)
			f.Add(parent, "completed", "outbound-dial", caller, "sip:carl@acme.sip.twilio.com;transport=tls", at.Add(110*time.Second), 50)
			return parent
		}, "agent_id=client:anna agent_name=anna disposition=answered talk_seconds=150 transfers=1"},
		"hung up early": {func(f *twiliotest.Fake) string { return f.Add("", "canceled", "inbound", "anonymous", office, at, 0) },
			"direction=inbound disposition=abandoned from_number=anonymous"},
		"a message is left": {func(f *twiliotest.Fake) string {
			sid := f.Add("", "completed", "inbound", caller, office, at, 30)
			f.Record(sid)
			return sid
		}, "disposition=voicemail recording_url=https://api.twilio.com/"},
		"made by a program": {func(f *twiliotest.Fake) string { return f.Add("", "completed", "outbound-api", office, caller, at, 30) },
			"customer_phone=+491510000001 direction=outbound disposition=answered talk_seconds=30"},
		"a machine answers": {func(f *twiliotest.Fake) string {
			sid := f.Add("", "completed", "outbound-api", office, caller, at, 30)
			f.Heard(sid, "machine_start")
			return sid
		}, "disposition=voicemail"},
		"an agent's browser calls out": {func(f *twiliotest.Fake) string {
			parent := f.Add("", "completed", "inbound", anna, office, at, 70)
			f.Add(parent, "completed", "outbound-dial", office, caller, at.Add(10*time.Second), 60)
			return parent
		}, "agent_id=client:anna agent_name=anna customer_phone=+491510000001 direction=outbound disposition=answered talk_seconds=60"},
		"busy":           {func(f *twiliotest.Fake) string { return f.Add("", "busy", "outbound-api", office, caller, at, 0) }, "disposition=busy"},
		"still going on": {func(f *twiliotest.Fake) string { return f.Add("", "in-progress", "inbound", caller, office, at, 0) }, "direction=inbound outcome=in-progress"},
		"a new status":   {func(f *twiliotest.Fake) string { return f.Add("", "parked", "inbound", caller, office, at, 0) }, "outcome=parked"},
		"behind a trunk": {func(f *twiliotest.Fake) string {
			return f.Add("", "completed", "trunking-terminating", caller, office, at, 90)
		}, "direction=inbound disposition=answered talk_seconds=90"},
		"among colleagues": {func(f *twiliotest.Fake) string {
			return f.Add("", "completed", "inbound", anna, "client:boris", at, 90)
		}, "direction=internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, reader, _ := reader(t, 0)
			sid := c.make(fake)
			row := reader.MustRun(t).Row("callcenter.calls", sid)
			for want := range strings.FieldsSeq(c.want) {
				if !strings.Contains(" "+row+" ", " "+want) {
					t.Errorf("want %s in\n%s", want, row)
				}
			}
		})
	}
}

func TestCalls_OverMidnightAreWhole(t *testing.T) {
	t.Parallel()
	fake, reader, _ := reader(t, 0)
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	parent := fake.Add("", "completed", "inbound", "+491510000001", "+493000000", midnight.Add(-10*time.Second), 100)
	fake.Add(parent, "no-answer", "outbound-dial", "+491510000001", "client:boris", midnight.Add(-5*time.Second), 0)
	fake.Add(parent, "completed", "outbound-dial", "+491510000001", "client:anna", midnight.Add(5*time.Second), 80)
	got := reader.MustRun(t)
	if row := got.Row("callcenter.calls", parent); !strings.Contains(row, "disposition=answered") || !strings.Contains(row, "agent_name=anna") {
		t.Error(row)
	}
}

func TestCalls_ThePriceComesLater(t *testing.T) {
	t.Parallel()
	fake, reader, clock := reader(t, 3)
	reader.MustRun(t)
	clock.Advance(26 * time.Hour)
	touched := fake.Touch(3)["callcenter.calls"]
	got := reader.MustRun(t)
	for _, sid := range touched[:len(touched)-1] {
		if row := got.Row("callcenter.calls", sid); !strings.Contains(row, `"price":"-0.09900"`) {
			t.Errorf("%s: %q", sid, row)
		}
	}
}

func TestList_BeginsAnewWhenItsPageIsGone(t *testing.T) {
	t.Parallel()
	fake, reader, _ := reader(t, 0)
	at := time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC)
	var sids []string
	for i := range 50 {
		sids = append(sids, fake.Add("", "completed", "inbound", "+491510000001", "+493000000", at.Add(time.Duration(i)*time.Second), 10))
	}
	deleted := false
	for n := 1; n < 500; n++ {
		fake.Server().Before(n, func() {
			asked := fake.Server().Asked()
			q := asked[len(asked)-1].Query
			if !deleted && q.Has("PageToken") && q.Get("StartTime>") == "2026-03-05" {
				deleted = true
				fake.Delete(strings.TrimPrefix(q.Get("PageToken"), "PA")) // the last call of the page before
			}
		})
	}
	got := reader.MustRun(t).Keys("callcenter.calls")
	if !deleted {
		t.Fatal("no page was asked for")
	}
	for _, sid := range sids {
		if slices.Contains(fake.Rows()["callcenter.calls"], sid) && !slices.Contains(got, sid) {
			t.Errorf("%s was lost", sid)
		}
	}
}

func TestOpen_MistakesAreTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"account: AC12\nsecret: x": "wants an account SID",
		"account: " + twiliotest.Account + "\nsecret: x\nsubaccounts: [SK1]":             `got "SK1"`,
		"account: " + twiliotest.Account + "\nsecret: x\naddress: api.dublin.twilio.com": "wants the form https://host",
	} {
		if _, err := connectortest.Open(twilio.Connector(), text, connectortest.Project{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v", text, err)
		}
	}
}
