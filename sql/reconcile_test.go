package sqlfiles_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/check"
	"winback/pipelines/model"
)

// notCustomers says of marts and of columns why their whole numbers are no counts of
// customers.
var notCustomers = map[string]string{
	"callcenter_by": "calls", "callcenter_daily": "calls", "callcenter_half_hours": "calls",
	"carts_monthly": "carts", "carts_monthly_by": "carts", "cart_reminders_due": "a row is a cart",
	"funnel_stages": "deals", "funnel_stages_by": "deals", "funnel_dropoff_reasons": "deals", "funnel_dropoff_reasons_by": "deals",
	"managers_funnel": "deals", "sales_velocity": "deals", "sales_velocity_by": "deals", "win_rate_cohorts": "deals",
	"deals": "a row is a deal", "deal_stages": "a row is a deal at a stage", "promises": "a row is a promise",
	"satisfaction_monthly": "answers, of which a customer may give several",
	"kpi_monthly":          "the n of figures that are compared with the marts they come from",
	"customers":            "a row is a customer", "customer_months": "a row is a customer", "customer_episodes": "a row is a stretch of a customer",
	"rfm_segments": "a row is a customer", "silent_customers": "a row is a customer", "returned_watch": "a row is a problem of a customer",
	"quiet_leavers": "a row is a loss", "loss_reasons": "a row is a loss", "winback_candidates": "a row is a customer",

	"base_movement.orders": "purchases", "base_movement_by.orders": "purchases", "competitors.deals_lost": "deals",
	"managers_monthly.orders": "purchases",
	"callcenter_leaks.calls":  "calls", "callcenter_leaks.exposed_calls": "calls", "callcenter_leaks.unknown_calls": "calls of nobody",
	"callcenter_leaks.position": "a rank", "callcenter_leaks.rule_of_thumb_pct": "a share", "complaint_outcomes.literature_pct": "a share",
	"churn_cohorts.month_no": "a month", "survival.day": "a day", "survival.median_day": "a day", "winback_return_curves.day": "a day",
	"customer_predictions.repeat_days": "days", "customer_predictions.last_days": "days", "customer_predictions.age_days": "days",
	"loss_antecedents.purchases_with": "purchases", "loss_antecedents.purchases_without": "purchases",
	"prediction_fits.repeat_purchases": "purchases", "prediction_fits.history_days": "days", "prediction_holdout.holdout_days": "days",
	"prediction_fits.starts": "of a search", "prediction_fits.starts_agreed": "of a search",
	"promises_monthly.promised": "promises", "promises_monthly.due": "promises", "promises_monthly.kept": "promises", "promises_monthly.early": "promises",
	"promises_monthly.late": "promises", "promises_monthly.never": "promises", "promises_monthly.unknown": "promises",
	"unmapped_reasons.times": "texts", "winback_by.campaigns": "campaigns", "winback_by.sent": "touches",
	"winback_campaigns.sent": "touches", "winback_campaigns.unknown_contacts": "touches of nobody",
}

