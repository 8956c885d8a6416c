-- int_month_cells: each month's customers and money, summed up by segment, region, sales channel and manager.
-- grain: one row per month, segment, region, channel and manager_id
-- materialized: incremental
-- key: month
-- order_by: (month, segment, region, channel, manager_id)
-- tags: churn, monthly
with

customer_months as (
    select * from {{ ref "customer_months" }} where {{ touched "month" }}
),

traits as (
    select customer_key, region, channel, manager_id, manager from {{ ref "int_customer_traits" }}
)

select
    counted.month as month,
    counted.segment as segment,
    coalesce(traits.region, '(none)') as region,
    coalesce(traits.channel, '(none)') as channel,
    coalesce(traits.manager_id, '(none)') as manager_id,
    any(coalesce(traits.manager, '(none)')) as manager,
    max(counted.is_complete) as is_complete,
    countIf(counted.was_customer) as customers_at_start,
    countIf(counted.is_new) as new_customers,
    sum(counted.returned_times) as returned_times,
    sum(counted.lost_times) as lost_times,
    countIf(counted.is_customer) as customers_at_end,
    countIf(counted.is_churned) as lost,
    countIf(counted.returned_times > 0) as returned,
    countIf(not counted.was_customer and not counted.is_new) as lost_at_start,
    countIf(not counted.was_customer and not counted.is_new and counted.returned_times > 0) as returned_of_lost,
    countIf(counted.orders > 0) as buyers,
    sum(counted.orders) as orders,
    sum(counted.revenue) as revenue,
    sum(coalesce(counted.revenue_lost, toDecimal128(0, 4))) as revenue_lost_observed,
    sum(counted.revenue_12m_at_start) as revenue_at_start,
    sumIf(counted.revenue_12m, counted.is_new and counted.is_customer) as revenue_new,
    sumIf(counted.revenue_12m, not counted.is_new and counted.is_customer and (not counted.was_customer or counted.is_churned)) as revenue_returned,
    sumIf(counted.revenue_12m - counted.revenue_12m_at_start, counted.was_customer and not counted.is_churned and counted.revenue_12m > counted.revenue_12m_at_start) as revenue_grown,
    sumIf(counted.revenue_12m_at_start - counted.revenue_12m, counted.was_customer and not counted.is_churned and counted.revenue_12m < counted.revenue_12m_at_start) as revenue_shrunk,
    sumIf(counted.revenue_12m_at_start, counted.is_churned) as revenue_lost,
    sumIf(counted.revenue_12m, counted.is_customer) as revenue_at_end
from customer_months as counted
left join traits on traits.customer_key = counted.customer_key
group by month, segment, region, channel, manager_id

{{ define "touched" }}
-- The month of the day is another one every day. Who moved is counted elsewhere in
-- all their months.
select month from {{ changed "int_months_closed" }}
union all
select toStartOfMonth({{ .SeenLast }}) from {{ changed "int_customer_cards" }} limit 1
union all
select toStartOfMonth({{ .SeenUntil }})
union all
select toStartOfMonth({{ .SeenLast }})
union all
select distinct month from {{ ref "customer_months" }} where customer_key in (select customer_key from {{ changed "int_customer_traits" }})
{{ end }}
