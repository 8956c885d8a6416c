-- prediction_holdout: what the model of repeat purchases foretold of the last 180 days, and what was bought in them.
-- grain: one row per segment and repeat_purchases
-- materialized: table
-- computed_by: purchase_holdout
-- order_by: (segment, repeat_purchases)
-- tags: prediction
with

before_and_after as (
    select segment, days_before, last_days_before, age_days - 180 as age_days_before, days_after
    from {{ ref "int_fitted_histories" }}
    where days_before > 0
)

select
    segment,
    toUInt32(days_before - 1) as repeat_days,
    last_days_before as last_days,
    toUInt32(age_days_before) as age_days,
    days_after as actual_days,
    toUInt32(180) as holdout_days,
    toUInt32(count()) as customers
from before_and_after
group by segment, repeat_days, last_days, age_days, actual_days
