package grafana

import (
	"context"
	"net/http"
	"time"

	"github.com/go-openapi/strfmt"
	"github.com/grafana/grafana-openapi-client-go/client/provisioning"
	"github.com/grafana/grafana-openapi-client-go/models"
)

// alert is what is watched. Its query gives one number, or one to a label, and the
// alert fires for each above the limit.
type alert struct {
	uid, title string
	sql        string
	above      float64
	after      time.Duration // how long it has to be so
	summary    string        // {{ $values.B }} is the number
	dashboard  string
	panel      string // its id, shown beside the alert
	// silence and failure are what no rows and a failing query mean.
	silence, failure string
}

// alerts are the same for every project: limits are those that the marts were built
// with. That the warehouse cannot be asked is told once, by data-old.
func alerts() []alert {
	return []alert{
		{
			uid: "winback-churn-alarm", title: "Yearly churn is at the alarm level", dashboard: "executive", panel: "1",
			sql: "SELECT if(level = 'alarm', churn_12m_pct, 0) AS churn\nFROM mart.churn_monthly\n" +
				"WHERE segment = '(all)' AND is_complete AND level IS NOT NULL\nORDER BY month DESC\nLIMIT 1",
			summary: `Of the customers of twelve months ago, {{ printf "%.1f" $values.B.Value }} % were lost since: at or above churn.alarm_level.`,
			silence: "OK", failure: "OK",
		},
		{
			uid: "winback-data-old", title: "Data are older than a day", dashboard: "data-health", panel: "6", above: 24, after: 2 * time.Hour,
			sql: "SELECT source, toFloat64(least(dateDiff('hour', min(read_at), now()), 8760)) AS hours\nFROM ops.freshness\nGROUP BY source\nORDER BY source",
			summary: `{{ $labels.source }} was last read whole {{ printf "%.0f" $values.B.Value }} hours ago (8760: a year or never). ` +
				`See winback run, and the dashboard for what went wrong.`,
			silence: "NoData", failure: "Error",
		},
		{
			uid: "winback-checks-red", title: "Checks of the data are red", dashboard: "data-health", panel: "7",
			sql: "SELECT toFloat64(countIf(latest IN ('failed', 'broken'))) AS red\n" +
				"FROM (SELECT model, check, argMax(status, checked_at) AS latest FROM ops.checks GROUP BY model, check)",
			summary: `{{ printf "%.0f" $values.B.Value }} checks are red: figures may be wrong. winback check shows the rows.`,
			silence: "OK", failure: "OK",
		},
		{
			uid: "winback-callbacks-missed", title: "Promised call-backs were missed", dashboard: "call-centre", panel: "3",
			sql: "SELECT team, toFloat64(count()) AS missed\nFROM mart.promises\nWHERE kind = 'callback' AND status = 'never'\n" +
				"    AND due_on = (SELECT max(as_of) FROM ops.runs FINAL WHERE state IN ('done', 'partly'))\nGROUP BY team\nORDER BY team",
			summary: `{{ $labels.team }} promised {{ printf "%.0f" $values.B.Value }} call-backs for the last day of the data and made none of them so far.`,
			silence: "OK", failure: "OK",
		},
	}
}

// AlertQueries are the queries of the alert rules, by the uid of the rule.
func AlertQueries() map[string]string {
	queries := map[string]string{}
	for _, a := range alerts() {
		queries[a.uid] = a.sql
	}
	return queries
}

// interval is how often rules are looked at, in seconds: figures change with a run.
const interval = 600