// partsOfCounts says of counts what part of another they are: nothing else tells how
// many, so they are held to that one from above.
var partsOfCounts = map[string]string{
	"callcenter_leaks.customers": "customers", "callcenter_leaks.judged": "customers whose days are over", "callcenter_leaks.lost": "judged",
	"callcenter_leaks.others_judged": "customers", "callcenter_leaks.others_lost": "customers",
	"churn_monthly_by.customers_at_start_12m": "the year's customers, where a part has them for so long", "churn_monthly_by.lost_12m": "of these",
	"complaint_outcomes.judged": "buyers whose days are over", "complaint_outcomes.repurchased": "judged",
	"event_impact.lost_before": "losses of three months", "event_impact.lost_after": "losses of three months",
	"event_impact.decided_before": "lost_before", "event_impact.decided_after": "lost_after",
	"event_impact.stopped_before": "customers_before", "event_impact.stopped_after": "customers_after",
	"loss_antecedents.reasons_written": "losses_with", "loss_antecedents.written_reason_losses": "reasons_written",
	"prediction_fits.customers": "buyers", "prediction_fits.repeat_customers": "buyers", "prediction_holdout.customers": "buyers",
	"customer_predictions.fitted_customers": "buyers",
	"promises_monthly.customers_broken":     "customers", "promises_monthly.broken_n": "customers_broken", "promises_monthly.broken_lost": "broken_n",
	"promises_monthly.kept_n": "customers", "promises_monthly.kept_lost": "kept_n",
	"quiet_leavers_monthly.complained": "lost", "reason_disagreement.compared": "lost", "reason_disagreement.disagreed": "compared",
	"winback_by.control": "control of the campaigns", "winback_by.opened": "treated", "winback_by.clicked": "opened",
	"winback_campaigns.opened": "treated", "winback_campaigns.clicked": "opened", "winback_campaigns.returned": "treated",
	"winback_campaigns.control_returned": "control", "winback_campaigns.contaminated": "control", "winback_campaigns.yardstick_n": "customers",
	"winback_kpis.half_year_n": "returned", "winback_kpis.recovered_80": "half_year_n", "winback_kpis.year_n": "returned",
	"winback_kpis.good_year": "year_n", "winback_kpis.second_lost": "year_n", "winback_return_curves.returned": "treated and control",
}

// keysFrom says of lists of customers which other check knows their keys.
var keysFrom = map[string]string{
	"customer_months":                "int_months_closed, which it is made of, looks for each in int_customers",
	"customer_links":                 "it is where the keys come from, and as many as there are customers",
	"churn_reconciliation_customers": "its own check looks for each new one in int_customer_cards",
}

// choiceOfRows says of lists of customers why no other table tells how long they are.
var choiceOfRows = map[string]string{
	"cart_reminders_due": "carts for which a reminder is due today", "returned_watch": "what went wrong, if anything did",
	"former_customer_keys": "keys of the past", "plan_fact": "those with a plan or a purchase in the month", "deals": "deals of customers and of others",
	"deal_stages": "deals of customers and of others",
}

// reconciles sees that every number of customers in a mart is held to mart.customers:
// with more customers in each row than there are, a check turns red that reads
// mart.customers, or a mart that is held to it. So do lists with strangers in them, or
// with customers missing.
func reconciles(t *testing.T, conn driver.Conn, p *model.Project, vars model.Vars) {
	r := newReconciler(t, conn, p, vars)
	found := 0
	for _, m := range p.Models() {
		if m.Database != model.MartDatabase {
			continue
		}
		for _, column := range m.Columns {
			if id := m.Name + "." + column.Name; isWhole(column.Type) && cmp.Or(notCustomers[m.Name], notCustomers[id]) == "" {
				found++
				more := "1"
				if partsOfCounts[id] != "" {
					more = "1000000000"
				}
				r.spoil(m, id, fmt.Sprintf("(select * replace (cast(%[1]s + %[2]s, toTypeName(%[1]s)) as %[1]s) from TABLE)", column.Name, more))
			}
		}
		if _, ok := m.Column("customer_key"); !ok || m.Name == "customers" {
			continue
		}
		if keysFrom[m.Name] == "" {
			r.spoil(m, m.Name+" with strangers", "(select * replace (cast(concat(customer_key, '?'), toTypeName(customer_key)) as customer_key) from TABLE)")
		}
		if choiceOfRows[m.Name] == "" {
			r.spoil(m, m.Name+" with customers missing", "(select * from TABLE where cityHash64(customer_key) % 3 > 0)")
		}
	}
	if found < 60 {
		t.Errorf("%d columns count customers; there are more", found)
	}
	r.judge()
}

// reconciler knows the checks over marts and what they notice.
type reconciler struct {
	t       *testing.T
	conn    driver.Conn
	ctx     context.Context
	checks  []*model.SingularCheck // those that read least first
	queries map[string]string
	names   map[string]string   // of marts in the queries
	noticed map[string][]string // what was spoilt: the models that the checks read which turned red
	martOf  map[string]string
}

