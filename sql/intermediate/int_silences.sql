-- int_silences: each purchase that a long silence followed, or nothing yet: the states in which customers wait to be won back.
-- grain: one row per customer_key and purchase_no
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: (customer_key, purchase_no)
-- tags: winback
with

purchases as (
    select
        customer_key, purchase_no, episode_no, segment, source, order_id, ordered_at, ordered_on, sleeping_after,
        lost_if_silent_on, revenue_12m
    from {{ ref "int_purchases" }}
    where {{ touched "customer_key" }}
),

followed as (
    select
        *,
        leadInFrame(toNullable(ordered_at)) over following as next_at,
        leadInFrame(toNullable(ordered_on)) over following as next_on,
        leadInFrame(toNullable(purchase_no)) over following as next_purchase_no
    from purchases
    window following as (partition by customer_key order by purchase_no rows between unbounded preceding and unbounded following)
)

-- A terminated contract ends the silence's first part early.
select
    customer_key,
    purchase_no,
    episode_no,
    segment,
    ordered_at,
    ordered_on,
    least(ordered_on + sleeping_after, lost_if_silent_on) as sleeps_on,
    lost_if_silent_on,
    revenue_12m,
    next_at,
    next_on,
    next_purchase_no
from followed
where next_on is null or next_on >= sleeps_on

{{ define "touched" }}
select customer_key from {{ changed "int_purchases" }}
{{ end }}
