-- customers: one row a customer, everything known about them as of the day the warehouse describes.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: churn
with

customers as (
    select * from {{ ref "int_customers" }}
),

purchases as (
    select * from {{ ref "int_purchases" }}
),

-- The last month seen is that of as_of, and its status the one of today.
states as (
    select * from {{ ref "customer_months" }} where month = toStartOfMonth({{ .AsOf }})
),

episodes as (
    select customer_key, episode_no, loss_date, loss_kind, returned_on from {{ ref "int_episodes" }}
),

-- The clock that runs since the last purchase.
clocks as (
    select customer_key, visited_on, usual_gap_days, sleeping_after, lost_after, lost_if_silent_on
    from {{ ref "int_personal_clocks" }}
    where next_visit_on is null
),

rfm_segments as (
    select customer_key, r_score, f_score, m_score, rfm, rfm_segment from {{ ref "rfm_segments" }}
),

histories as (
    select
        customer_key,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at,
        max(ordered_on) as last_order_on,
        any(first_on) as first_order_on,
        count() as orders,
        sum(revenue) as revenue,
        sum(margin) as margin,
        -- Orders of one day are one visit: a gap of nothing is no gap.
        quantileExactInclusiveOrNullIf(0.5)(assumeNotNull(gap_days), coalesce(gap_days > 0, false)) as median_gap_days,
        argMax(lost_if_silent_on, purchase_no) as lost_if_silent_on
    from purchases
    group by customer_key
),

last_episodes as (
    select
        customer_key,
        argMax(tuple(loss_date), episode_no).1 as loss_date,
        argMax(tuple(loss_kind), episode_no).1 as loss_kind,
        max(returned_on) as last_returned_on
    from episodes
    group by customer_key
)

select
    customers.customer_key as customer_key,
    customers.name as name,
    customers.kind as kind,
    customers.segment as segment,
    -- Who never bought has no status, unless a contract was terminated.
    cast(coalesce(states.status, if(customers.contract_terminated_on is not null, 'lost', null))
        as LowCardinality(Nullable(String))) as status,
    customers.emails as emails,
    customers.phones as phones,
    customers.city as city,
    customers.country as country,
    customers.birthday as birthday,
    customers.manager_id as manager_id,
    customers.manager_name as manager_name,
    histories.first_order_at as first_order_at,
    histories.last_order_at as last_order_at,
    histories.first_order_on as first_order_on,
    histories.last_order_on as last_order_on,
    states.gap_days as days_since_order,
    coalesce(histories.orders, 0) as orders,
    histories.revenue as revenue,
    histories.margin as margin,
    histories.revenue / nullIf(histories.orders, 0) as average_check,
    -- Over the time as a customer, counted as a year at least.
    365 * histories.orders / greatest(
        dateDiff('day', histories.first_order_on, coalesce(last_episodes.loss_date, {{ .AsOf }})), 365
    ) as orders_per_year,
    histories.median_gap_days as median_gap_days,
    states.revenue_12m as revenue_12m,
    coalesce(last_episodes.loss_date, if(histories.orders is null, customers.contract_terminated_on, null)) as loss_date,
    coalesce(last_episodes.loss_kind,
        if(histories.orders is null and customers.contract_terminated_on is not null, 'terminated', null)) as loss_kind,
    if(last_episodes.loss_date is null, histories.lost_if_silent_on, null) as lost_if_silent_on,
    clocks.usual_gap_days as usual_gap_days,
    clocks.lost_after as personal_lost_after,
    cast(multiIf(
        clocks.customer_key is null, if(customers.contract_terminated_on is not null, 'lost', null),
        clocks.lost_if_silent_on <= {{ .AsOf }}, 'lost',
        clocks.visited_on + clocks.sleeping_after <= {{ .AsOf }}, 'sleeping',
        'active'
    ) as LowCardinality(Nullable(String))) as personal_status,
    if(clocks.customer_key is null, customers.contract_terminated_on,
        if(clocks.lost_if_silent_on <= {{ .AsOf }}, clocks.lost_if_silent_on, null)) as personal_loss_date,
    coalesce(states.losses, 0) as losses,
    coalesce(states.returns, 0) as returns,
    last_episodes.last_returned_on as last_returned_on,
    rfm_segments.r_score as r_score,
    rfm_segments.f_score as f_score,
    rfm_segments.m_score as m_score,
    rfm_segments.rfm as rfm,
    rfm_segments.rfm_segment as rfm_segment,
    customers.signed_up_on as signed_up_on,
    customers.contract_started_on as contract_started_on,
    customers.contract_terminated_on as contract_terminated_on,
    customers.termination_reason as termination_reason,
    customers.marketing_consent as marketing_consent,
    customers.preferences as preferences,
    customers.dislikes as dislikes,
    customers.is_showcase as is_showcase,
    customers.tags as tags,
    customers.records as records
from customers
left join histories on histories.customer_key = customers.customer_key
left join states on states.customer_key = customers.customer_key
left join last_episodes on last_episodes.customer_key = customers.customer_key
left join clocks on clocks.customer_key = customers.customer_key
left join rfm_segments on rfm_segments.customer_key = customers.customer_key
