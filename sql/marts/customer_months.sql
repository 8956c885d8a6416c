-- customer_months: status of each customer at each month's end, and what the month brought.
-- grain: one row per customer_key and month
-- materialized: view
-- tags: churn, monthly
select
    customer_key,
    month,
    segment,
    day,
    status,
    last_order_on,
    gap_days,
    losses,
    returns,
    cohort_month,
    month_no,
    orders,
    revenue,
    revenue_12m,
    was_customer,
    is_customer,
    is_new,
    is_churned,
    lost_times,
    returned_times,
    loss_date_ahead,
    revenue_lost,
    revenue_12m_at_start,
    is_last_purchase_month,
    is_complete
from {{ ref "int_months_closed" }}
union all
select
    customer_key,
    month,
    segment,
    day,
    status,
    last_order_on,
    gap_days,
    losses,
    returns,
    cohort_month,
    month_no,
    orders,
    revenue,
    revenue_12m,
    was_customer,
    is_customer,
    is_new,
    is_churned,
    lost_times,
    returned_times,
    loss_date_ahead,
    revenue_lost,
    revenue_12m_at_start,
    is_last_purchase_month,
    is_complete
from {{ ref "int_month_current" }}
