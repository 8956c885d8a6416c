-- stg_crm__stages: steps of sales funnels, newest version of each.
-- grain: one row per source, pipeline_id and stage_id
-- materialized: view
with

stages as (
    select * from {{ source "crm" "stages" }} final where not deleted
)

select
    source,
    pipeline_id,
    id as stage_id,
    nullIf(trimBoth(name), '') as name,
    sort,
    nullIf(lower(trimBoth(toString(kind))), '') as kind
from stages
