-- int_months_closed: status of each customer at the end of each month that is over, and what the month brought.
-- grain: one row per customer_key and month
-- materialized: incremental
-- memory: large
-- key: customer_key, month
-- partition_by: toYYYYMM(month)
-- order_by: (month, customer_key)
-- settings: max_block_size=4096, optimize_aggregation_in_order=1
-- tags: churn, monthly
with

purchases as (
    select * from {{ ref "int_purchases" }} where ordered_on < toStartOfMonth({{ .AsOf }}) and {{ touched "customer_key" }}
),

-- The whole history of a customer in one row: each month's end looks back into it,
-- and never ahead, so that a month that is over stays as it is when they buy again.
histories as (
    select
        customer_key,
        any(purchases.segment) as customer_segment,
        any(purchases.first_on) as first_bought_on,
        arraySort(x -> tupleElement(x, 1), groupArray((
            purchase_no, ordered_on, sleeping_after, lost_if_silent_on, episode_no, loss_before, revenue_so_far, purchases.revenue_12m
        ))) as bought,
        tupleElement(bought, 2) as days,
        tupleElement(bought, 3) as sleeping_afters,
        tupleElement(bought, 4) as lost_days,
        tupleElement(bought, 5) as episodes,
        tupleElement(bought, 6) as losses_before_stretch,
        tupleElement(bought, 7) as money,
        tupleElement(bought, 8) as money_of_year,
        arrayMap(x -> toRelativeMonthNum(x), days) as months
    from purchases
    group by customer_key
),

-- So many purchases there were by the month's end, by its start, and before the
-- years that end there.
month_ends as (
    select
        * except (bought),
        addMonths(toStartOfMonth(first_bought_on), arrayJoin(range(toUInt32(dateDiff('month', first_bought_on, {{ .AsOf }}))))) as month,
        toLastDayOfMonth(month) as day,
        toRelativeMonthNum(month) as this_month,
        arrayCount(x -> x <= this_month, months) as now,
        arrayCount(x -> x < this_month, months) as before,
        arrayCount(x -> x <= this_month - 12, months) as before_year,
        arrayCount(x -> x <= this_month - 13, months) as before_year_at_start,
        arrayCount(x -> day - x >= 365, days) as before_365d,
        arrayCount(x -> month - x > 365, days) as before_365d_at_start
    from histories
),

states as (
    select
        *,
        toBool(lost_days[now] <= day) as is_lost,
        toBool(before > 0 and lost_days[before] >= month) as was_customer,
        episodes[now] as episode_no,
        if(before = 0, 1, episodes[before]) as episode_no_before,
        toUInt32(episode_no - 1 + is_lost) as losses,
        toUInt32(episode_no_before - 1 + (before > 0 and not was_customer)) as losses_at_start,
        toInt32(day - days[now]) as gap_days
    from month_ends
)

select
    customer_key,
    month,
    customer_segment as segment,
    day,
    cast(multiIf(
        is_lost and losses >= 2, 'lost_twice',
        is_lost, 'lost',
        gap_days >= sleeping_afters[now], 'sleeping',
        coalesce(day - losses_before_stretch[now] < {{ .Churn.ReturnedFor }}, false), 'returned',
        day - first_bought_on < {{ .Churn.NewFor }}, 'new',
        'active'
    ) as LowCardinality(String)) as status,
    days[now] as last_order_on,
    gap_days,
    losses,
    toUInt32(episode_no - 1) as returns,
    toStartOfMonth(first_bought_on) as cohort_month,
    toUInt32(this_month - months[1]) as month_no,
    toUInt32(now - before) as orders,
    money[now] - money[before] as revenue,
    money[now] - money[before_year] as revenue_12m,
    was_customer,
    toBool(not is_lost) as is_customer,
    toBool(before = 0) as is_new,
    -- The stretch that ran at the start has ended.
    toBool(was_customer and losses > losses_at_start) as is_churned,
    toUInt32(losses - losses_at_start) as lost_times,
    toUInt32(episode_no - episode_no_before) as returned_times,
    if(is_churned, money_of_year[arrayLastIndex(x -> x = episode_no_before, episodes)], null) as revenue_lost,
    if(was_customer, money[before] - money[before_year_at_start], toDecimal128(0, 4)) as revenue_12m_at_start,
    toUInt32(now - before_365d) as orders_365d,
    money[now] - money[before_365d] as revenue_365d,
    if(before = 0, null, toNullable(toInt32(month - 1 - days[before]))) as gap_days_at_start,
    toUInt32(before - before_365d_at_start) as orders_365d_at_start,
    money[before] - money[before_365d_at_start] as revenue_365d_at_start,
    true as is_complete
from states

{{ define "touched" }}
-- A purchase concerns the months from its own on, as far as they are over. A new
-- month closes the one before for everybody.
select customer_key, addMonths(toStartOfMonth(ordered_on), arrayJoin(range(toUInt32(dateDiff('month', ordered_on, {{ .SeenLast }}))))) as month
from {{ changed "int_purchases" }}
where ordered_on < toStartOfMonth({{ .SeenLast }})
union all
select customer_key, addMonths(toStartOfMonth({{ .SeenUntil }}), arrayJoin(range(toUInt32(dateDiff('month', {{ .SeenUntil }}, {{ .SeenLast }}))))) as month
from {{ ref "int_purchases" }}
where purchase_no = 1 and toStartOfMonth({{ .SeenUntil }}) != toStartOfMonth({{ .SeenLast }})
{{ end }}
