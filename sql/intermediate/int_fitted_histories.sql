-- int_fitted_histories: the histories that models of repeat purchases are fitted to: until the end of the last whole month, and before its last 180 days.
-- grain: one row per customer_key
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: customer_key
-- settings: optimize_aggregation_in_order=1
-- tags: prediction
with

-- Until the month's end and not until today, so that nothing is fitted anew on a
-- day that is like the one before.
purchases as (
    select customer_key, segment, ordered_on, first_on, revenue, toStartOfMonth({{ .AsOf }} + 1) - 1 as fitted_until
    from {{ ref "int_purchases" }}
    where ordered_on < toStartOfMonth({{ .AsOf }} + 1) and {{ touched "customer_key" }}
),

-- Orders of one day are one purchase. The first day is left out of the money: it is
-- often another kind of order than those that follow.
gathered as (
    select
        customer_key,
        any(purchases.segment) as segment,
        any(purchases.fitted_until) as fitted_until,
        min(purchases.first_on) as first_on,
        max(ordered_on) as last_on,
        uniqExact(ordered_on) as days,
        sumIf(assumeNotNull(revenue), revenue is not null and ordered_on > purchases.first_on) as repeat_revenue,
        uniqExactIf(ordered_on, ordered_on <= purchases.fitted_until - 180) as days_before,
        maxIf(ordered_on, ordered_on <= purchases.fitted_until - 180) as last_before
    from purchases
    group by customer_key
)

select
    customer_key,
    segment,
    fitted_until,
    toUInt32(days - 1) as repeat_days,
    toUInt32(last_on - first_on) as last_days,
    toUInt32(fitted_until - first_on) as age_days,
    toFloat64(repeat_revenue) / nullIf(days - 1, 0) as mean_spend,
    toUInt32(days_before) as days_before,
    toUInt32(if(days_before > 0, last_before - first_on, 0)) as last_days_before,
    toUInt32(days - days_before) as days_after
from gathered

{{ define "touched" }}
-- A month that is over is new to everybody.
select customer_key from {{ changed "int_purchases" }}
union all
select customer_key from {{ ref "int_purchases" }} where toStartOfMonth({{ .SeenUntil }} + 1) != toStartOfMonth({{ .SeenLast }} + 1)
{{ end }}
