-- stg_crm__deals: sales being made, won or lost, newest version of each.
-- grain: one row per source and deal_id
-- materialized: view
with

deals as (
    select * from {{ source "crm" "deals" }} final where not deleted
)

select
    source,
    id as deal_id,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(trimBoth(contact_id), '') as contact_id,
    nullIf(trimBoth(title), '') as title,
    nullIf(trimBoth(pipeline_id), '') as pipeline_id,
    nullIf(trimBoth(stage_id), '') as stage_id,
    nullIf(lower(trimBoth(toString(status))), '') as status,
    amount,
    nullIf(upper(trimBoth(currency)), '') as currency,
    margin,
    nullIf(trimBoth(manager_id), '') as manager_id,
    nullIf(trimBoth(lead_source), '') as lead_source,
    created_at,
    expected_close_at,
    closed_at,
    nullIf(trimBoth(lost_reason), '') as lost_reason,
    nullIf(trimBoth(lost_reason_verified), '') as lost_reason_verified,
    nullIf(trimBoth(competitor), '') as competitor,
    nullIf(trimBoth(product), '') as product
from deals
