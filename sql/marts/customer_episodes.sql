-- customer_episodes: each stretch of a customer between first purchase (or return) and loss.
-- grain: one row per customer_key and episode_no
-- materialized: view
-- tags: churn
with

episodes as (
    select * from {{ ref "int_episodes" }}
)

select
    customer_key,
    episode_no,
    started_at,
    last_order_at,
    orders,
    revenue,
    loss_date,
    loss_kind,
    reason,
    returned_at,
    return_order_id,
    -- Up to the return, or up to as_of while it lasts.
    toNullable(dateDiff('day', episodes.loss_date, coalesce(episodes.returned_on, {{ .AsOf }}))) as days_lost,
    segment,
    started_on,
    last_order_on,
    returned_on,
    return_source,
    revenue_12m
from episodes
