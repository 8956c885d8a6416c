-- funnel_dropoff_reasons: why deals are lost, by the month in which they entered the funnel and the furthest stage they came to.
-- grain: one row per month, pipeline, stage_no and reason_category
-- materialized: view
-- tags: funnel, reasons, monthly
select * except (dimension, value, label)
from {{ ref "int_funnel_reason_rates" }}
where dimension = '(all)'
