package pipelines

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"winback/pipelines/landing"
)

const callDatasets = `      calls:
        files: calls*.csv
        entity: callcenter.calls
        fields: {id: id, started_at: at, queue: queue}
      orders:
        files: orders*.csv
        entity: shop.orders
        fields: {id: id, customer_id: customer, ordered_at: at, status: {const: completed}}
`

// landedCalls are the ids of the calls in the landing zone.
func (b *bench) landedCalls() string {
	b.Helper()
	var ids []string
	err := b.project.Zone.EachRow(b.Context(), "shop", "callcenter.calls", func(_ landing.File, r landing.Row) error {
		ids = append(ids, r.Text("id"))
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), " ")
}

// Calls that are older than they are kept leave landing zone, raw table and models, once a
// week; the plan tells before; they are not taken in again, and nothing else leaves.
func TestRetention(t *testing.T) {
	b := newBench(t)
	models := "models: {only: [stg_callcenter__calls, stg_shop__orders]}\n"
	b.write("calls.csv", "id,at,queue\nold,2025-01-05,sales\nyoung,2026-02-05,sales\n")
	b.write("orders.csv", "id,customer,at\n1,a,2024-01-05\n")
	b.configureWith(models, callDatasets)
	b.build()
	if got := b.landedCalls(); got != "old young" {
		t.Fatalf("%s are landed", got)
	}
	b.configureWith(models+"retention: {calls: 90d}\n", callDatasets)
	plan, err := b.project.Plan(t.Context(), PlanOptions{})
	if err != nil || len(plan.Drops) != 1 || plan.Drops[0] != (PlannedDrop{Entity: "callcenter.calls", Before: "2025-12-01", Rows: 1}) {
		t.Errorf("the plan drops %+v, %v", plan.Drops, err)
	}
	told(t, b.build())
	kept := func() {
		t.Helper()
		if got := b.landedCalls(); got != "young" {
			t.Errorf("%s are landed", got)
		}
		for _, table := range []string{"raw.callcenter_calls", "staging.stg_callcenter__calls", "raw.shop_orders"} {
			rows, err := names(t.Context(), b.w, "SELECT toString(count()) FROM "+table)
			if err != nil || rows[0] != "1" {
				t.Errorf("%s has %q rows, %v", table, rows, err)
			}
		}
	}
	kept()
	if plan, err := b.project.Plan(t.Context(), PlanOptions{}); err != nil || len(plan.Drops) != 0 {
		t.Errorf("afterwards the plan drops %+v, %v", plan.Drops, err)
	}
	b.write("calls-2.csv", "id,at,queue\nold,2025-01-05,sales\nolder,2024-01-05,sales\n")
	told(t, b.build())
	kept()
	if _, err := os.Stat(filepath.Join(b.project.Home, retentionFile)); err != nil {
		t.Error(err)
	}
}

// A row that was changed since is as old as its last version: what came before that
// leaves, and the row stays.
func TestRetention_ARowIsAsOldAsItsLastVersion(t *testing.T) {
	const carts = `      carts:
        files: carts*.csv
        entity: shop.carts
        fields: {id: id, updated_at: at, email: email}
`
	b := newBench(t)
	models := "models: {only: [stg_shop__carts]}\n"
	b.configureWith(models, carts)
	b.write("carts.csv", "id,at,email\nold,2025-01-05,a@example.com\nrevived,2025-01-06,was@example.com\n")
	b.build()
	b.write("carts-2.csv", "id,at,email\nrevived,2026-02-05,is@example.com\nyoung,2026-02-05,y@example.com\n")
	b.build()
	b.configureWith(models+"retention: {carts: 90d}\n", carts)
	plan, err := b.project.Plan(t.Context(), PlanOptions{})
	if err != nil || len(plan.Drops) != 1 || plan.Drops[0].Rows != 1 {
		t.Errorf("the plan drops %+v, %v", plan.Drops, err)
	}
	for range 2 {
		told(t, b.build())
		for query, want := range map[string]string{
			"SELECT concat(id, ' ', email) FROM raw.shop_carts FINAL WHERE NOT deleted ORDER BY id": "revived is@example.com; young y@example.com",
			"SELECT cart_id FROM staging.stg_shop__carts ORDER BY 1":                                "revived; young",
		} {
			if got, err := names(t.Context(), b.w, query); err != nil || strings.Join(got, "; ") != want {
				t.Errorf("%s: %q, %v", query, got, err)
			}
		}
	}
	if left := b.traces("a@example.com", "was@example.com"); len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
}

// What did not fit is kept for as long as what did, from the day on which it was put
// aside; nothing waits in quarantine for what has left.
func TestRetention_WhatWasPutAsideLeavesToo(t *testing.T) {
	b := newBench(t)
	models := "models: {only: [stg_callcenter__calls]}\nretention: {calls: 90d}\n"
	b.configureWith(models, callDatasets)
	b.write("calls.csv", "id,at,queue\nyoung,2026-02-05,sales\naside,once upon a time,of ann@example.com\n")
	b.write("orders.csv", "id,customer,at\n1,a,2024-01-05\n2,b,someday\n")
	b.build()
	standing := func() (texts []string) {
		groups, err := b.project.Zone.QuarantineGroups("shop")
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			for r, err := range b.project.Zone.QuarantineRecords(t.Context(), g) {
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, fmt.Sprintf("%s %s %t", r.Entity, r.State, strings.Contains(r.Record, "ann@example.com")))
			}
		}
		slices.Sort(texts)
		return texts
	}
	want := []string{"callcenter.calls open true", "shop.orders open false"}
	if got := standing(); !slices.Equal(got, want) {
		t.Errorf("put aside are %q", got)
	}
	b.now = b.now.AddDate(0, 0, 120)
	want[0] = "callcenter.calls discarded false"
	for range 2 {
		b.write("calls-3.csv", "id,at,queue\nyoung,2026-06-05,sales\n")
		b.build()
		if got := standing(); !slices.Equal(got, want) {
			t.Errorf("after 120 days put aside are %q", got)
		}
		b.now = b.now.AddDate(0, 0, 7)
	}
	rows, err := names(t.Context(), b.w, "SELECT concat(entity, ' ', record) FROM ops.quarantine")
	if err != nil || !slices.Equal(rows, []string{"shop.orders 2,b,someday"}) {
		t.Errorf("the warehouse says %q, %v", rows, err)
	}
}
