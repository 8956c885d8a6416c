-- funnel_stages_by: the funnel by lead source and by segment.
-- grain: one row per month, pipeline, dimension, value and stage_no
-- materialized: view
-- tags: funnel, monthly
select * except (label)
from {{ ref "int_funnel_rates" }}
where dimension in ('lead_source', 'segment')
