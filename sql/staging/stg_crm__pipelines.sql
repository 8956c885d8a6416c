-- stg_crm__pipelines: sales funnels, newest version of each.
-- grain: one row per source and pipeline_id
-- materialized: view
with

pipelines as (
    select * from {{ source "crm" "pipelines" }} final where not deleted
)

select
    source,
    id as pipeline_id,
    nullIf(trimBoth(name), '') as name
from pipelines
