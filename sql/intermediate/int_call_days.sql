-- int_call_days: inbound calls of each day, queue, agent and topic, as sums that add up to anything larger.
-- grain: one row per day, queue, team, agent and topic
-- materialized: incremental
-- key: day
-- partition_by: toYear(day)
-- order_by: (day, queue, team, agent, topic)
with

calls as (
    select * from {{ ref "int_calls" }} where is_offered and {{ touched "started_on" }}
),

-- Later contacts of the same callers.
contacts as (
    select assumeNotNull(later.caller) as caller, topic, started_at
    from {{ ref "int_calls" }} as later
    where is_offered and later.caller is not null and later.caller in (select caller from calls)
),

-- A matter was settled by an answered call if its caller does not come back to it
-- in time; a call whose time is not over tells nothing yet, nor does one of a
-- withheld number.
with_next as (
    select
        calls.*,
        toBool(calls.disposition = 'answered') as is_answered,
        toBool(is_answered and calls.caller is not null
            and calls.started_on + {{ .CallCentre.ResolvedAfter }} <= {{ .AsOf }}) as is_judged,
        toBool(contacts.started_at is null or contacts.started_at > calls.started_at + interval {{ .CallCentre.ResolvedAfter }} day) as is_last
    from calls
    asof left join contacts
        on contacts.caller = calls.caller and contacts.topic = calls.topic and contacts.started_at > calls.started_at
)

select
    started_on as day,
    queue,
    team,
    agent,
    topic,
    count() as offered,
    countIf(is_answered) as answered,
    countIf(not is_answered) as abandoned,
    countIf(is_answered and coalesce(wait_seconds <= {{ .CallCentre.AnswerWithin }}, false)) as answered_in_time,
    countIf(not is_answered and coalesce(wait_seconds <= {{ .CallCentre.AnswerWithin }}, false)) as abandoned_in_time,
    countIf(not is_answered and coalesce(wait_seconds <= {{ .CallCentre.ShortAbandon }}, false)) as abandoned_short,
    countIf(is_answered and wait_seconds is not null) as waits,
    toInt64(ifNull(sumIf(wait_seconds, is_answered), 0)) as wait_seconds_sum,
    countIf(talk_seconds is not null) as handled,
    toInt64(ifNull(sum(talk_seconds), 0)) as talk_seconds_sum,
    toInt64(ifNull(sumIf(hold_seconds, talk_seconds is not null), 0)) as hold_seconds_sum,
    countIf(is_answered and transfers is not null) as transfers_known,
    countIf(is_answered and coalesce(transfers > 0, false)) as transferred,
    countIf(is_judged) as first_contacts,
    countIf(is_judged and is_last) as resolved,
    countIf(satisfaction is not null) as marks,
    toDecimal128(ifNull(sum(satisfaction), 0), 4) as marks_sum
from with_next
group by all

{{ define "touched" }}
-- A call decides whether those of the same caller in the days before it settled
-- the matter. A new day ends the time of the calls so many days ago.
select arrayJoin(arrayMap(days -> started_on - days, range({{ .CallCentre.ResolvedAfter }} + 2))) as day
from (select distinct started_on from {{ changed "int_calls" }})
union all
select arrayJoin(arrayMap(
    days -> {{ .SeenUntil }} - {{ .CallCentre.ResolvedAfter }} + 1 + days,
    range(toUInt32(greatest(dateDiff('day', {{ .SeenUntil }}, {{ .SeenLast }}), 0)))
)) as day
{{ end }}
