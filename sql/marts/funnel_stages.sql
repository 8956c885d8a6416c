-- funnel_stages: how many deals each stage of a funnel lets through, by the month in which they entered the funnel.
-- grain: one row per month, pipeline and stage_no
-- materialized: view
-- tags: funnel, monthly
select * except (dimension, value, label)
from {{ ref "int_funnel_rates" }}
where dimension = '(all)'
