-- stg_callcenter__calls: calls through the call centre, newest version of each.
-- grain: one row per source and call_id
-- materialized: view
with

calls as (
    select * from {{ source "callcenter" "calls" }} final where not deleted
)

select
    source,
    id as call_id,
    started_at,
    answered_at,
    ended_at,
    nullIf(lower(trimBoth(toString(direction))), '') as direction,
    nullIf(trimBoth(from_number), '') as from_number,
    nullIf(trimBoth(to_number), '') as to_number,
    nullIf(trimBoth(customer_phone), '') as customer_phone,
    nullIf(trimBoth(queue), '') as queue,
    nullIf(trimBoth(agent_id), '') as agent_id,
    nullIf(trimBoth(agent_name), '') as agent_name,
    nullIf(lower(trimBoth(toString(disposition))), '') as disposition,
    wait_seconds,
    talk_seconds,
    hold_seconds,
    transfers,
    nullIf(trimBoth(topic), '') as topic,
    nullIf(trimBoth(product), '') as product,
    nullIf(trimBoth(outcome), '') as outcome,
    in_competence,
    redirected_to_office,
    callback_promised_at,
    nullIf(trimBoth(callback_of), '') as callback_of,
    nullIf(trimBoth(recording_url), '') as recording_url,
    satisfaction
from calls
