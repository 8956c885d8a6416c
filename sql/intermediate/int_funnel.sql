-- int_funnel: deals of each month, funnel and stage: how many came, went on, were lost there or are there, for how long and for how much.
-- grain: one row per month, pipeline, dimension, value and stage_no
-- materialized: table
-- order_by: (dimension, pipeline, month, value, stage_no)
-- tags: funnel, monthly
with

deals as (
    select *, toStartOfMonth(began_on) as month from {{ ref "int_deal_dimensions" }}
),

passages as (
    select source, deal_id, stage_no, days, is_staying, fate from {{ ref "int_deal_passages" }}
),

steps as (
    select source, pipeline_id, stage_no, stage from {{ ref "int_funnel_steps" }} where kind = 'open'
),

counted as (
    select
        deals.month as month,
        deals.pipeline as pipeline,
        deals.dimension as dimension,
        deals.value as value,
        passages.stage_no as stage_no,
        count() as entered,
        countIf(passages.fate = 'advanced') as advanced,
        countIf(passages.fate = 'dropped') as dropped,
        countIf(passages.fate = 'open') as open,
        countIf(passages.fate = 'dropped' and deals.is_unplaced) as unplaced,
        countIf(deals.outcome = 'won') as won,
        sum(deals.amount) as entered_amount,
        sumIf(deals.amount, passages.fate = 'dropped') as dropped_amount,
        sumIf(deals.amount, passages.fate = 'open') as open_amount,
        arraySort(groupArrayIf((assumeNotNull(passages.days), passages.is_staying), passages.days is not null)) as stays
    from deals
    inner join passages on passages.source = deals.source and passages.deal_id = deals.deal_id
    group by month, pipeline, dimension, value, stage_no
),

-- A stage that nobody of the month came to is there, with nobody.
groups as (
    select month, pipeline, dimension, value, any(deals.label) as label, any(deals.source) as source, any(deals.pipeline_id) as pipeline_id
    from deals
    group by month, pipeline, dimension, value
),

framed as (
    select groups.*, steps.stage_no as stage_no, steps.stage as stage
    from groups
    inner join steps on steps.source = groups.source and steps.pipeline_id = groups.pipeline_id
    union all
    select groups.*, 1 as stage_no, '(none)' as stage
    from groups
    where (groups.source, groups.pipeline_id) not in (select source, pipeline_id from steps)
),

-- Kaplan-Meier: the days after which half had left the stage, those who are still
-- there being censored. At equal days they leave after those who went.
timed as (
    select
        *,
        length(stays) as stayed,
        arrayCumSum(arrayMap(
            (stay, no) -> if(tupleElement(stay, 2), 0, log(1 - 1 / (length(stays) - no + 1))),
            stays, arrayEnumerate(stays)
        )) as log_still_there,
        arrayFirstOrNull((stay, log_share) -> log_share <= log(0.5) + 1e-9, stays, log_still_there) as half_left
    from counted
)

select
    framed.month as month,
    framed.pipeline as pipeline,
    framed.dimension as dimension,
    framed.value as value,
    framed.label as label,
    toUInt16(framed.stage_no) as stage_no,
    framed.stage as stage,
    toUInt64(coalesce(timed.entered, 0)) as entered,
    toUInt64(coalesce(timed.advanced, 0)) as advanced,
    toUInt64(coalesce(timed.dropped, 0)) as dropped,
    toUInt64(coalesce(timed.open, 0)) as open,
    toUInt64(coalesce(timed.unplaced, 0)) as unplaced,
    toUInt64(coalesce(timed.won, 0)) as won,
    max(entered) over (partition by framed.month, framed.pipeline, framed.dimension, framed.value) as entered_funnel,
    coalesce(timed.entered_amount, toDecimal128(0, 4)) as entered_amount,
    coalesce(timed.dropped_amount, toDecimal128(0, 4)) as dropped_amount,
    coalesce(timed.open_amount, toDecimal128(0, 4)) as open_amount,
    tupleElement(timed.half_left, 1) as median_days,
    toUInt64(coalesce(timed.stayed, 0)) as stayed,
    toBool(toStartOfMonth({{ .AsOf }} + 1) > month) as is_complete
from framed
left join timed
    on timed.month = framed.month and timed.pipeline = framed.pipeline and timed.dimension = framed.dimension
        and timed.value = framed.value and timed.stage_no = framed.stage_no
