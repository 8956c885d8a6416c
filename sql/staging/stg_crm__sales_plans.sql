-- stg_crm__sales_plans: planned sales by customer and month, newest version of each.
-- grain: one row per source, customer_id and month
-- materialized: view
with

sales_plans as (
    select * from {{ source "crm" "sales_plans" }} final where not deleted
)

select
    source,
    customer_id,
    month,
    amount,
    nullIf(upper(trimBoth(currency)), '') as currency
from sales_plans
