package record

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// kept is a sink that keeps rows as text.
type kept struct {
	rows    []string
	rejects []connectors.Reject
	counts  map[string]connectors.Counts
	notices []string
}

func (k *kept) NewBatch(s *entity.Schema) *entity.Batch { return entity.NewBatch(s) }
func (k *kept) Input(string) int32                      { return 1 }
func (k *kept) Count(s *entity.Schema, c connectors.Counts) {
	k.counts[s.FullName()] = c
}

func (k *kept) Reject(_ context.Context, r connectors.Reject) error {
	k.rejects = append(k.rejects, r)
	return nil
}

func (k *kept) Write(_ context.Context, b *entity.Batch) error {
	b.Align()
	for i := range b.Rows() {
		k.rows = append(k.rows, b.Schema.Name+": "+connectortest.RowText(b, i))
	}
	return nil
}

// deals reads records as deals of a CRM.
func deals(t *testing.T, o Options, records ...string) *kept {
	t.Helper()
	k := &kept{counts: map[string]connectors.Counts{}}
	req := connectors.Request{Notice: func(n connectors.Notice) { k.notices = append(k.notices, n.Text) }}
	o.Entity = entity.Of[entity.Deal]()
	rows := NewRows(req, k, o)
	rows.Page("deals, page 1")
	for _, raw := range records {
		r := rows.Record(json.RawMessage(raw))
		r.Need("ID")
		Add(r, &entity.Deal{
			ID: r.ID("ID"), Title: r.Text("TITLE"), Amount: r.Decimal("OPPORTUNITY"), CustomerID: r.ID("COMPANY_ID"),
			CreatedAt: r.Time("DATE_CREATE"), ClosedAt: r.DayTime("CLOSEDATE"), Status: r.Lower("STATUS"), Product: r.Object("PRODUCT").Text("NAME"),
		})
		if err := rows.End(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRecord_FieldsAreReadAsWhatTheyAre(t *testing.T) {
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ record, want string }{
		"texts":         {`{"ID": "7", "OPPORTUNITY": "1250.50", "DATE_CREATE": "2026-03-10T11:19:38+03:00"}`, "amount=1250.5 created_at=2026-03-10T08:19:38Z id=7"},
		"typed":         {`{"ID": 7, "OPPORTUNITY": 1250.5, "COMPANY_ID": 0, "TITLE": null}`, "amount=1250.5 id=7"},
		"exact numbers": {`{"ID": 7, "OPPORTUNITY": 99999999999999.9999}`, "amount=99999999999999.9999 id=7"},
		"nothing":       {`{"ID": 7, "OPPORTUNITY": "", "COMPANY_ID": "0", "DATE_CREATE": "", "TITLE": {}}`, "id=7"},
		"times with no zone are of the rows' zone": {`{"ID": 7, "DATE_CREATE": "2026-07-01 12:00:00"}`, "created_at=2026-07-01T09:00:00Z id=7"},
		"a day keeps its date whatever its time":   {`{"ID": 7, "CLOSEDATE": "2026-07-01T03:00:00+03:00"}`, "closed_at=2026-06-30T21:00:00Z id=7"},
		"an unknown word is kept":                  {`{"ID": 7, "STATUS": "On-Hold"}`, "id=7 status=on-hold"},
		"what nobody read goes to payload":         {`{"ID": 7, "A": 1, "B": "", "PRODUCT": {"NAME": "x", "SKU": "y"}, "C": [], "D": {"e": null}}`, `id=7 payload={"A":1,"D":{"e":null},"PRODUCT":{"SKU":"y"}} product=x`},
	} {
		t.Run(name, func(t *testing.T) {
			k := deals(t, Options{Location: kyiv}, c.record)
			if got := strings.Join(k.rows, "\n"); got != "deals: "+c.want {
				t.Errorf("got  %s %v\nwant deals: %s", got, k.rejects, c.want)
			}
		})
	}
}

func TestRecord_WhatDoesNotFitIsPutAsideAlone(t *testing.T) {
	k := deals(t, Options{}, `{"ID": 1}`, `{"ID": 2, "OPPORTUNITY": "a lot", "DATE_CREATE": "soon"}`, `{"TITLE": "no id"}`, `[1]`, `{"ID": 3}`)
	if got := strings.Join(k.rows, " "); got != "deals: id=1 deals: id=3" {
		t.Errorf("rows: %s", got)
	}
	want := []connectors.Reject{
		{Line: 2, Column: "OPPORTUNITY", Value: "a lot", Reason: "is not a decimal number; DATE_CREATE is not a time"},
		{Line: 3, Column: "ID", Reason: "is missing in the record: the source has changed its form"},
		{Line: 4, Value: "[1]", Reason: "is not an object; ID is missing in the record: the source has changed its form"},
	}
	if len(k.rejects) != len(want) {
		t.Fatalf("rejects: %+v", k.rejects)
	}
	for i, w := range want {
		if g := k.rejects[i]; g.Line != w.Line || g.Column != w.Column || g.Value != w.Value || g.Reason != w.Reason || g.Input != "deals, page 1" || g.Record == "" {
			t.Errorf("reject %d: %+v", i, g)
		}
	}
	if c := k.counts["crm.deals"]; c.Read != 5 {
		t.Errorf("counts: %+v", c)
	}
}

// Of a funnel of which one part has no id nothing is taken: neither the funnel nor the
// parts before.
func TestRows_ARecordIsTakenWholeOrNotAtAll(t *testing.T) {
	k := &kept{counts: map[string]connectors.Counts{}}
	rows := NewRows(connectors.Request{}, k, Options{Entity: entity.Of[entity.Pipeline]()})
	rows.Page("funnels, page 1")
	for _, raw := range []string{`{"ID": 1, "PARTS": [{"ID": "a"}]}`, `{"ID": 2, "PARTS": [{"ID": "b"}, {}]}`, `{"ID": 3, "PARTS": [{"ID": "c"}]}`} {
		r := rows.Record(json.RawMessage(raw))
		Add(r, &entity.Pipeline{ID: r.ID("ID")})
		for _, part := range r.List("PARTS") {
			Add(part, &entity.Manager{ID: part.ID("ID")})
		}
		if err := rows.End(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"pipelines: id=1", "pipelines: id=3", "managers: id=a", "managers: id=c"}; !slices.Equal(k.rows, want) {
		t.Errorf("got %q, want %q", k.rows, want)
	}
	if len(k.rejects) != 1 || k.rejects[0].Line != 2 || k.counts["crm.pipelines"].Read != 3 || k.counts["crm.managers"].Read != 2 {
		t.Errorf("%+v are put aside, counted are %+v", k.rejects, k.counts)
	}
}

func TestRows_AnUnknownFieldIsToldOnce(t *testing.T) {
	o := Options{Known: []string{"ID", "UF_*"}, Told: []string{"OLD"}}
	k := deals(t, o, `{"ID": 1, "NEW": 1, "OLD": 2, "UF_7": 3}`, `{"ID": 2, "NEW": null}`)
	want := "a field that is new or the account's own is kept in payload: NEW; with fields: they can fill fields of the contract"
	if !slices.Equal(k.notices, []string{want}) {
		t.Errorf("got %q", k.notices)
	}
}

func TestFields_FillWhatTheConnectorDoesNotRead(t *testing.T) {
	text := `
fields:
  crm.deals:
    competitor: UF_RIVAL
    lost_reason: {field: UF_WHY, map: {"45": price}}
    margin: UF_MARGIN
    expected_close_at: UF_WHEN
`
	c, err := config(text)
	if err != nil {
		t.Fatal(err)
	}
	k := deals(t, Options{Fields: c.Fields}, `{"ID": 1, "UF_RIVAL": "Acme", "UF_WHY": ["45", "12"], "UF_MARGIN": "7.5", "UF_WHEN": 1771000000}`)
	if got := strings.Join(k.rows, " "); got != "deals: competitor=Acme expected_close_at=2026-02-13T16:26:40Z id=1 lost_reason=price, 12 margin=7.5" {
		t.Errorf("got %s %v", got, k.rejects)
	}
}

func config(text string) (c Mapping, err error) {
	var errs spec.Errors
	spec.Parse("winback.yaml", []byte(text), spec.Options{}, &errs).Decode(&c, &errs)
	return c, errs.Err()
}

func TestFields_MistakesAreToldWithTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"fields: {crm.deal: {x: y}}":                 `unknown entity "crm.deal" (did you mean "crm.deals"?)`,
		"fields: {crm.deals: {amont: y}}":            `crm.deals has no field "amont" (did you mean "amount"?)`,
		"fields: {crm.deals: {id: y}}":               `id is the key of crm.deals`,
		"fields: {crm.customers: {external_ids: X}}": `external_ids holds values by name`,
		"fields: {crm.deals: {amount: {feild: X}}}":  `unknown key "feild"`,
	} {
		if _, err := config(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestRecord_WhatIsDroppedIsNowhere(t *testing.T) {
	for _, payload := range []string{PayloadUnmapped, PayloadFull} {
		k := &kept{counts: map[string]connectors.Counts{}}
		rows := NewRows(connectors.Request{}, k, Options{Entity: entity.Of[entity.Deal](), Payload: payload})
		for _, amount := range []string{"1.5", "much"} {
			r := rows.Record(json.RawMessage(`{"ID": "1", "OPPORTUNITY": "` + amount + `", "LINK": "s3cret", "MORE": {"KEY": "s3cret"}, "LINES": [{"KEY": "s3cret", "N": 1}]}`))
			r.Drop("LINK")
			r.Object("MORE").Drop("KEY")
			for _, line := range r.List("LINES") {
				line.Drop("KEY")
			}
			Add(r, &entity.Deal{ID: r.ID("ID"), Amount: r.Decimal("OPPORTUNITY")})
			if err := rows.End(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(k.rows) != 1 || len(k.rejects) != 1 {
			t.Fatalf("got %v, %v", k.rows, k.rejects)
		}
		if all := k.rows[0] + k.rejects[0].Record; strings.Contains(all, "s3cret") {
			t.Errorf("%s: got %s", payload, all)
		}
	}
}

func TestRecord_WhatIsKeptIsInPayloadThoughItWasRead(t *testing.T) {
	k := &kept{counts: map[string]connectors.Counts{}}
	rows := NewRows(connectors.Request{}, k, Options{Entity: entity.Of[entity.Deal]()})
	r := rows.Record(json.RawMessage(`{"ID": "1", "CODES": ["a", "b"]}`))
	Add(r, &entity.Deal{ID: r.ID("ID"), Product: r.Texts("CODES")[0]})
	r.Keep("CODES")
	Add(r.Aside(), &entity.Deal{ID: "2"})
	if err := rows.End(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := `deals: id=1 payload={"CODES":["a","b"]} product=a`; k.rows[0] != want || k.rows[1] != "deals: id=2" {
		t.Errorf("got %s", k.rows)
	}
}
