-- sales_velocity_by: sales velocity by manager, lead source and segment.
-- grain: one row per month, pipeline, dimension and value
-- materialized: view
-- tags: funnel, monthly
select *
from {{ ref "int_sales_rates" }}
where dimension != '(all)'
