-- stg_callcenter__queue_events: what happened to calls in queues, newest version of each.
-- grain: one row per source and queue_event_id
-- materialized: view
with

queue_events as (
    select * from {{ source "callcenter" "queue_events" }} final where not deleted
)

select
    source,
    id as queue_event_id,
    at as happened_at,
    nullIf(trimBoth(call_id), '') as call_id,
    nullIf(trimBoth(queue), '') as queue,
    nullIf(trimBoth(agent_id), '') as agent_id,
    nullIf(trimBoth(event), '') as event,
    data
from queue_events
