-- managers_funnel: the funnel of each manager.
-- grain: one row per month, pipeline, manager_id and stage_no
-- materialized: view
-- tags: funnel, monthly
select month, pipeline, value as manager_id, label as manager, * except (month, pipeline, dimension, value, label)
from {{ ref "int_funnel_rates" }}
where dimension = 'manager'
