-- int_month_movements: customers and money of each month: who was there, who came, who left.
-- grain: one row per month and segment
-- materialized: table
-- order_by: (segment, month)
-- tags: churn, monthly
with

customer_months as (
    select * from {{ ref "customer_months" }}
),

-- Every customer counts once in the segment and once in (all).
counted as (
    select *, arrayJoin(['(all)', segment]) as in_segment from customer_months
),

monthly as (
    select
        counted.month as month,
        in_segment as segment,
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
        -- Those at this month's start whom the next twelve months lost.
        countIf(counted.was_customer and coalesce(counted.loss_date_ahead < addMonths(counted.month, 12), false)) as lost_within_12m,
        sum(coalesce(counted.revenue_lost, toDecimal128(0, 4))) as revenue_lost_observed,
        sum(counted.revenue_12m_at_start) as revenue_at_start,
        sumIf(counted.revenue_12m, counted.is_new and counted.is_customer) as revenue_new,
        sumIf(counted.revenue_12m, not counted.is_new and counted.is_customer and (not counted.was_customer or counted.is_churned)) as revenue_returned,
        sumIf(counted.revenue_12m - counted.revenue_12m_at_start, counted.was_customer and not counted.is_churned and counted.revenue_12m > counted.revenue_12m_at_start) as revenue_grown,
        sumIf(counted.revenue_12m_at_start - counted.revenue_12m, counted.was_customer and not counted.is_churned and counted.revenue_12m < counted.revenue_12m_at_start) as revenue_shrunk,
        sumIf(counted.revenue_12m_at_start, counted.is_churned) as revenue_lost,
        sumIf(counted.revenue_12m, counted.is_customer) as revenue_at_end
    from counted
    group by counted.month, in_segment
),

-- Twelve months up to and with this one; null until there are twelve.
yearly as (
    select
        *,
        count() over last_12_months as months_seen,
        row_number() over (partition by segment order by month) - 1 as months_seen_before,
        first_value(customers_at_start) over last_12_months as customers_12m_ago,
        first_value(lost_within_12m) over last_12_months as lost_since,
        sum(orders) over last_12_months as orders_12m,
        sum(revenue) over last_12_months as revenue_12m,
        sum(customers_at_end) over last_12_months as month_ends_12m
    from monthly
    window last_12_months as (partition by segment order by month rows between 11 preceding and current row)
)

select
    month,
    segment,
    is_complete,
    customers_at_start,
    new_customers,
    returned_times,
    lost_times,
    customers_at_end,
    lost,
    returned,
    lost_at_start,
    returned_of_lost,
    buyers,
    orders,
    revenue,
    revenue_lost_observed,
    -- Revenue of twelve months only means something after twelve months.
    toBool(months_seen_before >= 12) as has_year_before,
    if(is_complete and months_seen = 12, toNullable(customers_12m_ago), null) as customers_at_start_12m,
    if(is_complete and months_seen = 12, toNullable(lost_since), null) as lost_12m,
    if(is_complete and months_seen = 12, toNullable(orders_12m), null) as orders_12m,
    if(is_complete and months_seen = 12, toNullable(revenue_12m), null) as revenue_12m,
    -- Twelve times the customers there on an average month's end.
    if(is_complete and months_seen = 12, toNullable(month_ends_12m), null) as customer_months_12m,
    revenue_at_start,
    revenue_new,
    revenue_returned,
    revenue_grown,
    revenue_shrunk,
    revenue_lost,
    revenue_at_end
from yearly
