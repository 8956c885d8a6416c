-- funnel_dropoff_reasons_by: why deals are lost, by manager, lead source and segment.
-- grain: one row per month, pipeline, dimension, value, stage_no and reason_category
-- materialized: view
-- tags: funnel, reasons, monthly
select *
from {{ ref "int_funnel_reason_rates" }}
where dimension != '(all)'
