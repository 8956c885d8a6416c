-- int_call_rates: service level and its kin, by day and queue and by month and dimension.
-- grain: one row per period, start, dimension and value
-- materialized: view
with

days as (
    select * from {{ ref "int_call_days" }}
),

placed as (
    select 'day' as period, days.day as start, 'queue' as dimension, arrayJoin([queue, '(all)']) as value, days.*
    from days
    union all
    select 'month' as period, toStartOfMonth(days.day) as start, tupleElement(place, 1) as dimension, tupleElement(place, 2) as value, days.*
    from days
    array join [('(all)', '(all)'), ('queue', queue), ('team', team), ('agent', agent), ('topic', topic)] as place
),

sums as (
    select
        period,
        start,
        dimension,
        value,
        sum(placed.offered) as offered,
        sum(placed.answered) as answered,
        sum(placed.abandoned) as abandoned,
        sum(placed.answered_in_time) as answered_in_time,
        sum(placed.abandoned_in_time) as abandoned_in_time,
        sum(placed.abandoned_short) as abandoned_short,
        sum(placed.waits) as waits,
        sum(placed.wait_seconds_sum) as wait_seconds,
        sum(placed.handled) as handled,
        sum(placed.talk_seconds_sum) as talk_seconds,
        sum(placed.hold_seconds_sum) as hold_seconds,
        sum(placed.transfers_known) as transfers_known,
        sum(placed.transferred) as transferred,
        sum(placed.first_contacts) as first_contacts,
        sum(placed.resolved) as resolved,
        sum(placed.marks) as marks,
        sum(placed.marks_sum) as marks_sum
    from placed
    group by period, start, dimension, value
)

-- The five formulas of the service level that are in use; the fourth forgives
-- callers who gave up before they had to be answered.
select
    period,
    start,
    dimension,
    value,
    offered,
    answered,
    abandoned,
    offered - abandoned_in_time as service_level_n,
    100 * answered_in_time / nullIf(service_level_n, 0) as service_level_pct,
    {{ wilson_lower "answered_in_time" "service_level_n" }} as service_level_lower,
    {{ wilson_upper "answered_in_time" "service_level_n" }} as service_level_upper,
    100 * (answered_in_time + abandoned_in_time) / nullIf(offered, 0) as service_level_1_pct,
    100 * answered_in_time / nullIf(answered, 0) as service_level_2_pct,
    100 * answered_in_time / nullIf(offered, 0) as service_level_3_pct,
    100 * (answered_in_time + abandoned_short) / nullIf(offered, 0) as service_level_5_pct,
    offered - abandoned_short as abandoned_n,
    100 * (abandoned - abandoned_short) / nullIf(abandoned_n, 0) as abandoned_pct,
    {{ wilson_lower "abandoned - abandoned_short" "abandoned_n" }} as abandoned_lower,
    {{ wilson_upper "abandoned - abandoned_short" "abandoned_n" }} as abandoned_upper,
    wait_seconds / nullIf(waits, 0) as asa_seconds,
    handled,
    (talk_seconds + hold_seconds) / nullIf(handled, 0) as aht_seconds,
    talk_seconds,
    transferred,
    transfers_known as transferred_n,
    100 * transferred / nullIf(transfers_known, 0) as transferred_pct,
    first_contacts,
    100 * resolved / nullIf(first_contacts, 0) as first_contact_resolution_pct,
    {{ wilson_lower "resolved" "first_contacts" }} as first_contact_resolution_lower,
    {{ wilson_upper "resolved" "first_contacts" }} as first_contact_resolution_upper,
    marks,
    toFloat64(marks_sum) / nullIf(marks, 0) as satisfaction
from sums