// rule is an alert as Grafana keeps it: A asks the warehouse, B takes the number, C
// compares it.
func (g Settings) rule(a alert) *models.ProvisionedAlertRule {
	condition, folder, group, org := "C", uid, ruleGroup, max(g.Org, 1)
	wait := strfmt.Duration(a.after)
	r := &models.ProvisionedAlertRule{
		UID: a.uid, Title: &a.title, FolderUID: &folder, RuleGroup: &group, OrgID: &org, Condition: &condition,
		For: &wait, NoDataState: &a.silence, ExecErrState: &a.failure,
		Annotations: map[string]string{"summary": a.summary, "__dashboardUid__": a.dashboard, "__panelId__": a.panel},
		Labels:      map[string]string{"product": "winback"},
		Data: []*models.AlertQuery{
			{
				RefID: "A", DatasourceUID: uid, RelativeTimeRange: &models.RelativeTimeRange{From: 3600},
				Model: map[string]any{"refId": "A", "editorType": "sql", "format": 1, "rawSql": a.sql, "intervalMs": 1000, "maxDataPoints": 43200},
			},
			{
				RefID: "B", DatasourceUID: "__expr__", RelativeTimeRange: &models.RelativeTimeRange{},
				Model: map[string]any{"refId": "B", "type": "reduce", "expression": "A", "reducer": "last", "settings": map[string]any{"mode": "dropNN"}},
			},
			{
				RefID: "C", DatasourceUID: "__expr__", RelativeTimeRange: &models.RelativeTimeRange{},
				Model: map[string]any{
					"refId": "C", "type": "threshold", "expression": "B",
					"conditions": []any{map[string]any{"evaluator": map[string]any{"type": "gt", "params": []any{a.above}}}},
				},
			},
		},
	}
	if receiver := g.Contact.receiver(); receiver != "" {
		r.NotificationSettings = &models.AlertRuleNotificationSettings{Receiver: &receiver}
	}
	return r
}

// provisionRules brings the group of rules to what is wanted, in one step. Rules
// that somebody else put into the group stay in it.
func (g *Grafana) provisionRules(ctx context.Context, force bool) ([]Change, error) {
	have, known, err := g.rules(ctx)
	if err != nil {
		return nil, err
	}
	group := &models.AlertRuleGroup{Title: ruleGroup, FolderUID: uid, Interval: interval}
	var done []Change
	write := known && have.Interval != interval
	for _, a := range alerts() {
		want := g.settings.rule(a)
		rule, change, err := mergeRule(want, have.Rules, force)
		if err != nil {
			return nil, err
		}
		write = write || change.Action == Created || change.Action == Changed
		group.Rules = append(group.Rules, rule)
		done = append(done, change)
	}
	for _, r := range have.Rules {
		if findRule(group.Rules, r.UID) == nil {
			group.Rules = append(group.Rules, r)
		}
	}
	if !write {
		return done, nil
	}
	_, err = g.alerting.PutAlertRuleGroup(provisioning.NewPutAlertRuleGroupParamsWithContext(ctx).WithFolderUID(uid).WithGroup(ruleGroup).WithBody(group))
	if err != nil {
		return nil, g.explain("write the alert rules", err)
	}
	return done, nil
}

func (g *Grafana) rules(ctx context.Context) (group *models.AlertRuleGroup, known bool, err error) {
	answer, err := g.alerting.GetAlertRuleGroupWithParams(provisioning.NewGetAlertRuleGroupParamsWithContext(ctx).WithFolderUID(uid).WithGroup(ruleGroup))
	if status(err) == http.StatusNotFound {
		return &models.AlertRuleGroup{}, false, nil
	}
	if err != nil {
		return nil, false, g.explain("look for the alert rules", err)
	}
	return answer.Payload, true, nil
}

// mergeRule chooses between what is wanted of a rule and what there is. A pause is
// somebody's decision and stays.
func mergeRule(want *models.ProvisionedAlertRule, all []*models.ProvisionedAlertRule, force bool) (*models.ProvisionedAlertRule, Change, error) {
	change := Change{Kind: "alert rule", Name: *want.Title, Action: Created}
	have := findRule(all, want.UID)
	if have == nil {
		return want, change, nil
	}
	want.IsPaused, want.OrgID, want.Updated = have.IsPaused, have.OrgID, have.Updated
	same, err := within(want, have)
	switch {
	case err != nil:
		return nil, change, err
	case same:
		change.Action = LeftAlone
		return have, change, nil
	case have.Provenance != fromAPI && !force:
		change.Action, change.Detail = Refused, notOurs(string(have.Provenance))
		return have, change, nil
	}
	change.Action = Changed
	return want, change, nil
}

func findRule(rules []*models.ProvisionedAlertRule, uid string) *models.ProvisionedAlertRule {
	for _, r := range rules {
		if r.UID == uid {
			return r
		}
	}
	return nil
}
