-- int_episodes: each stretch of a customer between first purchase (or return) and loss, as long as nothing more happens.
-- grain: one row per customer_key and episode_no
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: (customer_key, episode_no)
-- tags: churn
with

purchases as (
    select * from {{ ref "int_purchases" }} where {{ touched "customer_key" }}
),

customers as (
    select customer_key, termination_reason from {{ ref "int_customers" }} where {{ touched "customer_key" }}
),

episodes as (
    select
        customer_key,
        episode_no,
        any(segment) as segment,
        min(ordered_at) as started_at,
        max(ordered_at) as last_order_at,
        any(episode_started_on) as started_on,
        max(ordered_on) as last_order_on,
        count() as orders,
        sum(revenue) as revenue,
        argMax(purchases.revenue_12m, purchase_no) as revenue_12m,
        argMax(purchases.lost_if_silent_on, purchase_no) as lost_on,
        argMax(purchases.is_terminated_next, purchase_no) as is_terminated,
        argMin((source, order_id), purchase_no) as first_order
    from purchases
    group by customer_key, episode_no
),

with_return as (
    select
        *,
        leadInFrame(toNullable(started_at)) over following_episodes as returned_at,
        leadInFrame(toNullable(started_on)) over following_episodes as returned_on,
        leadInFrame(toNullable(tupleElement(first_order, 1))) over following_episodes as return_source,
        leadInFrame(toNullable(tupleElement(first_order, 2))) over following_episodes as return_order_id
    from episodes
    window following_episodes as (
        partition by customer_key order by episode_no rows between unbounded preceding and unbounded following
    )
)

select
    with_return.customer_key as customer_key,
    with_return.episode_no as episode_no,
    with_return.started_at as started_at,
    with_return.last_order_at as last_order_at,
    with_return.orders as orders,
    with_return.revenue as revenue,
    if(with_return.lost_on <= {{ .AsOf }}, with_return.lost_on, null) as loss_date,
    multiIf(loss_date is null, null, with_return.is_terminated, 'terminated', 'inactivity') as loss_kind,
    if(loss_kind = 'terminated', customers.termination_reason, null) as reason,
    with_return.returned_at as returned_at,
    with_return.return_order_id as return_order_id,
    with_return.segment as segment,
    with_return.started_on as started_on,
    with_return.last_order_on as last_order_on,
    with_return.returned_on as returned_on,
    with_return.return_source as return_source,
    with_return.revenue_12m as revenue_12m,
    with_return.lost_on as lost_if_silent_on
from with_return
left join customers on customers.customer_key = with_return.customer_key

{{ define "touched" }}
-- A new day ends the stretches that were to end by it.
select customer_key from {{ changed "int_purchases" }}
union all
select customer_key from {{ changed "int_customers" }}
union all
select customer_key from {{ this }} where lost_if_silent_on > {{ .SeenUntil }} and lost_if_silent_on <= {{ .SeenLast }}
{{ end }}
