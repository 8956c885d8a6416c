-- int_lifetimes: days from each customer's first purchase to the first loss, or to as_of.
-- grain: one row per customer_key
-- materialized: view
-- tags: churn
with

customers as (
    select customer_key, segment, assumeNotNull(first_order_on) as first_on, assumeNotNull(first_lost_if_silent_on) as lost_on, {{ .AsOf }} as day
    from {{ ref "int_customer_cards" }}
    where orders > 0
)

select
    customer_key,
    segment,
    toBool(lost_on <= day) as is_lost,
    toUInt32(dateDiff('day', first_on, least(lost_on, day))) as duration_days
from customers
