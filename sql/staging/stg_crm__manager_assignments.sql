-- stg_crm__manager_assignments: who looked after which customer and when, newest version of each.
-- grain: one row per source, customer_id and from_at
-- materialized: view
with

manager_assignments as (
    select * from {{ source "crm" "manager_assignments" }} final where not deleted
)

select
    source,
    customer_id,
    from_at,
    nullIf(trimBoth(manager_id), '') as manager_id,
    to_at
from manager_assignments
