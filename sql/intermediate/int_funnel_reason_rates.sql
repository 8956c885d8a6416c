-- int_funnel_reason_rates: why deals are lost, as shares of the lost of the stage.
-- grain: one row per month, pipeline, dimension, value, stage_no and reason_category
-- materialized: view
-- tags: funnel, reasons, monthly
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
from {{ ref "int_funnel_reasons" }}
