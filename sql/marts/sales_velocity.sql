-- sales_velocity: deals won and lost in each month, win rates by count and by value, and how much the open ones promise a day.
-- grain: one row per month and pipeline
-- materialized: view
-- tags: funnel, monthly
select * except (dimension, value, label)
from {{ ref "int_sales_rates" }}
where dimension = '(all)'
