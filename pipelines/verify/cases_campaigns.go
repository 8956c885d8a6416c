package verify

import (
	"context"
	"fmt"

	"winback/pipelines/model"
	"winback/pipelines/quote"
	"winback/pipelines/stats"
)

var hillstrom = &dataSet{"Hillstrom's e-mail test", "email_campaign_hillstrom/hillstrom.csv.gz",
	"https://blog.minethatdata.com/2008/03/minethatdata-e-mail-analytics-and-data.html"}

// campaignCases are returns on marketing investment, and the mail campaign of
// Hillstrom through the models of campaigns.
func campaignCases() []testCase {
	romi := testCase{
		subject: "ROMI: revenue 8,325 and 3,840, cost 285", source: metricsPage, through: "mart.winback_campaigns", models: []string{"winback_campaigns"},
		numbers: []published{{"of 8,325, %", 2821.05, 2}, {"of 3,840, %", 1247.37, 2}},
		compute: func(ctx context.Context, b *bench) ([]float64, error) {
			return b.numbers(ctx, "winback_campaigns", map[string]string{
				"int_campaign_costs":   "select 's' as source, arrayJoin(['a', 'b']) as campaign_id, campaign_id as campaign, 285 as touch_cost",
				"int_campaign_effects": "select 'campaign' as dimension, 's' as source, arrayJoin(['a', 'b']) as campaign_id, 100 as treated, 10 as returned, if(campaign_id = 'a', 8325, 3840) as net_revenue, true as is_window_over, true as is_complete",
			}, "anyIf(romi_pct, campaign = 'a')", "anyIf(romi_pct, campaign = 'b')")
		},
	}
	const source = "Hillstrom, MineThatData (2008), recomputed"
	arms := testCase{
		subject: "Hillstrom: arms", source: source, through: "staging.int_campaign_effects", data: hillstrom, models: []string{"int_campaign_effects"},
		numbers: []published{
			{"men's mail, customers", 21307, 0}, {"women's mail, customers", 21387, 0}, {"no mail, customers", 21306, 0},
			{"men's mail, conversions", 267, 0}, {"women's mail, conversions", 189, 0}, {"no mail, conversions", 122, 0},
			{"men's mail, spend", 30311.69, 2}, {"women's mail, spend", 23038.11, 2}, {"no mail, spend", 13908.33, 2},
			{"men's uplift", 0.006805, 6}, {"men's uplift, lower", 0.005014, 6}, {"men's uplift, upper", 0.008641, 6},
			{"women's uplift", 0.003111, 6}, {"women's uplift, lower", 0.001502, 6}, {"women's uplift, upper", 0.004745, 6},
			{"men's spend per head, more", 0.769827, 6}, {"women's spend per head, more", 0.424412, 6},
		},
		compute: func(ctx context.Context, b *bench) ([]float64, error) {
			effects, err := b.hillstromEffects(ctx)
			if err != nil {
				return nil, err
			}
			men, women := "campaign_id = 'men' and dimension = 'campaign'", "campaign_id = 'women' and dimension = 'campaign'"
			var expressions []string
			for _, e := range [][3]string{{"treated", men}, {"treated", women}, {"control", men}, {"treated_returned", men}, {"treated_returned", women},
				{"control_returned", men}, {"treated_revenue", men}, {"treated_revenue", women}, {"control_revenue", men}} {
				expressions = append(expressions, fmt.Sprintf("anyIf(%s, %s)", e[0], e[1]))
			}
			for _, e := range [][2]string{{"uplift_pp / 100", men}, {"uplift_lower / 100", men}, {"uplift_upper / 100", men}, {"uplift_pp / 100", women},
				{"uplift_lower / 100", women}, {"uplift_upper / 100", women}, {"mean_difference", men}, {"mean_difference", women}} {
				expressions = append(expressions, fmt.Sprintf("anyIf(%s, %s)", e[0], e[1]))
			}
			return effects.Numbers(ctx, expressions...)
		},
	}
	return []testCase{romi, arms, hillstromMoney(source), hillstromErrors(source)}
}

