-- int_customer_cards: all that is known of each customer and what they bought, before the day says what it means.
-- grain: one row per customer_key
-- materialized: incremental
-- memory: large
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: customer_key
-- settings: max_block_size=16384, optimize_aggregation_in_order=1
-- tags: churn
with

customers as (
    select * from {{ ref "int_customers" }} where {{ touched "customer_key" }}
),

purchases as (
    select * from {{ ref "int_purchases" }} where {{ touched "customer_key" }}
),

-- The clock that runs since the last purchase.
clocks as (
    select
        customer_key,
        argMax(tuple(clocks.usual_gap_days), visited_on).1 as usual_gap_days,
        argMax(clocks.sleeping_after, visited_on) + max(visited_on) as sleeps_on,
        argMax(clocks.lost_after, visited_on) as lost_after,
        argMax(clocks.lost_if_silent_on, visited_on) as lost_if_silent_on
    from {{ ref "int_personal_clocks" }} as clocks
    where {{ touched "customer_key" }}
    group by customer_key
),

gathered as (
    select
        customer_key,
        any(purchases.first_on) as first_order_on,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        sum(purchases.revenue) as revenue,
        sum(purchases.margin) as margin,
        -- Orders of one day are one visit: a gap of nothing is no gap.
        quantileExactInclusiveOrNullIf(0.5)(assumeNotNull(gap_days), coalesce(gap_days > 0, false)) as median_gap_days,
        arraySort(x -> tupleElement(x, 1), groupArray((
            purchase_no, ordered_on, sleeping_after, lost_if_silent_on, episode_no, loss_before, revenue_so_far, revenue_12m, is_terminated_next
        ))) as bought,
        tupleElement(bought, 2) as days,
        tupleElement(bought, 4) as lost_days,
        tupleElement(bought, 5) as episodes,
        tupleElement(bought, 7) as money,
        toRelativeMonthNum({{ .AsOf }}) as this_month,
        arrayMap(x -> toRelativeMonthNum(x), days) as months
    from purchases
    group by customer_key
),

-- So many purchases there were by the start of the month, and before the years
-- that end today and then.
counted as (
    select
        *,
        toStartOfMonth({{ .AsOf }}) as month,
        arrayCount(x -> x < this_month, months) as before,
        arrayCount(x -> x <= this_month - 12, months) as before_year,
        arrayCount(x -> x <= this_month - 13, months) as before_year_at_start,
        arrayCount(x -> {{ .AsOf }} - x >= 365, days) as before_365d,
        arrayCount(x -> month - x > 365, days) as before_365d_at_start
    from gathered
),

histories as (
    select
        customer_key,
        first_order_on,
        first_order_at,
        last_order_at,
        days[-1] as last_order_on,
        length(days) as orders,
        revenue,
        margin,
        median_gap_days,
        tupleElement(bought, 3)[-1] as order_sleeping_after,
        lost_days[-1] as lost_if_silent_on,
        tupleElement(bought, 9)[-1] as is_terminated_next,
        episodes[-1] as episode_no,
        tupleElement(bought, 6)[-1] as loss_before,
        if(episode_no > 1, days[indexOf(episodes, episode_no)], null) as last_returned_on,
        lost_days[arrayLastIndex(x -> x = 1, episodes)] as first_lost_if_silent_on,
        toUInt32(orders - before) as orders_of_month,
        money[-1] - money[before] as revenue_of_month,
        money[-1] - money[before_year] as revenue_12m,
        money[before] - money[before_year_at_start] as revenue_12m_at_start,
        if(before > 0, days[before], null) as last_order_on_at_start,
        if(before > 0, lost_days[before], null) as lost_if_silent_on_at_start,
        if(before > 0, episodes[before], 1) as episode_no_at_start,
        tupleElement(bought, 8)[arrayLastIndex(x -> x = episode_no_at_start, episodes)] as stretch_revenue_12m,
        toUInt32(orders - before_365d) as orders_365d,
        money[-1] - money[before_365d] as revenue_365d,
        toUInt32(before - before_365d_at_start) as orders_365d_at_start,
        money[before] - money[before_365d_at_start] as revenue_365d_at_start
    from counted
)

select
    customers.customer_key as customer_key,
    customers.name as name,
    customers.kind as kind,
    customers.segment as segment,
    customers.emails as emails,
    customers.phones as phones,
    customers.city as city,
    customers.country as country,
    customers.birthday as birthday,
    customers.manager_id as manager_id,
    customers.manager_name as manager_name,
    customers.tags as tags,
    customers.preferences as preferences,
    customers.dislikes as dislikes,
    customers.is_showcase as is_showcase,
    customers.marketing_consent as marketing_consent,
    customers.contract_started_on as contract_started_on,
    customers.contract_terminated_on as contract_terminated_on,
    customers.termination_reason as termination_reason,
    customers.signed_up_on as signed_up_on,
    customers.records as records,
    histories.first_order_on as first_order_on,
    histories.first_order_at as first_order_at,
    histories.last_order_at as last_order_at,
    histories.last_order_on as last_order_on,
    histories.revenue as revenue,
    histories.margin as margin,
    histories.median_gap_days as median_gap_days,
    histories.order_sleeping_after as order_sleeping_after,
    histories.lost_if_silent_on as lost_if_silent_on,
    histories.is_terminated_next as is_terminated_next,
    histories.episode_no as episode_no,
    histories.loss_before as loss_before,
    histories.last_returned_on as last_returned_on,
    histories.first_lost_if_silent_on as first_lost_if_silent_on,
    histories.orders_of_month as orders_of_month,
    histories.revenue_of_month as revenue_of_month,
    histories.revenue_12m as revenue_12m,
    histories.revenue_12m_at_start as revenue_12m_at_start,
    histories.last_order_on_at_start as last_order_on_at_start,
    histories.lost_if_silent_on_at_start as lost_if_silent_on_at_start,
    histories.episode_no_at_start as episode_no_at_start,
    histories.stretch_revenue_12m as stretch_revenue_12m,
    histories.orders_365d as orders_365d,
    histories.revenue_365d as revenue_365d,
    histories.orders_365d_at_start as orders_365d_at_start,
    histories.revenue_365d_at_start as revenue_365d_at_start,
    coalesce(histories.orders, 0) as orders,
    clocks.usual_gap_days as usual_gap_days,
    clocks.sleeps_on as personal_sleeps_on,
    clocks.lost_after as personal_lost_after,
    clocks.lost_if_silent_on as personal_lost_if_silent_on
from customers
left join histories on histories.customer_key = customers.customer_key
left join clocks on clocks.customer_key = customers.customer_key

{{ define "touched" }}
-- Every day orders leave the last 365; a new month begins for everybody.
select customer_key from {{ changed "int_customers" }}
union all
select customer_key from {{ changed "int_purchases" }}
union all
select customer_key from {{ changed "int_personal_clocks" }}
union all
select customer_key from {{ ref "int_purchases" }} where ordered_on > {{ .SeenUntil }} - 365 and ordered_on <= {{ .SeenLast }} - 365
union all
select customer_key from {{ ref "int_customers" }} where toStartOfMonth({{ .SeenUntil }}) != toStartOfMonth({{ .SeenLast }})
{{ end }}
