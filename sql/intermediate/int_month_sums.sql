-- int_month_sums: each month's customers and money, summed up by cohort.
-- grain: one row per month, cohort_month and segment
-- materialized: incremental
-- key: month
-- order_by: (month, cohort_month, segment)
-- tags: churn, monthly
with

customer_months as (
    select * from {{ ref "customer_months" }} where {{ touched "month" }}
)

select
    counted.month as month,
    counted.cohort_month as cohort_month,
    counted.segment as segment,
    max(counted.is_complete) as is_complete,
    count() as members,
    countIf(counted.losses > 0) as ever_lost,
    countIf(counted.orders > 0) as buyers,
    sum(counted.revenue) as revenue
from customer_months as counted
group by month, cohort_month, segment

{{ define "touched" }}
-- The month of the day is another one every day.
select month from {{ changed "int_months_closed" }}
union all
select toStartOfMonth({{ .SeenLast }}) from {{ changed "int_customer_cards" }} limit 1
union all
select toStartOfMonth({{ .SeenUntil }})
union all
select toStartOfMonth({{ .SeenLast }})
{{ end }}
