-- churn_monthly: how many customers each month lost and what that costs.
-- grain: one row per month and segment
-- materialized: table
-- order_by: (segment, month)
-- tags: churn, monthly
select
    month,
    segment,
    customers_at_start,
    lost,
    churn_pct,
    churn_12m_pct,
    level,
    returned,
    net_lost,
    average_check,
    payments_per_customer,
    lost_revenue_simple,
    ltv_simple,
    lost_ltv,
    lost_revenue_observed,
    revenue_churn_pct,
    revenue_retention_pct,
    is_complete,
    churn_lower,
    churn_upper,
    customers_at_start_12m,
    lost_12m,
    churn_12m_lower,
    churn_12m_upper,
    lost_at_start,
    return_pct,
    return_lower,
    return_upper,
    lifetime_years,
    orders_per_year,
    revenue_churn_net_pct,
    retention_pct
from {{ ref "churn_monthly_by" }}
where region = '(all)' and channel = '(all)' and manager_id = '(all)'
