-- base_movement: how each month's customers and their yearly revenue came to be those of its end.
-- grain: one row per month and segment
-- materialized: table
-- order_by: (segment, month)
-- tags: churn, monthly
select
    month,
    segment,
    at_start,
    new,
    returned,
    lost,
    at_end,
    revenue_at_start,
    revenue_new,
    revenue_returned,
    revenue_grown,
    revenue_shrunk,
    revenue_lost,
    revenue_at_end,
    is_complete,
    orders,
    revenue
from {{ ref "base_movement_by" }}
where region = '(all)' and channel = '(all)' and manager_id = '(all)'
