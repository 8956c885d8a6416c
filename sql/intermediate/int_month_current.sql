-- int_month_current: status of each customer on the day the warehouse describes, and what its month has brought so far.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: churn, monthly
with

-- Four purchases of each customer say it all: the last one now, before this month,
-- and at the ends of the months twelve and thirteen before it.
purchases as (
    select
        *,
        toStartOfMonth({{ .AsOf }}) as this_month,
        toBool(ordered_on <= {{ .AsOf }} and (next_on is null or next_on > {{ .AsOf }})) as is_now,
        toBool(ordered_on < this_month and (next_on is null or next_on >= this_month)) as is_before,
        toBool(ordered_on < addMonths(this_month, -11) and (next_on is null or next_on >= addMonths(this_month, -11))) as is_12m_ago,
        toBool(ordered_on < addMonths(this_month, -12) and (next_on is null or next_on >= addMonths(this_month, -12))) as is_13m_ago
    from {{ ref "int_purchases" }}
    where is_now or is_before or is_12m_ago or is_13m_ago
),

instants as (
    select
        customer_key,
        any(this_month) as month,
        any(purchases.segment) as segment,
        any(purchases.first_on) as first_on,
        anyIf(purchases.ordered_on, is_now) as last_on,
        anyIf(purchases.sleeping_after, is_now) as sleeping_after,
        anyIf(purchases.episode_no, is_now) as episode_no,
        anyIf(purchases.episode_loss_date, is_now) as loss_date,
        anyIf(purchases.loss_before, is_now) as loss_before,
        anyIf(purchases.purchase_no, is_now) as orders_now,
        anyIf(purchases.revenue_so_far, is_now) as revenue_now,
        countIf(is_before) > 0 as was_there,
        anyIf(purchases.episode_no, is_before) as episode_no_then,
        anyIf(purchases.episode_loss_date, is_before) as loss_date_ahead,
        anyIf(purchases.episode_revenue_12m, is_before) as revenue_12m_ahead,
        anyIf(purchases.purchase_no, is_before) as orders_before,
        anyIf(purchases.revenue_so_far, is_before) as revenue_before,
        anyIf(purchases.revenue_so_far, is_12m_ago) as revenue_until_12m_ago,
        anyIf(purchases.revenue_so_far, is_13m_ago) as revenue_until_13m_ago
    from purchases
    group by customer_key
    having countIf(is_now) > 0
),

states as (
    select
        *,
        coalesce(loss_date <= {{ .AsOf }}, false) as is_lost,
        toUInt32(episode_no - 1 + is_lost) as losses,
        was_there and coalesce(instants.loss_date_ahead < month, false) as was_lost,
        if(was_there, episode_no_then, 1) as episode_no_before,
        toUInt32(episode_no_before - 1 + was_lost) as losses_before,
        toInt32(dateDiff('day', last_on, {{ .AsOf }})) as gap_days,
        toBool(was_there and not was_lost) as was_customer
    from instants
)

select
    customer_key,
    month,
    segment,
    {{ .AsOf }} as day,
    cast(multiIf(
        is_lost and losses >= 2, 'lost_twice',
        is_lost, 'lost',
        gap_days >= sleeping_after, 'sleeping',
        coalesce(dateDiff('day', loss_before, day) < {{ .Churn.ReturnedFor }}, false), 'returned',
        dateDiff('day', first_on, day) < {{ .Churn.NewFor }}, 'new',
        'active'
    ) as LowCardinality(String)) as status,
    last_on as last_order_on,
    gap_days,
    losses,
    toUInt32(episode_no - 1) as returns,
    toStartOfMonth(first_on) as cohort_month,
    toUInt32(dateDiff('month', first_on, month)) as month_no,
    toUInt32(orders_now - orders_before) as orders,
    revenue_now - revenue_before as revenue,
    revenue_now - revenue_until_12m_ago as revenue_12m,
    was_customer,
    toBool(not is_lost) as is_customer,
    toBool(month_no = 0) as is_new,
    toBool(was_customer and coalesce(states.loss_date_ahead <= day, false)) as is_churned,
    toUInt32(losses - losses_before) as lost_times,
    toUInt32(episode_no - episode_no_before) as returned_times,
    if(was_customer, states.loss_date_ahead, null) as loss_date_ahead,
    if(is_churned, revenue_12m_ahead, null) as revenue_lost,
    if(was_customer, revenue_before - revenue_until_13m_ago, toDecimal128(0, 4)) as revenue_12m_at_start,
    toBool(toStartOfMonth(last_on) = month) as is_last_purchase_month,
    toBool(toLastDayOfMonth(month) <= day) as is_complete
from states
