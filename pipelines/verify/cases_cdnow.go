package verify

import (
	"context"
	"fmt"
	"time"

	"winback/pipelines/model"
	"winback/pipelines/quote"
	"winback/pipelines/stats"
)

var cdnow = &dataSet{"the CDNOW sample", "cdnow_sample/cdnow_sample.txt.gz", "http://www.brucehardie.com/datasets/"}

const (
	faderHardieLee = "Fader, Hardie, Lee, Marketing Science 24 (2005)"
	batislam       = "Batislam, Denizel, Filiztekin (2007); R BTYDplus"
	gammaGamma     = "Fader, Hardie, The Gamma-Gamma Model (2013)"
)

// cdnowVars are those of the end of the calibration period.
func cdnowVars() model.Vars {
	vars := model.DefaultVars()
	vars.AsOf = time.Date(1997, 9, 30, 0, 0, 0, 0, time.UTC)
	return vars
}

// cdnowHistories are the customers of the sample by the model that knows their
// histories.
func (b *bench) cdnowHistories(ctx context.Context) (*model.Trial, error) {
	purchases := fmt.Sprintf(`select splitByWhitespace(trimLeft(line)) as fields, fields[2] as customer_key, '(none)' as segment, toDate(parseDateTime(fields[3], '%%Y%%m%%d')) as ordered_on,
			min(ordered_on) over (partition by customer_key) as first_on, toDecimal64(fields[5], 4) as revenue
		from file(%s, LineAsString, 'line String') where ordered_on <= toDate('1997-09-30')`, quote.Literal(b.file(cdnow)))
	return b.runner.Try(ctx, "int_fitted_histories", cdnowVars(), map[string]string{
		"int_purchases": "select customer_key, segment, ordered_on, first_on, revenue from (" + purchases + ")",
	})
}

func cdnowCases() []testCase {
	models := []string{"int_fitted_histories", "prediction_fits", "int_prediction_parameters", "int_purchase_outlook", "customer_predictions"}
	fits := func(subject, source, name string, numbers []published) testCase {
		return testCase{
			subject: subject, source: source, through: "mart.prediction_fits", data: cdnow, models: models, numbers: numbers,
			compute: func(ctx context.Context, b *bench) ([]float64, error) {
				trial, err := b.cdnowFits(ctx)
				if err != nil {
					return nil, err
				}
				var expressions []string
				for _, n := range numbers {
					column := fmt.Sprintf("anyIf(estimate, segment = '(all)' and model = %s and parameter = %s)", quote.Literal(name), quote.Literal(n.what))
					if n.what == "log-likelihood" {
						column = fmt.Sprintf("anyIf(log_likelihood, segment = '(all)' and model = %s)", quote.Literal(name))
					}
					expressions = append(expressions, column)
				}
				return trial.Numbers(ctx, expressions...)
			},
		}
	}
	return []testCase{
		{
			subject: "CDNOW: the sample", source: faderHardieLee, through: "staging.int_fitted_histories", data: cdnow, models: models,
			numbers: []published{{"customers", 2357, 0}, {"repeat purchases", 2457, 0}, {"one-time buyers", 1411, 0}},
			compute: func(ctx context.Context, b *bench) ([]float64, error) {
				trial, err := b.cdnowHistories(ctx)
				if err != nil {
					return nil, err
				}
				return trial.Numbers(ctx, "count()", "sum(repeat_days)", "countIf(repeat_days = 0)")
			},
		},
		fits("CDNOW: BG/NBD", faderHardieLee+", from transactions", "BG/NBD", []published{{"r", 0.24259, 3}, {"alpha", 4.41360, 3}, {"a", 0.79292, 3}, {"b", 2.42591, 3}, {"log-likelihood", -9582.429, 3}}),
		fits("CDNOW: MBG/NBD", batislam, "MBG/NBD", []published{{"r", 0.525, 3}, {"alpha", 6.183, 3}, {"a", 0.891, 3}, {"b", 1.614, 3}}),
		{
			subject: "CDNOW: MBG/NBD, weeks of two decimals", source: batislam, through: "pipelines/stats", data: cdnow, models: models,
			numbers: []published{{"log-likelihood", -9582.133, 3}},
			compute: func(ctx context.Context, b *bench) ([]float64, error) {
				p, err := b.cdnowPurchases(ctx)
				if err != nil {
					return nil, err
				}
				return []float64{stats.FitRepeat(stats.MBGNBD, p.Rounded(2)).LogLikelihood}, nil
			},
		},
		fits("CDNOW: Gamma-Gamma", gammaGamma, "Gamma-Gamma", []published{{"p", 6.25, 2}, {"q", 3.74, 2}, {"gamma", 15.44, 2}, {"log-likelihood", -4055.918, 3}}),
		cdnowCustomer(models),
		cdnowCustomerInGo(),
	}
}

