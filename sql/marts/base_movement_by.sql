-- base_movement_by: how the parts of the customers and their yearly revenue came to be those of a month's end: by segment, region, sales channel and manager, each alone or any two together.
-- grain: one row per month, segment, region, channel and manager_id
-- materialized: view
-- tags: churn, monthly
with

movements as (
    select * from {{ ref "int_movements_by" }}
)

select
    month,
    segment,
    region,
    channel,
    manager_id,
    customers_at_start as at_start,
    new_customers as new,
    returned_times as returned,
    lost_times as lost,
    customers_at_end as at_end,
    revenue_at_start,
    revenue_new,
    revenue_returned,
    revenue_grown,
    revenue_shrunk,
    revenue_lost,
    revenue_at_end,
    is_complete,
    orders,
    revenue,
    manager
from movements
