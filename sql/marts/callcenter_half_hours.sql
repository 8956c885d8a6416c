-- callcenter_half_hours: when callers are reached: each half hour of the week, month by month.
-- grain: one row per month, weekday and half_hour
-- materialized: table
-- order_by: (month, weekday, half_hour)
-- tags: service
with

calls as (
    select started_on, weekday, half_hour, disposition, wait_seconds from {{ ref "int_calls" }} where is_offered
),

counted as (
    select
        toStartOfMonth(started_on) as month,
        weekday,
        half_hour,
        count() as offered,
        countIf(disposition = 'answered') as answered,
        countIf(disposition = 'answered' and coalesce(wait_seconds <= {{ .CallCentre.AnswerWithin }}, false)) as in_time,
        countIf(disposition = 'abandoned' and coalesce(wait_seconds <= {{ .CallCentre.AnswerWithin }}, false)) as gave_up_in_time,
        countIf(disposition = 'abandoned' and coalesce(wait_seconds <= {{ .CallCentre.ShortAbandon }}, false)) as misdialled,
        avgIf(wait_seconds, disposition = 'answered') as asa_seconds
    from calls
    group by month, weekday, half_hour
)

select
    month,
    weekday,
    half_hour,
    concat(leftPad(toString(intDiv(half_hour, 2)), 2, '0'), if(half_hour % 2 = 0, ':00', ':30')) as time_of_day,
    offered,
    answered,
    offered - answered as abandoned,
    offered - misdialled as abandoned_n,
    100 * (abandoned - misdialled) / nullIf(abandoned_n, 0) as abandoned_pct,
    {{ wilson_lower "abandoned - misdialled" "abandoned_n" }} as abandoned_lower,
    {{ wilson_upper "abandoned - misdialled" "abandoned_n" }} as abandoned_upper,
    offered - gave_up_in_time as service_level_n,
    100 * in_time / nullIf(service_level_n, 0) as service_level_pct,
    {{ wilson_lower "in_time" "service_level_n" }} as service_level_lower,
    {{ wilson_upper "in_time" "service_level_n" }} as service_level_upper,
    asa_seconds
from counted
