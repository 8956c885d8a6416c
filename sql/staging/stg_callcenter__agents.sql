-- stg_callcenter__agents: people who take calls, newest version of each.
-- grain: one row per source and agent_id
-- materialized: view
with

agents as (
    select * from {{ source "callcenter" "agents" }} final where not deleted
)

select
    source,
    id as agent_id,
    nullIf(trimBoth(name), '') as name,
    nullIf(trimBoth(team), '') as team
from agents
