package verify

import (
	"context"
	"fmt"
	"strings"

	"winback/pipelines/model"
	"winback/pipelines/stats"
)

// cases are all of them, in the order in which they are shown.
func cases() []testCase {
	var all []testCase
	for _, group := range [][]testCase{churnCases(), rateCases(), survivalCases(), serviceCases(), campaignCases(), cdnowCases()} {
		all = append(all, group...)
	}
	return all
}

const metricsPage = "worked example of the definition"

// churnCases are the worked examples of churn and of the money lost.
func churnCases() []testCase {
	month := func(columns string, expressions ...string) func(context.Context, *bench) ([]float64, error) {
		return func(ctx context.Context, b *bench) ([]float64, error) {
			return b.numbers(ctx, "churn_monthly_by", map[string]string{
				"int_movements_by": "select toDate('2024-03-01') as month, '(all)' as segment, true as is_complete, " + columns,
			}, expressions...)
		}
	}
	through, models := "mart.churn_monthly_by", []string{"churn_monthly_by"}
	return []testCase{{
		subject: "Churn: 1,000 at the start, 200 lost", source: metricsPage, through: through, models: models,
		numbers: []published{{"churn, %", 20, 6}},
		compute: month("1000 as customers_at_start, 200 as lost", "any(churn_pct)"),
	}, {
		subject: "Money lost: 200 customers × 2,000 × 6 payments", source: metricsPage, through: through, models: models,
		numbers: []published{{"lost revenue, simple", 2_400_000, 2}},
		compute: month("900 as customers_at_start, 60 as new_customers, 40 as returned, 200 as lost, 6000 as orders, 12000000 as revenue", "any(lost_revenue_simple)"),
	}, {
		subject: "Lifetime value: 5 years × 10 purchases × 500", source: metricsPage, through: through, models: models,
		numbers: []published{{"lifetime value", 25_000, 2}, {"of 100 lost", 2_500_000, 2}},
		compute: month("1300 as customers_at_start, 100 as lost, 1000 as customers_at_start_12m, 200 as lost_12m, 12000 as orders_12m, 6000000 as revenue_12m, 14400 as customer_months_12m",
			"any(ltv_simple)", "any(lost_ltv)"),
	}, {
		subject: "Revenue churn: start 100, churn 10, contraction 10, expansion 10", source: "ChartMogul, help 203359341", through: through, models: models,
		numbers: []published{{"gross, %", 20, 6}, {"net, %", 10, 6}},
		compute: month("true as has_year_before, 100 as revenue_at_start, 10 as revenue_lost, 10 as revenue_shrunk, 10 as revenue_grown, 0 as revenue_returned",
			"any(revenue_churn_pct)", "any(revenue_churn_net_pct)"),
	}}
}

// rateCases are intervals, by the formulas that models write in SQL and by those
// in Go, and the size of experiments.
func rateCases() []testCase {
	const newcombe = "Newcombe, Statistics in Medicine 17 (1998)"
	var all []testCase
	for _, c := range []struct{ k, n, lower, upper float64 }{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {12, 100, 0.070, 0.198}} {
		source, decimals := newcombe+", 857", 4
		if c.n == 100 {
			source, decimals = metricsPage, 3
		}
		numbers := []published{{"lower", c.lower, decimals}, {"upper", c.upper, decimals}}
		subject := fmt.Sprintf("Wilson: %v of %v", c.k, c.n)
		all = append(all, testCase{
			subject: subject, source: source, through: "mart.churn_monthly_by", models: []string{"churn_monthly_by"}, numbers: numbers,
			compute: func(ctx context.Context, b *bench) ([]float64, error) {
				return b.numbers(ctx, "churn_monthly_by", map[string]string{
					"int_movements_by": fmt.Sprintf("select toDate('2024-03-01') as month, '(all)' as segment, %v as customers_at_start, %v as lost", c.n, c.k),
				}, "any(churn_lower) / 100", "any(churn_upper) / 100")
			},
		}, testCase{
			subject: subject, source: source, through: "pipelines/stats", numbers: numbers,
			compute: inGo(func() []float64 { lower, upper := stats.Wilson(c.k, c.n); return []float64{lower, upper} }),
		})
	}
	for _, c := range []struct{ k1, n1, k2, n2, lower, upper float64 }{{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090}, {10, 10, 0, 20, 0.6791, 1}} {
		numbers := []published{{"lower", c.lower, 4}, {"upper", c.upper, 4}}
		subject := fmt.Sprintf("Newcombe: %v of %v less %v of %v", c.k1, c.n1, c.k2, c.n2)
		all = append(all, testCase{
			subject: subject, source: newcombe + ", 873", through: "staging.int_campaign_effects", models: []string{"int_campaign_effects"}, numbers: numbers,
			compute: func(ctx context.Context, b *bench) ([]float64, error) {
				return b.numbers(ctx, "int_campaign_effects", map[string]string{"int_campaign_members": groups(c.k1, c.n1, c.k2, c.n2)}, "any(uplift_lower) / 100", "any(uplift_upper) / 100")
			},
		}, testCase{
			subject: subject, source: newcombe + ", 873", through: "pipelines/stats", numbers: numbers,
			compute: inGo(func() []float64 {
				lower, upper := stats.Newcombe(c.k1, c.n1, c.k2, c.n2)
				return []float64{lower, upper}
			}),
		})
	}
	return append(all, testCase{
		subject: "Sample size per group, 5 % and 80 %", source: "Fleiss, Levin, Paik (2003), 4.14", through: "pipelines/stats",
		numbers: []published{{"10 to 12 %", 3841, 0}, {"5 to 6 %", 8158, 0}, {"2 to 2.5 %", 13809, 0}},
		compute: inGo(func() []float64 {
			return []float64{stats.UsualPower.SampleSize(0.10, 0.12), stats.UsualPower.SampleSize(0.05, 0.06), stats.UsualPower.SampleSize(0.02, 0.025)}
		}),
	})
}

