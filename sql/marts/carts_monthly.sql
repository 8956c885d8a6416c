-- carts_monthly: how many carts were left, and how many of those came back.
-- grain: one row per month and category
-- materialized: view
-- tags: carts, monthly
select
    month,
    category,
    carts,
    abandoned,
    abandoned_pct,
    contactable,
    reminded,
    recovered,
    recovered_pct,
    recovered_revenue,
    cost,
    romi_pct,
    abandoned_lower,
    abandoned_upper,
    recovered_lower,
    recovered_upper,
    recovered_by_reminder,
    reminded_revenue,
    abandoned_value,
    benchmark,
    benchmark_pct,
    is_complete,
    is_settled
from {{ ref "carts_monthly_by" }}
where channel = '(all)'