// cdnowFits are the fits to the sample.
func (b *bench) cdnowFits(ctx context.Context) (*model.Trial, error) {
	if b.fits != nil {
		return b.fits, nil
	}
	histories, err := b.cdnowHistories(ctx)
	if err != nil {
		return nil, err
	}
	b.fits, err = b.runner.Try(ctx, "prediction_fits", cdnowVars(), map[string]string{"int_fitted_histories": histories.SQL})
	return b.fits, err
}

// cdnowPurchases are the histories of the sample as package stats takes them.
func (b *bench) cdnowPurchases(ctx context.Context) (*stats.Purchases, error) {
	trial, err := b.cdnowHistories(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := b.conn.Query(ctx, "select repeat_days, last_days, age_days from ("+trial.SQL+")")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var histories []stats.History
	for rows.Next() {
		var repeats, last, age uint32
		if err := rows.Scan(&repeats, &last, &age); err != nil {
			return nil, err
		}
		histories = append(histories, stats.History{Repeats: int(repeats), Last: int(last), Age: int(age), Customers: 1})
	}
	return stats.NewPurchases(histories), rows.Err()
}

// cdnowCustomer are the published customer and a one-time buyer among the
// predictions, with the parameters fitted before.
func cdnowCustomer(models []string) testCase {
	return testCase{
		subject: "CDNOW: x 2, t_x 30.43, T 38.86", source: batislam, through: "mart.customer_predictions", data: cdnow, models: models,
		numbers: []published{{"P(alive)", 0.7061, 4}, {"P(alive) of a one-time buyer", 0.3897, 4}},
		compute: func(ctx context.Context, b *bench) ([]float64, error) {
			fits, err := b.cdnowFits(ctx)
			if err != nil {
				return nil, err
			}
			parameters, err := b.runner.Try(ctx, "int_prediction_parameters", cdnowVars(), map[string]string{"prediction_fits": fits.SQL})
			if err != nil {
				return nil, err
			}
			two := `select 'two' as customer_key, '(none)' as segment, toDate('1997-09-30') - 272 as first_on, first_on + 213 as last_on, 2 as repeat_days, 44.70 as repeat_revenue
				union all select 'one', '(none)', toDate('1997-09-30') - 272 as first_on, first_on, 0, null`
			outlook, err := b.runner.Try(ctx, "int_purchase_outlook", cdnowVars(), map[string]string{"int_purchase_histories": two, "int_prediction_parameters": parameters.SQL})
			if err != nil {
				return nil, err
			}
			predictions, err := b.runner.Try(ctx, "customer_predictions", cdnowVars(), map[string]string{
				"int_purchase_histories": two, "int_prediction_parameters": parameters.SQL, "int_purchase_outlook": outlook.SQL,
			})
			if err != nil {
				return nil, err
			}
			return predictions.Numbers(ctx, "anyIf(p_alive, customer_key = 'two')", "anyIf(p_alive, customer_key = 'one')")
		},
	}
}

// cdnowCustomerInGo is the same customer by BG/NBD, which no mart shows.
func cdnowCustomerInGo() testCase {
	bg := stats.RepeatParameters{Model: stats.BGNBD, R: 0.24259291, Alpha: 4.41353156, A: 0.79288615, B: 2.42575343}
	spend := stats.SpendParameters{P: 6.24957229, Q: 3.74422466, Gamma: 15.44352090}
	return testCase{
		subject: "CDNOW: x 2, t_x 30.43, T 38.86", source: faderHardieLee, through: "pipelines/stats",
		numbers: []published{
			{"expected purchases in 39 weeks, BG/NBD", 1.226, 3}, {"P(alive), BG/NBD", 0.7266, 4}, {"P(alive) of a one-time buyer, BG/NBD", 1, 4},
			{"lifetime value, 12 months, 1 % a month", 36.278, 3}, {"x 1000, t_x 10, T 100: expected", 0, 6},
		},
		compute: inGo(func() []float64 {
			return []float64{
				bg.Expected(39, 2, 30.43, 38.86), bg.Alive(2, 30.43, 38.86), bg.Alive(0, 0, 38.86),
				bg.Discounted(12, 0.01, 2, 30.43, 38.86) * spend.Mean(2, 22.35), bg.Expected(39, 1000, 10, 100),
			}
		}),
	}
}
