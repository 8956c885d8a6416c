package pipelines

import (
	"slices"
	"strings"
	"testing"
)

// A person is forgotten on a cluster, too: nothing is left of them, on shards neither,
// others stay, and they do not come back. What defines something went to all servers.
// Of models, a view is built on replicas and a spread table on shards.
func TestForget_OnACluster(t *testing.T) {
	for topology, models := range map[string]string{"replicated": "stg_shop__orders, stg_crm__complaints", "sharded": "int_orders, stg_crm__complaints"} {
		t.Run(topology, func(t *testing.T) {
			b := newBench(t)
			c := actAsCluster(t, b.server)
			b.server = c.url
			b.write("customers.csv", "id,email,phone,name\nc1,ann@example.com,,Annabel\nc2,bob@example.com,,Bob\n")
			b.write("orders.csv", "id,customer,email,day,total\n1,c1,ann@example.com,2026-01-05,10\n2,c2,,2026-01-06,20\n3,c1,ann@example.com,someday,50\n")
			b.write("lines.csv", "order,no,name\n1,1,tea\n2,1,pot\n")
			b.write("complaints.csv", "id,customer,text\n1,c1,late\n2,c2,ask ann@example.com\n")
			b.cluster = ", cluster: main, topology: " + topology
			b.configureWith("models: {only: ["+models+"]}\n", peopleDatasets)
			b.build()
			if found := b.traces("ann@example.com", "annabel"); len(found) < 3 {
				t.Fatalf("before, there are only %q", found)
			}
			s, err := b.forget(ForgetOptions{Email: "ann@example.com"})
			if err != nil || s.Receipt.Rows["shop.orders"] != 1 || s.Receipt.Redacted["crm.complaints"] != 1 || s.Receipt.Quarantine != 1 {
				t.Fatal(s.Receipt, s.Problems, err)
			}
			if topology == "sharded" {
				b.build()
			}
			if found := b.traces("ann@example.com", "annabel"); len(found) > 0 {
				t.Errorf("still there: %q", found)
			}
			for table, want := range map[string][]string{"raw.shop_orders FINAL WHERE NOT deleted": {"2"}, "raw.shop_customers FINAL WHERE NOT deleted": {"c2"}, "raw.crm_complaints FINAL WHERE NOT deleted": {"2"}} {
				if got, err := names(t.Context(), b.w, "SELECT id FROM "+table); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s: %q, %v; want %q", table, got, err, want)
				}
			}
			model, _, _ := strings.Cut(models, ",")
			if got, err := names(t.Context(), b.w, "SELECT order_id FROM staging."+model); err != nil || !slices.Equal(got, []string{"2"}) {
				t.Errorf("%s: %q, %v", model, got, err)
			}
			c.expectEverywhere(topology)
		})
	}
}
