-- callcenter_daily: calls of each day and queue: offered, answered, abandoned, service level, waiting, handling, resolution.
-- grain: one row per day and queue
-- materialized: view
-- tags: service
select start as day, value as queue, * except (period, start, dimension, value)
from {{ ref "int_call_rates" }}
where period = 'day'
