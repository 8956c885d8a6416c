package sqlfiles_test

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"winback/pipelines/model"
	sqlfiles "winback/sql"
)

// metric is one entry of metrics.yml.
type metric struct {
	ID, Name, Words, Formula, Unit, Direction, Grain, Table, Column, N, Lower, Upper, Example, Monthly string
	KPI                                                                                                bool
}

func metrics(tb testing.TB) []metric {
	tb.Helper()
	content, err := sqlfiles.Files.ReadFile("metrics.yml")
	if err != nil {
		tb.Fatal(err)
	}
	var file struct{ Metrics []metric }
	if err := yaml.UnmarshalWithOptions(content, &file, yaml.Strict()); err != nil {
		tb.Fatal(err)
	}
	if len(file.Metrics) == 0 {
		tb.Fatal("no metrics")
	}
	return file.Metrics
}

// TestMetrics sees that every metric is defined once, in full, by a column that
// is there.
func TestMetrics(t *testing.T) {
	units := []string{"customers", "orders", "money", "percent", "points", "share", "days", "years", "number", "text"}
	p, seen := project(t), map[string]bool{}
	for _, m := range metrics(t) {
		if seen[m.ID] {
			t.Errorf("metric %q is there twice", m.ID)
		}
		seen[m.ID] = true
		if m.ID == "" || m.Name == "" || m.Words == "" || m.Formula == "" || m.Grain == "" {
			t.Errorf("metric %q lacks id, name, words, formula or grain", m.ID)
		}
		if !slices.Contains(units, m.Unit) || !slices.Contains([]string{"up", "down", "none"}, m.Direction) {
			t.Errorf("metric %q: unit %q, direction %q", m.ID, m.Unit, m.Direction)
		}
		owner, ok := p.Model(m.Table)
		if !ok || owner.Database != model.MartDatabase {
			t.Errorf("metric %q: no mart %q", m.ID, m.Table)
			continue
		}
		for _, name := range []string{m.Column, m.N, m.Lower, m.Upper} {
			if _, ok := owner.Column(name); !ok && (name != "" || m.Column == "") {
				t.Errorf("metric %q: %s has no column %q", m.ID, m.Table, name)
			}
		}
	}
}

// TestMetrics_Monthly sees that kpi_monthly shows the metrics marked so, each from
// the column that owns it.
func TestMetrics_Monthly(t *testing.T) {
	text, err := sqlfiles.Files.ReadFile("marts/kpi_monthly.sql")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{} // column by id
	for _, match := range regexp.MustCompile(`\('([a-z0-9_]+)', (?:if\(is_[a-z]+, )?(?:[A-Za-z0-9]+\()*([a-z0-9_]+)`).FindAllStringSubmatch(string(text), -1) {
		if shown[match[1]] != "" {
			t.Errorf("kpi_monthly shows %s twice", match[1])
		}
		shown[match[1]] = match[2]
	}
	owner, _ := project(t).Model("kpi_monthly")
	for _, m := range metrics(t) {
		switch column, ok := shown[m.ID]; {
		case m.KPI && !ok:
			t.Errorf("kpi_monthly does not show %s", m.ID)
		case ok && !m.KPI:
			t.Errorf("kpi_monthly shows %s, which is not marked with kpi: true", m.ID)
		case ok && (column != m.Column || !slices.Contains(owner.Parents, cmp.Or(m.Monthly, m.Table))):
			t.Errorf("kpi_monthly shows %s from %s, it belongs to %s.%s", m.ID, column, m.Table, m.Column)
		}
		delete(shown, m.ID)
	}
	if len(shown) > 0 {
		t.Errorf("kpi_monthly shows %v, which are no metrics", slices.Sorted(maps.Keys(shown)))
	}
}

// quoted are the figures that people will quote, by mart, as the definition of the
// metrics names them: each has an entry.
var quoted = map[string]string{
	"churn_monthly":          "customers_at_start lost churn_pct churn_12m_pct level returned net_lost average_check payments_per_customer lost_revenue_simple ltv_simple lost_ltv lost_revenue_observed revenue_churn_pct revenue_retention_pct retention_pct",
	"base_movement":          "new lost at_end revenue_new revenue_returned revenue_grown revenue_shrunk revenue_lost revenue_at_end revenue orders",
	"churn_reconciliation":   "churn_pct customers_differing",
	"churn_cohorts":          "active lost_cum retention_pct survival_pct revenue_retention_pct cum_revenue_per_customer",
	"survival":               "survival",
	"rfm_segments":           "rfm rfm_segment",
	"customers":              "status orders revenue margin average_check orders_per_year median_gap_days",
	"churn_reasons":          "lost share_pct lost_revenue avg_severity",
	"competitors":            "lost lost_revenue won_back deals_lost",
	"funnel_stages":          "entered dropped conversion_pct cumulative_conversion_pct median_days dropped_amount",
	"funnel_dropoff_reasons": "share_pct amount",
	"carts_monthly":          "abandoned_pct contactable recovered recovered_pct recovered_revenue cost romi_pct",
	"event_impact":           "before_pct after_pct diff_pp decided_diff_pp",
	"complaint_outcomes":     "repurchase_pct",
	"loss_antecedents":       "lift",
	"managers_monthly":       "portfolio churn_pct won_back overdue_debt bonus",
	"plan_fact":              "difference",
	"winback_candidates":     "p_return value_12m expected_value",
	"winback_kpis":           "returned average_trial_order recovered_80_pct good_year_pct second_loss_pct revenue_recovered recovered_share_pct cost_to_acquisition",
	"satisfaction_monthly":   "satisfaction nps response_pct guess_gap",
	"promises_monthly":       "never kept_pct broken_lost_pct",
	"callcenter_daily":       "service_level_pct abandoned_pct asa_seconds aht_seconds transferred_pct first_contact_resolution_pct",
	"callcenter_leaks":       "calls_pct lost_pct avoidable_revenue",
	"quiet_leavers_monthly":  "quiet_pct",
	"unmapped_reasons":       "times",
	"winback_campaigns":      "opened_pct clicked_pct return_pct revenue cost romi_pct margin_romi_pct control_return_pct uplift_pp incremental_revenue incremental_romi_pct cost_per_return",
}

// TestMetrics_Quoted sees that no figure of a mart that people quote lacks its
// definition.
func TestMetrics_Quoted(t *testing.T) {
	p, defined := project(t), map[string]bool{}
	for _, m := range metrics(t) {
		defined[m.Table+"."+m.Column] = true
	}
	for table, columns := range quoted {
		mart, ok := p.Model(table)
		if !ok {
			continue
		}
		for _, name := range strings.Fields(columns) {
			if _, has := mart.Column(name); !has {
				t.Errorf("mart.%s has no column %s", table, name)
			} else if !defined[table+"."+name] {
				t.Errorf("metrics.yml does not define %s of mart.%s", name, table)
			}
		}
	}
}
