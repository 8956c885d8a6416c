-- int_month_current: status of each customer on the day the warehouse describes, and what its month has brought so far.
-- grain: one row per customer_key
-- materialized: view
-- tags: churn, monthly
with

customers as (
    select * from {{ ref "int_customers_today" }} where orders > 0
)

select
    customer_key,
    month,
    segment,
    day,
    cast(assumeNotNull(customers.status) as LowCardinality(String)) as status,
    assumeNotNull(customers.last_order_on) as last_order_on,
    assumeNotNull(customers.gap_days) as gap_days,
    losses,
    returns,
    assumeNotNull(toStartOfMonth(first_order_on)) as cohort_month,
    toUInt32(assumeNotNull(dateDiff('month', first_order_on, month))) as month_no,
    assumeNotNull(orders_of_month) as orders,
    assumeNotNull(revenue_of_month) as revenue,
    assumeNotNull(customers.revenue_12m) as revenue_12m,
    toBool(customers.was_customer) as was_customer,
    toBool(not is_lost) as is_customer,
    toBool(month_no = 0) as is_new,
    -- The stretch that ran at the start has ended.
    toBool(was_customer and losses > losses_at_start) as is_churned,
    toUInt32(losses - losses_at_start) as lost_times,
    toUInt32(assumeNotNull(episode_no) - assumeNotNull(episode_no_at_start)) as returned_times,
    if(is_churned, stretch_revenue_12m, null) as revenue_lost,
    if(was_customer, assumeNotNull(customers.revenue_12m_at_start), toDecimal128(0, 4)) as revenue_12m_at_start,
    assumeNotNull(customers.orders_365d) as orders_365d,
    assumeNotNull(customers.revenue_365d) as revenue_365d,
    toInt32(month - 1 - last_order_on_at_start) as gap_days_at_start,
    assumeNotNull(customers.orders_365d_at_start) as orders_365d_at_start,
    assumeNotNull(customers.revenue_365d_at_start) as revenue_365d_at_start,
    toBool(toLastDayOfMonth(month) <= day) as is_complete
from customers
