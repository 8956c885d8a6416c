-- stg_crm__managers: people who look after customers, newest version of each.
-- grain: one row per source and manager_id
-- materialized: view
with

managers as (
    select * from {{ source "crm" "managers" }} final where not deleted
)

select
    source,
    id as manager_id,
    nullIf(trimBoth(name), '') as name,
    nullIf(trimBoth(email), '') as email,
    nullIf(trimBoth(department), '') as department,
    hired_at,
    left_at,
    is_active
from managers