// groups returns a query for the members of a campaign, of whom k1 of n1 treated
// and k2 of n2 controls returned.
func groups(k1, n1, k2, n2 float64) string {
	return fmt.Sprintf("select 's' as source, 'c' as campaign_id, toString(number) as customer_key, number >= %[2]v as is_control, if(is_control, number - %[2]v < %[3]v, number < %[1]v) as is_returned from numbers(%[4]v)",
		k1, n1, k2, n1+n2)
}

// inGo makes a computation of one that needs no warehouse.
func inGo(compute func() []float64) func(context.Context, *bench) ([]float64, error) {
	return func(context.Context, *bench) ([]float64, error) { return compute(), nil }
}

// numbers returns what expressions say of a model over given rows.
func (b *bench) numbers(ctx context.Context, name string, rows map[string]string, expressions ...string) ([]float64, error) {
	trial, err := b.runner.Try(ctx, name, model.DefaultVars(), rows)
	if err != nil {
		return nil, err
	}
	return trial.Numbers(ctx, expressions...)
}

// survivalCases are the remissions of Freireich and others (1963), in weeks.
func survivalCases() []testCase {
	const source = "Freireich and others, Blood 21 (1963); R survival"
	treated := []float64{6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35} // censored below zero
	placebo := []float64{1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}
	weeks := []int{6, 7, 10, 13, 16, 22, 23}
	survivals := []float64{0.857143, 0.806723, 0.752941, 0.690196, 0.627451, 0.537815, 0.448179}
	errors := []float64{0.0763604, 0.0869353, 0.0963497, 0.1068147, 0.1140539, 0.1282338, 0.1345915}
	curve := testCase{subject: "Kaplan-Meier: 6-MP", source: source, through: "mart.survival", models: []string{"survival"}}
	var expressions []string
	for i, week := range weeks {
		curve.numbers = append(curve.numbers, published{fmt.Sprintf("survival after %d weeks", week), survivals[i], 6}, published{fmt.Sprintf("its standard error, %d weeks", week), errors[i], 7})
		expressions = append(expressions, fmt.Sprintf("anyIf(survival, segment = '(all)' and day = %d)", week), fmt.Sprintf("anyIf(std_error, segment = '(all)' and day = %d)", week))
	}
	curve.numbers, expressions = append(curve.numbers, published{"median, weeks", 23, 0}), append(expressions, "any(median_day)")
	curve.compute = func(ctx context.Context, b *bench) ([]float64, error) {
		given := strings.ReplaceAll(strings.Trim(fmt.Sprint(treated), "[]"), " ", ", ")
		return b.numbers(ctx, "survival", map[string]string{
			"int_lifetimes": "select 's' as segment, toUInt32(abs(weeks)) as duration_days, weeks > 0 as is_lost from (select arrayJoin([" + given + "]) as weeks)",
		}, expressions...)
	}
	return []testCase{curve, {
		subject: "Log-rank: 6-MP and placebo", source: source, through: "pipelines/stats",
		numbers: []published{{"chi-square", 16.79294, 5}, {"p × 100,000", 4.17, 2}},
		compute: inGo(func() []float64 {
			chiSquare, p := stats.LogRank(lifetimes(treated), lifetimes(placebo))
			return []float64{chiSquare, p * 1e5}
		}),
	}}
}

func lifetimes(times []float64) []stats.Lifetime {
	all := make([]stats.Lifetime, len(times))
	for i, time := range times {
		all[i] = stats.Lifetime{Time: max(time, -time), Ended: time > 0}
	}
	return all
}
