-- prediction_fits: the models of repeat purchases and of spend, fitted to each segment and to all customers.
-- grain: one row per segment, model and parameter
-- materialized: table
-- computed_by: purchase_fits
-- order_by: (segment, model, parameter)
-- tags: prediction
with

customers as (
    select
        segment,
        repeat_days,
        toUInt32(last_on - first_on) as last_days,
        toUInt32({{ .AsOf }} - first_on) as age_days,
        toFloat64(repeat_revenue) / nullIf(repeat_days, 0) as mean_spend
    from {{ ref "int_purchase_histories" }}
)

-- The fit wants histories and how many customers have each of them.
select segment, repeat_days, last_days, age_days, mean_spend, toUInt32(count()) as customers
from customers
group by segment, repeat_days, last_days, age_days, mean_spend
