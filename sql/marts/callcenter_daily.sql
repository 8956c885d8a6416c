-- callcenter_daily: calls of each day and queue: offered, answered, abandoned, service level, waiting, handling, resolution.
-- grain: one row per day and queue
-- materialized: view
-- tags: service
select
    start as day,
    value as queue,
    offered,
    answered,
    abandoned,
    service_level_n,
    service_level_pct,
    service_level_lower,
    service_level_upper,
    service_level_1_pct,
    service_level_2_pct,
    service_level_3_pct,
    service_level_5_pct,
    abandoned_n,
    abandoned_pct,
    abandoned_lower,
    abandoned_upper,
    asa_seconds,
    handled,
    aht_seconds,
    talk_seconds,
    transferred,
    transferred_n,
    transferred_pct,
    first_contacts,
    first_contact_resolution_pct,
    first_contact_resolution_lower,
    first_contact_resolution_upper,
    marks,
    satisfaction
from {{ ref "int_call_rates" }}
where period = 'day'
