-- int_rfm_moves: how many customers were in which RFM segment at each month's end, and in which a month before.
-- grain: one row per month, segment, from_segment and to_segment
-- materialized: incremental
-- key: month
-- order_by: (month, segment, from_segment, to_segment)
-- tags: rfm, monthly
with

customer_months as (
    select month, segment, is_new, gap_days, orders_365d, revenue_365d, gap_days_at_start, orders_365d_at_start, revenue_365d_at_start
    from {{ ref "customer_months" }}
    where (orders_365d > 0 or orders_365d_at_start > 0) and {{ touched "month" }}
),

limits as (
    select month, recency, frequency from {{ ref "int_rfm_limits" }}
),

rfm_map as (
    select r_score, f_score, cast(rfm_segment as String) as rfm_segment from {{ ref "rfm_map" }}
),

-- Few different values of days and orders: they are scored once each. A score is
-- one more than the number of limits that the value exceeds: equal values get equal
-- scores. Few days since the last purchase are best.
counted as (
    select
        month,
        segment,
        is_new,
        gap_days,
        orders_365d,
        gap_days_at_start,
        orders_365d_at_start,
        count() as customers,
        sum(customer_months.revenue_365d_at_start) as revenue_before,
        sum(customer_months.revenue_365d) as revenue_after
    from customer_months
    group by month, segment, is_new, gap_days, orders_365d, gap_days_at_start, orders_365d_at_start
),

scored as (
    select
        counted.month as month,
        counted.segment as segment,
        counted.is_new as is_new,
        counted.orders_365d as orders_365d,
        counted.orders_365d_at_start as orders_365d_at_start,
        counted.customers as customers,
        counted.revenue_before as revenue_before,
        counted.revenue_after as revenue_after,
        5 - arrayCount(x -> counted.gap_days > x, limits.recency) as r_score,
        1 + arrayCount(x -> counted.orders_365d > x, limits.frequency) as f_score,
        5 - arrayCount(x -> counted.gap_days_at_start > x, limits_before.recency) as r_score_before,
        1 + arrayCount(x -> counted.orders_365d_at_start > x, limits_before.frequency) as f_score_before
    from counted
    left join limits on limits.month = counted.month
    left join limits as limits_before on limits_before.month = addMonths(counted.month, -1)
)

select
    scored.month as month,
    scored.segment as segment,
    multiIf(scored.orders_365d_at_start > 0, coalesce(map_before.rfm_segment, ''), scored.is_new, '(new)', '(out)') as from_segment,
    if(scored.orders_365d > 0, coalesce(map_after.rfm_segment, ''), '(out)') as to_segment,
    sum(scored.customers) as customers,
    sum(scored.revenue_before) as revenue_before,
    sum(scored.revenue_after) as revenue_after
from scored
left join rfm_map as map_after on map_after.r_score = scored.r_score and map_after.f_score = scored.f_score
left join rfm_map as map_before on map_before.r_score = scored.r_score_before and map_before.f_score = scored.f_score_before
group by month, segment, from_segment, to_segment

{{ define "touched" }}
-- The limits of a month concern that one and the next.
select month from {{ changed "int_months_closed" }}
union all
select arrayJoin([month, addMonths(month, 1)]) from {{ changed "int_rfm_limits" }}
union all
select toStartOfMonth({{ .SeenLast }}) from {{ changed "int_customer_cards" }} limit 1
union all
select toStartOfMonth({{ .SeenUntil }})
union all
select toStartOfMonth({{ .SeenLast }})
{{ end }}
