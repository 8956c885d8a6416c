package pipelines

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/files"
)

// A card says what it lacks where the project builds some models only, and has all
// that there is.
func TestCustomerCard_SomeModelsAreMissing(t *testing.T) {
	b := newBench(t)
	b.write("winback.yaml", "project: acme\ntimezone: UTC\nas_of: 2024-09-30\ncurrency: EUR\nwarehouse: {url: \""+b.server+"/default\"}\n"+
		"sources:\n  shop:\n    connector: files\n    datasets:\n      shop.orders: {files: orders.csv, fields: {id: id, ordered_at: at, status: {const: completed}, items_total: total}}\n")
	registry, err := connectors.NewRegistry(files.Connector())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(OpenOptions{Config: filepath.Join(b.dir, "winback.yaml"), Registry: registry, Now: time.Now, Logger: slog.New(slog.DiscardHandler), WithoutModels: true})
	if err != nil {
		t.Fatal(err)
	}
	exec := func(statements ...string) {
		t.Helper()
		for _, sql := range statements {
			if err := b.w.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	}
	exec("create database mart", "create database staging", "create database ops")
	lost := (*CustomerError)(nil)
	if _, err := p.CustomerCard(t.Context(), "ann"); !errors.As(err, &lost) || !strings.Contains(err.Error(), "customers was not built, so who the customers are is not known: add it to models.only in winback.yaml, if that is there, and run") {
		t.Errorf("without customers: %v", err)
	}

	exec(`create table mart.customers engine = Memory as select 'c1' as customer_key, toNullable('Ann') as name, toNullable('lost') as status,
		['shop:1'] as records, ['ann@example.com'] as emails, ['+37120000001'] as phones`)
	card, err := p.CustomerCard(t.Context(), "ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	missing := strings.Join(card.Missing, "\n")
	for _, model := range []string{"winback_candidates", "int_purchases", "customer_episodes", "int_touches"} {
		if !strings.Contains(missing, "The model "+model+" was not built, so ") {
			t.Errorf("%s is not named as missing:\n%s", model, missing)
		}
	}
	if card.Key != "c1" || card.Facts.Text("name") != "Ann" || len(card.Timeline) != 0 || len(card.Why) != 0 {
		t.Errorf("got %+v", card)
	}

	exec("create table staging.int_purchases engine = Memory as select 'c1' as customer_key, toDate('2024-02-10') as ordered_on, '7' as order_id, toNullable(10.5) as revenue, false as is_return",
		"create table mart.former_customer_keys engine = Memory as select 'c1' as customer_key, 'c0' as former_key")
	card, err = p.CustomerCard(t.Context(), "c0")
	if err != nil || len(card.Missing) != 3 || len(card.Timeline) != 1 || card.Timeline[0].Text != "order 7, 10.5" {
		t.Errorf("got %v, %+v", err, card)
	}

	exec("insert into mart.customers select concat('c', toString(number)), ['', '', 'Марианна', 'Анна'][number], null, [], [], [] from numbers(3, 2)")
	for who, want := range map[string]string{"анна": "c4", "МАРИАННА": "c3", "37120000001": "c1"} {
		if card, err := p.CustomerCard(t.Context(), who); err != nil || card.Key != want {
			t.Errorf("%s is %q, want %q: %v", who, card.Key, want, err)
		}
	}
	if card, err := p.CustomerCard(t.Context(), "0000000"); !errors.As(err, &lost) {
		t.Errorf("a number of zeros is %q, %v", card.Key, err)
	}
}
