-- int_funnel_reasons: why deals of each month were lost, by the furthest stage they came to.
-- grain: one row per month, pipeline, dimension, value, stage_no and reason_category
-- materialized: table
-- order_by: (dimension, pipeline, month, value, stage_no, reason_category)
-- tags: funnel, reasons, monthly
with

deals as (
    select *, toStartOfMonth(began_on) as month from {{ ref "int_deal_dimensions" }} where outcome = 'lost'
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
        any(deals.label) as label,
        deals.furthest_no as stage_no,
        coalesce(any(steps.stage), '(none)') as stage,
        assumeNotNull(deals.reason_category) as reason_category,
        count() as deals_lost,
        coalesce(sum(deals.amount), toDecimal128(0, 4)) as amount_lost
    from deals
    left join steps on steps.source = deals.source and steps.pipeline_id = deals.pipeline_id and steps.stage_no = deals.furthest_no
    group by month, pipeline, dimension, value, stage_no, reason_category
),

with_total as (
    select *, sum(deals_lost) over (partition by month, pipeline, dimension, value, stage_no) as dropped from counted
)

select
    now.month as month,
    now.pipeline as pipeline,
    now.dimension as dimension,
    now.value as value,
    now.label as label,
    toUInt16(now.stage_no) as stage_no,
    now.stage as stage,
    now.reason_category as reason_category,
    now.deals_lost as deals,
    now.dropped as dropped,
    now.amount_lost as amount,
    before.deals_lost as previous_deals,
    before.dropped as previous_dropped,
    toBool(toStartOfMonth({{ .AsOf }} + 1) > now.month) as is_complete
from with_total as now
left join with_total as before
    on before.month = addMonths(now.month, -1) and before.pipeline = now.pipeline and before.dimension = now.dimension
        and before.value = now.value and before.stage_no = now.stage_no and before.reason_category = now.reason_category
