-- callcenter_by: calls of each month by queue, team, agent and topic.
-- grain: one row per month, dimension and value
-- materialized: view
-- tags: service, monthly
select
    start as month,
    dimension,
    value,
    * except (period, start, dimension, value),
    toBool(toLastDayOfMonth(start) <= {{ .AsOf }}) as is_complete
from {{ ref "int_call_rates" }}
where period = 'month'
