-- prediction_fits: the models of repeat purchases and of spend, fitted to each segment and to all customers.
-- grain: one row per segment, model and parameter
-- materialized: table
-- memory: large
-- computed_by: purchase_fits
-- order_by: (segment, model, parameter)
-- tags: prediction

-- The fit wants histories and how many customers have each of them.
select segment, repeat_days, last_days, age_days, mean_spend, toUInt32(count()) as customers
from {{ ref "int_fitted_histories" }}
group by segment, repeat_days, last_days, age_days, mean_spend
