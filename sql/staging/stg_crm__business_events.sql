-- stg_crm__business_events: the company's history, newest version of each event.
-- grain: one row per source and event_id
-- materialized: view
with

business_events as (
    select * from {{ source "crm" "business_events" }} final where not deleted
)

select
    source,
    id as event_id,
    at as happened_at,
    nullIf(lower(trimBoth(toString(kind))), '') as kind,
    nullIf(trimBoth(title), '') as title,
    nullIf(trimBoth(segment), '') as segment,
    nullIf(trimBoth(scope), '') as scope
from business_events
