-- int_months_closed: status of each customer at the end of each month that is over, and what the month brought.
-- grain: one row per customer_key and month
-- materialized: incremental
-- key: customer_key
-- partition_by: toYYYYMM(month)
-- order_by: (month, customer_key)
-- settings: max_threads=1, max_block_size=16384, max_bytes_before_external_sort=40000000
-- tags: churn, monthly
with

purchases as (
    select *, toStartOfMonth({{ .AsOf }}) - 1 as last_closed from {{ ref "int_purchases" }} where {{ touched "customer_key" }}
),

-- Each purchase is the last one seen on every month's end until the next: the
-- history of all customers without joining them to a calendar.
month_ends as (
    select
        *,
        arrayJoin(arrayMap(
            n -> addMonths(toStartOfMonth(ordered_on), n),
            range(toUInt32(dateDiff('month', ordered_on, least(coalesce(next_on, last_closed), last_closed)) + 1))
        )) as month,
        toLastDayOfMonth(month) as day
    from purchases
    where day >= ordered_on and (next_on is null or day < next_on)
),

-- Lost on that day: the stretch that ran then has ended. Losses before it ended
-- the earlier stretches.
states as (
    select
        *,
        coalesce(episode_loss_date <= day, false) as is_lost,
        toUInt32(episode_no - 1 + is_lost) as losses,
        toInt32(dateDiff('day', ordered_on, day)) as gap_days
    from month_ends
),

moves as (
    select
        *,
        lagInFrame(toNullable(is_lost)) over history as was_lost,
        coalesce(lagInFrame(toNullable(losses)) over history, 0) as losses_before,
        coalesce(lagInFrame(toNullable(episode_no)) over history, 1) as episode_no_before,
        lagInFrame(episode_loss_date) over history as loss_date_ahead,
        lagInFrame(toNullable(episode_revenue_12m)) over history as revenue_12m_ahead,
        coalesce(lagInFrame(toNullable(purchase_no)) over history, 0) as orders_before,
        coalesce(lagInFrame(toNullable(revenue_so_far)) over history, toDecimal128(0, 4)) as revenue_before,
        coalesce(lagInFrame(toNullable(revenue_so_far), 12) over history, toDecimal128(0, 4)) as revenue_until_12m_ago,
        coalesce(lagInFrame(toNullable(revenue_so_far), 13) over history, toDecimal128(0, 4)) as revenue_until_13m_ago
    from states
    window history as (
        partition by customer_key order by month rows between unbounded preceding and unbounded following
    )
)

select
    customer_key,
    month,
    segment,
    day,
    cast(multiIf(
        is_lost and losses >= 2, 'lost_twice',
        is_lost, 'lost',
        gap_days >= sleeping_after, 'sleeping',
        coalesce(dateDiff('day', loss_before, day) < {{ .Churn.ReturnedFor }}, false), 'returned',
        dateDiff('day', first_on, day) < {{ .Churn.NewFor }}, 'new',
        'active'
    ) as LowCardinality(String)) as status,
    ordered_on as last_order_on,
    gap_days,
    losses,
    toUInt32(episode_no - 1) as returns,
    toStartOfMonth(first_on) as cohort_month,
    toUInt32(dateDiff('month', first_on, month)) as month_no,
    toUInt32(purchase_no - orders_before) as orders,
    revenue_so_far - revenue_before as revenue,
    revenue_so_far - revenue_until_12m_ago as revenue_12m,
    toBool(coalesce(not was_lost, false)) as was_customer,
    toBool(not is_lost) as is_customer,
    toBool(month_no = 0) as is_new,
    toBool(was_customer and coalesce(moves.loss_date_ahead <= day, false)) as is_churned,
    toUInt32(losses - losses_before) as lost_times,
    toUInt32(episode_no - episode_no_before) as returned_times,
    if(was_customer, moves.loss_date_ahead, null) as loss_date_ahead,
    if(is_churned, revenue_12m_ahead, null) as revenue_lost,
    if(was_customer, revenue_before - revenue_until_13m_ago, toDecimal128(0, 4)) as revenue_12m_at_start,
    toBool(next_on is null and toStartOfMonth(ordered_on) = month) as is_last_purchase_month,
    true as is_complete
from moves

{{ define "touched" }}
-- A new month closes the one before for everybody.
select customer_key from {{ changed "int_purchases" }}
union all
select customer_key from {{ ref "int_purchases" }} where toStartOfMonth({{ .SeenUntil }}) != toStartOfMonth({{ .SeenLast }})
{{ end }}