// serviceCases are the five answers that formulas of the service level give to one
// day of calls.
func serviceCases() []testCase {
	return []testCase{{
		subject: "Service level: 1,000 answered, 60 gave up", source: "callcentrehelper.com 206890",
		through: "mart.callcenter_daily", models: []string{"int_call_rates", "callcenter_daily"},
		numbers: []published{{"formula 4, %", 82.69, 2}, {"formula 1, %", 83.02, 2}, {"formula 2, %", 86.00, 2}, {"formula 3, %", 81.13, 2}, {"formula 5, %", 82.08, 2}},
		compute: func(ctx context.Context, b *bench) ([]float64, error) {
			rates, err := b.runner.Try(ctx, "int_call_rates", model.DefaultVars(), map[string]string{
				"int_call_days": "select toDate('2024-03-01') as day, 'line' as queue, 1060 as offered, 1000 as answered, 60 as abandoned, 860 as answered_in_time, 20 as abandoned_in_time, 10 as abandoned_short",
			})
			if err != nil {
				return nil, err
			}
			level := func(column string) string { return "anyIf(" + column + ", queue = '(all)')" }
			return b.numbers(ctx, "callcenter_daily", map[string]string{"int_call_rates": rates.SQL},
				level("service_level_pct"), level("service_level_1_pct"), level("service_level_2_pct"), level("service_level_3_pct"), level("service_level_5_pct"))
		},
	}}
}

// hillstromMoney is what the mails brought beyond what would have come anyway.
func hillstromMoney(source string) testCase {
	return testCase{
		subject: "Hillstrom: incremental revenue", source: source, through: "mart.winback_campaigns", data: hillstrom, models: []string{"int_campaign_effects", "winback_campaigns"},
		numbers: []published{{"men's mail", 16402.71, 2}, {"women's mail", 9076.90, 2}, {"men's, % of what came", 54.1, 1}},
		compute: func(ctx context.Context, b *bench) ([]float64, error) {
			effects, err := b.hillstromEffects(ctx)
			if err != nil {
				return nil, err
			}
			return b.numbers(ctx, "winback_campaigns", map[string]string{
				"int_campaign_effects": effects.SQL,
				"int_campaign_costs":   "select 's' as source, arrayJoin(['men', 'women']) as campaign_id, campaign_id as campaign, 1 as touch_cost",
			}, "anyIf(incremental_revenue, campaign = 'men')", "anyIf(incremental_revenue, campaign = 'women')", "anyIf(incremental_share_pct, campaign = 'men')")
		},
	}
}

// hillstromErrors are the standard errors of the difference in spend.
func hillstromErrors(source string) testCase {
	return testCase{
		subject: "Hillstrom: standard error of spend per head", source: source, through: "pipelines/stats", data: hillstrom,
		numbers: []published{{"men's mail", 0.145247, 6}, {"women's mail", 0.130333, 6}},
		compute: func(ctx context.Context, b *bench) ([]float64, error) {
			var arms [3]stats.Sample
			for i, arm := range []string{"Mens E-Mail", "Womens E-Mail", "No E-Mail"} {
				row := b.conn.QueryRow(ctx, fmt.Sprintf("select toFloat64(count()), avg(toFloat64(spend)), varSampStable(toFloat64(spend)) from %s where segment = %s", b.hillstromFile(), quote.Literal(arm)))
				if err := row.Scan(&arms[i].N, &arms[i].Mean, &arms[i].Variance); err != nil {
					return nil, err
				}
			}
			return []float64{stats.Welch(arms[0], arms[2]).StdError, stats.Welch(arms[1], arms[2]).StdError}, nil
		},
	}
}

func (b *bench) hillstromFile() string {
	return fmt.Sprintf("file(%s, CSVWithNames, 'recency UInt8, history_segment String, history Decimal(18, 2), mens UInt8, womens UInt8, zip_code String, newbie UInt8, channel String, segment String, visit UInt8, conversion UInt8, spend Decimal(18, 4)')",
		quote.Literal(b.file(hillstrom)))
}

// hillstromEffects are both mails as campaigns that share their control group.
func (b *bench) hillstromEffects(ctx context.Context) (*model.Trial, error) {
	vars := model.DefaultVars()
	members := fmt.Sprintf(`select 's' as source, arrayJoin(multiIf(segment = 'Mens E-Mail', ['men'], segment = 'Womens E-Mail', ['women'], ['men', 'women'])) as campaign_id,
		toString(rowNumberInAllBlocks()) as customer_key, segment = 'No E-Mail' as is_control, toDate('2008-03-01') as touched_on, 14 as attribution_days, 14 as horizon_days,
		conversion = 1 as is_returned, is_returned and not is_control as is_attributed, spend as revenue, if(is_control, 0, spend) as attributed_net_revenue from %s`, b.hillstromFile())
	return b.runner.Try(ctx, "int_campaign_effects", vars, map[string]string{"int_campaign_members": members})
}
