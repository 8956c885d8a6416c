-- int_month_movements: customers and money of each month: who was there, who came, who left.
-- grain: one row per month and segment
-- materialized: table
-- order_by: (segment, month)
-- tags: churn, monthly
with

sums as (
    select *, arrayJoin(['(all)', segment]) as in_segment from {{ ref "int_month_sums" }}
),

-- Stretches that ended in loss, by the months they ran in: of the customers at a
-- month's start those whom the next twelve months lost.
losses as (
    select
        arrayJoin(['(all)', segment]) as in_segment,
        toStartOfMonth(started_on) as started_in,
        toStartOfMonth(assumeNotNull(loss_date)) as lost_in,
        count() as times
    from {{ ref "int_episodes" }}
    where loss_date is not null
    group by in_segment, started_in, lost_in
),

lost_ahead as (
    select
        in_segment,
        arrayJoin(arrayMap(n -> addMonths(lost_in, -n), range(toUInt32(least(12, dateDiff('month', started_in, lost_in)))))) as month,
        sum(losses.times) as lost_within_12m
    from losses
    group by in_segment, month
),

monthly as (
    select
        sums.month as month,
        sums.in_segment as segment,
        max(sums.is_complete) as is_complete,
        sum(sums.customers_at_start) as customers_at_start,
        sum(sums.new_customers) as new_customers,
        sum(sums.returned_times) as returned_times,
        sum(sums.lost_times) as lost_times,
        sum(sums.customers_at_end) as customers_at_end,
        sum(sums.lost) as lost,
        sum(sums.returned) as returned,
        sum(sums.lost_at_start) as lost_at_start,
        sum(sums.returned_of_lost) as returned_of_lost,
        sum(sums.buyers) as buyers,
        sum(sums.orders) as orders,
        sum(sums.revenue) as revenue,
        sum(sums.revenue_lost_observed) as revenue_lost_observed,
        sum(sums.revenue_at_start) as revenue_at_start,
        sum(sums.revenue_new) as revenue_new,
        sum(sums.revenue_returned) as revenue_returned,
        sum(sums.revenue_grown) as revenue_grown,
        sum(sums.revenue_shrunk) as revenue_shrunk,
        sum(sums.revenue_lost) as revenue_lost,
        sum(sums.revenue_at_end) as revenue_at_end
    from sums
    group by month, segment
),

with_losses as (
    select monthly.*, coalesce(lost_ahead.lost_within_12m, 0) as lost_within_12m
    from monthly
    left join lost_ahead on lost_ahead.in_segment = monthly.segment and lost_ahead.month = monthly.month
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
    from with_losses
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
