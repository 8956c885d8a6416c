-- calls_have_a_time: calls of which no moment is known are in no table.
-- severity: warn
select source, call_id
from {{ ref "stg_callcenter__calls" }}
where coalesce(started_at, answered_at, ended_at) is null
