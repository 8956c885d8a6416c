-- stg_crm__deal_stages: stage history of deals, newest version of each stay.
-- grain: one row per source, deal_id and seq
-- materialized: view
with

deal_stages as (
    select * from {{ source "crm" "deal_stages" }} final where not deleted
)

select
    source,
    deal_id,
    seq,
    nullIf(trimBoth(stage_id), '') as stage_id,
    entered_at,
    left_at
from deal_stages
