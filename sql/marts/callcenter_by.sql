-- callcenter_by: calls of each month by queue, team, agent and topic.
-- grain: one row per month, dimension and value
-- materialized: view
-- tags: service, monthly
select
    start as month,
    dimension,
    value,
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
    satisfaction,
    toBool(toLastDayOfMonth(start) <= {{ .AsOf }}) as is_complete
from {{ ref "int_call_rates" }}
where period = 'month'
