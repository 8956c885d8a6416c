-- prediction_holdout: what the model of repeat purchases foretold of the last part of the history, and what was bought in it.
-- grain: one row per segment and repeat_purchases
-- materialized: table
-- computed_by: purchase_holdout
-- order_by: (segment, repeat_purchases)
-- tags: prediction
with

segments as (
    select customer_key, segment, first_on from {{ ref "int_purchase_histories" }}
),

-- The last third of the history is held out, a year at most.
period as (
    select
        toUInt32(least(intDiv({{ .AsOf }} - min(first_on), 3), 365)) as holdout_days,
        {{ .AsOf }} - holdout_days as fitted_until
    from segments
),

before_and_after as (
    select
        customer_key,
        min(visited_on) as first_on,
        maxIf(visited_on, visited_on <= (select fitted_until from period)) as last_on,
        countIf(visited_on <= (select fitted_until from period)) as days_before,
        count() - days_before as days_after
    from {{ ref "int_visits" }}
    group by customer_key
    having days_before > 0
)

select
    segments.segment as segment,
    toUInt32(days_before - 1) as repeat_days,
    toUInt32(before_and_after.last_on - before_and_after.first_on) as last_days,
    toUInt32(assumeNotNull((select fitted_until from period)) - before_and_after.first_on) as age_days,
    toUInt32(days_after) as actual_days,
    assumeNotNull((select holdout_days from period)) as holdout_days,
    toUInt32(count()) as customers
from before_and_after
inner join segments on segments.customer_key = before_and_after.customer_key
group by segment, repeat_days, last_days, age_days, actual_days
