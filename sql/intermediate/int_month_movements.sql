-- int_month_movements: customers and money of each month: who was there, who came, who left.
-- grain: one row per month and segment
-- materialized: view
-- tags: churn, monthly
select
    month,
    segment,
    is_complete,
    customers_at_start,
    new_customers,
    returned_times,
    lost_times,
    customers_at_end,
    lost,
    returned,
    lost_at_start,
    returned_of_lost,
    buyers,
    orders,
    revenue,
    revenue_lost_observed,
    has_year_before,
    customers_at_start_12m,
    lost_12m,
    orders_12m,
    revenue_12m,
    customer_months_12m,
    revenue_at_start,
    revenue_new,
    revenue_returned,
    revenue_grown,
    revenue_shrunk,
    revenue_lost,
    revenue_at_end
from {{ ref "int_movements_by" }}
where region = '(all)' and channel = '(all)' and manager_id = '(all)'
