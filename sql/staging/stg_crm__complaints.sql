-- stg_crm__complaints: complaints of customers, newest version of each.
-- grain: one row per source and complaint_id
-- materialized: view
with

complaints as (
    select * from {{ source "crm" "complaints" }} final where not deleted
)

select
    source,
    id as complaint_id,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(trimBoth(order_id), '') as order_id,
    opened_at,
    answered_at,
    resolved_at,
    nullIf(trimBoth(category), '') as category,
    nullIf(trimBoth(text), '') as text,
    severity,
    is_human_factor,
    nullIf(trimBoth(resolution), '') as resolution,
    satisfied,
    nullIf(trimBoth(manager_id), '') as manager_id
from complaints
