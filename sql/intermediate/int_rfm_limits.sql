-- int_rfm_limits: the quintiles of recency, frequency and money among the customers of each month's end.
-- grain: one row per month
-- materialized: incremental
-- key: month
-- order_by: month
-- tags: rfm, monthly
with

customer_months as (
    select month, gap_days, orders_365d, revenue_365d
    from {{ ref "customer_months" }}
    where orders_365d > 0 and {{ touched "month" }}
)

-- Exact quantiles of the values themselves (type 7). Money goes in as the whole
-- number of ten-thousandths it is, so that no amount becomes a float.
select
    customer_months.month as month,
    quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(gap_days) as recency,
    quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(orders_365d) as frequency,
    quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(toInt64(revenue_365d * 10000)) as money
from customer_months
group by month

{{ define "touched" }}
select month from {{ changed "int_months_closed" }}
union all
select toStartOfMonth({{ .SeenLast }}) from {{ changed "int_customer_cards" }} limit 1
union all
select toStartOfMonth({{ .SeenUntil }})
union all
select toStartOfMonth({{ .SeenLast }})
{{ end }}
