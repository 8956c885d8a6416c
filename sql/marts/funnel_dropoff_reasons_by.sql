-- funnel_dropoff_reasons_by: why deals are lost, by manager, lead source and segment.
-- grain: one row per month, pipeline, dimension, value, stage_no and reason_category
-- materialized: view
-- tags: funnel, reasons, monthly
with

reasons as (
    select * from {{ ref "int_funnel_reasons" }} where dimension != '(all)'
)

select
    month,
    pipeline,
    dimension,
    value,
    label,
    stage,
    stage_no,
    reason_category,
    deals,
    100 * deals / dropped as share_pct,
    amount,
    dropped,
    {{ wilson_lower "deals" "dropped" }} as share_lower,
    {{ wilson_upper "deals" "dropped" }} as share_upper,
    previous_deals,
    100 * previous_deals / previous_dropped as previous_share_pct,
    is_complete
from reasons
