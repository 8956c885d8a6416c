-- base_movement: how each month's customers and their yearly revenue came to be those of its end.
-- grain: one row per month and segment
-- materialized: table
-- order_by: (segment, month)
-- tags: churn, monthly
with

movements as (
    select * from {{ ref "int_month_movements" }}
)

select
    month,
    segment,
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
    revenue
from movements