func newReconciler(t *testing.T, conn driver.Conn, p *model.Project, vars model.Vars) *reconciler {
	t.Helper()
	targets, err := model.NewRunner(conn, p, model.RunnerOptions{Vars: vars}).Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := &reconciler{t: t, conn: conn, checks: p.SingularChecks(), queries: map[string]string{}, names: map[string]string{}, noticed: map[string][]string{}, martOf: map[string]string{}}
	slices.SortStableFunc(r.checks, func(a, b *model.SingularCheck) int { return cmp.Compare(len(a.Parents), len(b.Parents)) })
	r.ctx = clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"join_use_nulls": 1, "max_threads": 1}))
	for _, c := range r.checks {
		for _, target := range only(targets, c.Name) {
			r.queries[c.Name] = target.Checks[0].Query
		}
	}
	r.keepViews(p)
	return r
}

// keepViews has the checks read copies of the views, which would be computed each time.
func (r *reconciler) keepViews(p *model.Project) {
	r.t.Helper()
	run := func(sql string) {
		if err := r.conn.Exec(r.ctx, sql); err != nil {
			r.t.Fatalf("%s: %v", sql, err)
		}
	}
	run("create database kept")
	r.t.Cleanup(func() { _ = r.conn.Exec(context.WithoutCancel(r.ctx), "drop database kept sync") })
	for _, m := range p.Models() {
		if m.Database != model.MartDatabase {
			continue
		}
		r.names[m.Name] = m.FullName()
		if m.Materialized == model.View {
			r.names[m.Name] = "kept." + m.Name
			run(fmt.Sprintf("create table kept.%s engine = Memory as select * from %s", m.Name, m.FullName()))
			for check, query := range r.queries {
				r.queries[check] = nameOf(m.FullName()).ReplaceAllString(query, r.names[m.Name])
			}
		}
	}
}

func nameOf(table string) *regexp.Regexp {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(table) + `\b`)
}

// spoil notes which checks notice that a mart reads as something else.
func (r *reconciler) spoil(m *model.Model, what, instead string) {
	r.t.Helper()
	instead = strings.ReplaceAll(instead, "TABLE", r.names[m.Name])
	r.martOf[what], r.noticed[what] = m.Name, nil
	for _, c := range r.checks {
		if !slices.Contains(c.Parents, m.Name) {
			continue
		}
		query := nameOf(r.names[m.Name]).ReplaceAllString(r.queries[c.Name], instead+" as "+m.Name)
		query = strings.ReplaceAll(query, " as "+m.Name+" as ", " as ")
		var red bool
		if err := r.conn.QueryRow(r.ctx, "select count() > 0 from ("+query+" limit 1)").Scan(&red); err != nil {
			r.t.Errorf("%s of %s: %v", c.Name, what, err)
		}
		if red {
			r.noticed[what] = append(r.noticed[what], c.Parents...)
		}
		if slices.ContainsFunc(r.noticed[what], func(name string) bool { return name != m.Name }) {
			return
		}
	}
	for _, c := range m.Checks {
		var red bool
		if c.Kind != check.Expression || strings.Contains(what, " with ") {
			continue
		}
		if err := r.conn.QueryRow(r.ctx, "select count() > 0 from "+instead+" where not ("+c.Condition+")").Scan(&red); err != nil {
			r.t.Errorf("%s of %s: %v", c.Name, what, err)
		}
		if red {
			r.noticed[what] = append(r.noticed[what], m.Name)
		}
	}
}

// judge says what is not held to mart.customers, be it over other marts that are.
func (r *reconciler) judge() {
	held := map[string]bool{"customers": true}
	left := maps.Clone(r.noticed)
	for before := -1; before != len(left); {
		before = len(left)
		for what, marts := range left {
			if slices.ContainsFunc(marts, func(name string) bool { return held[name] }) {
				held[r.martOf[what]] = true
				delete(left, what)
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(left)) {
		r.t.Errorf("%s: no check notices it that reads mart.customers or what is held to it (%v)", what, left[what])
	}
}

// isWhole says that values of the type may be counts.
func isWhole(columnType string) bool {
	bare := strings.TrimSuffix(strings.TrimPrefix(columnType, "Nullable("), ")")
	return strings.HasPrefix(bare, "UInt") || strings.HasPrefix(bare, "Int")
}
