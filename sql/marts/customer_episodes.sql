-- customer_episodes: each stretch of a customer between first purchase (or return) and loss.
-- grain: one row per customer_key and episode_no
-- materialized: view
-- tags: churn
with

episodes as (
    select * from {{ ref "int_episodes" }}
),

-- Beside the stretches, which are many and incremental: what somebody says of an
-- old loss rebuilds none of them.
reasons as (
    select * from {{ ref "int_loss_reasons" }}
)

select
    episodes.customer_key as customer_key,
    episodes.episode_no as episode_no,
    episodes.started_at as started_at,
    episodes.last_order_at as last_order_at,
    episodes.orders as orders,
    episodes.revenue as revenue,
    episodes.loss_date as loss_date,
    episodes.loss_kind as loss_kind,
    if(episodes.loss_date is null, null, coalesce(reasons.reason_category, 'unknown')) as reason_category,
    reasons.reason as reason,
    reasons.reason_basis as reason_basis,
    reasons.reason_origin as reason_origin,
    reasons.stated_category as stated_category,
    reasons.verified_category as verified_category,
    reasons.severity as severity,
    reasons.competitor as competitor,
    reasons.company_fault as company_fault,
    reasons.human_factor as human_factor,
    reasons.preventable as preventable,
    episodes.returned_at as returned_at,
    episodes.return_order_id as return_order_id,
    -- Up to the return, or up to as_of while it lasts.
    toNullable(dateDiff('day', episodes.loss_date, coalesce(episodes.returned_on, {{ .AsOf }}))) as days_lost,
    episodes.segment as segment,
    episodes.started_on as started_on,
    episodes.last_order_on as last_order_on,
    episodes.returned_on as returned_on,
    episodes.return_source as return_source,
    episodes.revenue_12m as revenue_12m
from episodes
left join reasons on reasons.customer_key = episodes.customer_key and reasons.episode_no = episodes.episode_no
