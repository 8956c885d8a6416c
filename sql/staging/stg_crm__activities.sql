-- stg_crm__activities: calls, meetings and tasks of managers, newest version of each.
-- grain: one row per source and activity_id
-- materialized: view
with

activities as (
    select * from {{ source "crm" "activities" }} final where not deleted
)

select
    source,
    id as activity_id,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(trimBoth(deal_id), '') as deal_id,
    nullIf(trimBoth(manager_id), '') as manager_id,
    nullIf(lower(trimBoth(toString(kind))), '') as kind,
    nullIf(lower(trimBoth(toString(direction))), '') as direction,
    nullIf(trimBoth(subject), '') as subject,
    at as happened_at,
    due_at,
    done_at,
    nullIf(trimBoth(result), '') as result
from activities
