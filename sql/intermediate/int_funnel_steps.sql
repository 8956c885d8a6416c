-- int_funnel_steps: the stages of each funnel, those that lead to a sale numbered in their order.
-- grain: one row per source, pipeline_id and stage_id
-- materialized: view
-- tags: funnel
with

stages as (
    select * from {{ ref "stg_crm__stages" }}
),

ordered as (
    select
        *,
        if(stages.kind in ('won', 'lost'), assumeNotNull(stages.kind), 'open') as step_kind,
        row_number() over (partition by source, pipeline_id, step_kind order by coalesce(sort, 9223372036854775807), stage_id) as place
    from stages
)

select
    source,
    pipeline_id,
    stage_id,
    coalesce(ordered.name, ordered.stage_id) as stage,
    step_kind as kind,
    -- Where deals end up is no step: 0.
    toUInt16(if(step_kind = 'open', place, 0)) as stage_no,
    toUInt16(countIf(step_kind = 'open') over (partition by source, pipeline_id)) as stages_in_pipeline
from ordered
