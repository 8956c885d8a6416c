-- int_lifetimes: days from each customer's first purchase to the first loss, or to as_of.
-- grain: one row per customer_key
-- materialized: table
-- order_by: (segment, duration_days)
-- tags: churn
with

purchases as (
    select customer_key, segment, first_on, episode_loss_date from {{ ref "int_purchases" }} where episode_no = 1
)

select
    customer_key,
    any(purchases.segment) as segment,
    toBool(max(episode_loss_date) is not null) as is_lost,
    toUInt32(dateDiff('day', any(first_on), coalesce(max(episode_loss_date), {{ .AsOf }}))) as duration_days
from purchases
group by customer_key
