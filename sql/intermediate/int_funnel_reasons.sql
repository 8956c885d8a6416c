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
),

with_month_before as (
    select
        *,
        coalesce(lagInFrame(toNullable(month)) over history = addMonths(month, -1), false) as has_month_before,
        lagInFrame(toNullable(deals_lost)) over history as deals_before,
        lagInFrame(toNullable(dropped)) over history as dropped_before
    from with_total
    window history as (
        partition by pipeline, dimension, value, stage_no, reason_category order by month rows between unbounded preceding and unbounded following
    )
)

select
    month,
    pipeline,
    dimension,
    value,
    label,
    toUInt16(stage_no) as stage_no,
    stage,
    reason_category,
    deals_lost as deals,
    dropped,
    amount_lost as amount,
    if(has_month_before, deals_before, null) as previous_deals,
    if(has_month_before, dropped_before, null) as previous_dropped,
    toBool(toStartOfMonth({{ .AsOf }} + 1) > month) as is_complete
from with_month_before
