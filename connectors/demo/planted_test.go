package demo

import (
	"encoding/json"
	"strings"
	"testing"
)

// checkPlanted makes sure that effects that were planted show in what happened.
func checkPlanted(t *testing.T, truth Truth) {
	for _, e := range truth.Planted {
		if e.Kind == "supplier" || e.Kind == "it" {
			within(t, e.Title+": points of churn", e.Impact.DiffPP, 1, 7)
			within(t, e.Title+": of them its own", e.Impact.TrueDiffPP, 1, 7)
		}
	}
	lost := 0
	for _, r := range truth.Reasons.ByMonth {
		if r.Segment == AllSegments {
			lost += r.Lost
		}
	}
	if lost != truth.Totals.Losses {
		t.Errorf("%d losses have a reason, of %d", lost, truth.Totals.Losses)
	}
	within(t, "stated and verified reasons that disagree, %", truth.Reasons.DisagreePct, 20, 42)
	within(t, "employees think better of customers' minds, points", truth.Surveys.GuessMean-truth.Surveys.SatisfactionMean, 0.5, 2)
	within(t, "carts left, %", share(truth.Carts.Abandoned, truth.Carts.Carts), 70, 77)
	within(t, "carts won back, %", share(truth.Carts.Recovered, truth.Carts.Abandoned), 1, 8)
	if truth.Funnel.WorstStage != "C1:PROPOSAL" {
		t.Errorf("most deals are lost from %s", truth.Funnel.WorstStage)
	}
	checkPlantedLeaks(t, truth.Calls)
	checkPlantedCampaigns(t, truth.Campaigns)
}

func checkPlantedLeaks(t *testing.T, calls CallsTruth) {
	if calls.WorstLeak != "callback_never_made" {
		t.Errorf("the worst leak is %s", calls.WorstLeak)
	}
	for _, l := range calls.Leaks[1:] {
		if l.Left*3 > calls.Leaks[0].Left || l.Calls == 0 {
			t.Errorf("%+v beside the worst, %+v", l, calls.Leaks[0])
		}
	}
	within(t, "call-backs made, %", share(calls.CallbacksMade, calls.Promises), 30, 60)
	within(t, "callers who gave up, %", share(calls.Abandoned, calls.Inbound), 5, 20)
}

func checkPlantedCampaigns(t *testing.T, campaigns []CampaignTruth) {
	if len(campaigns) != 5 {
		t.Fatalf("%d campaigns", len(campaigns))
	}
	for _, c := range campaigns {
		within(t, c.Name+": controls, %", share(c.Control, c.Control+c.Treated), 20, 40)
		switch c.PlantedPP {
		case 0:
			if c.Caused > 0 {
				t.Errorf("%s brought %d back", c.Name, c.Caused)
			}
		case 13, 19:
			within(t, c.Name+": uplift, points", c.UpliftPP, 5, 30)
		}
	}
}

// readPages reads the records of a file of Bitrix24's answers.
func readPages(t *testing.T, c *company, name string) []map[string]any {
	t.Helper()
	var all []map[string]any
	decoder := json.NewDecoder(strings.NewReader(unpacked(t, c.files, name)))
	for decoder.More() {
		var page struct{ Result json.RawMessage }
		if err := decoder.Decode(&page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var list []map[string]any
		if json.Unmarshal(page.Result, &list) != nil {
			var within map[string][]map[string]any
			if err := json.Unmarshal(page.Result, &within); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, list = range within {
			}
		}
		if len(list) > pageSize {
			t.Errorf("%s: a page of %d records", name, len(list))
		}
		all = append(all, list...)
	}
	return all
}

// checkOfficeReferences makes sure that what the CRM, campaigns and the accountant
// name exists, and that no time lies after the end.
func checkOfficeReferences(t *testing.T, c *company) {
	known := map[string]map[string]bool{"customer": {"": true}, "order": {"": true}, "deal": {}}
	for _, row := range c.crm {
		known["customer"][row["ID"]] = true
	}
	for _, row := range c.orders {
		known["order"][row["order_id"]] = true
	}
	refer := func(what, kind, id string) {
		if !known[kind][id] {
			t.Errorf("%s: there is no %s %s", what, kind, id)
		}
	}
	for _, deal := range readPages(t, c, "data/crm.deal.list.json.gz") {
		known["deal"][deal["ID"].(string)] = true
		company, _ := deal["COMPANY_ID"].(string)
		refer("deal", "customer", company)
		if closed, _ := deal["UF_CRM_CLOSED_AT"].(string); closed > c.truth.End+"T99" || (closed == "") != (deal["STAGE_SEMANTIC_ID"] == "P") {
			t.Errorf("deal %v is in %v and closed at %q", deal["ID"], deal["STAGE_ID"], closed)
		}
	}
	for _, stay := range readPages(t, c, "data/crm.stagehistory.list.json.gz") {
		refer("stage history", "deal", stay["OWNER_ID"].(string))
	}
	for _, activity := range readPages(t, c, "data/crm.activity.list.json.gz") {
		refer("activity", "customer", activity["OWNER_ID"].(string))
	}
	for _, name := range []string{"touches", "crm_complaints", "crm_surveys", "payments", "sales_plans", "manager_assignments"} {
		for _, row := range readTable(t, c.files, "data/"+name+".csv", ';') {
			refer(name, "customer", row["Клиент"])
			refer(name, "order", row["Заказ"])
		}
	}
}
