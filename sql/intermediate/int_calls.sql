-- int_calls: every call up to as_of with its customer, its day and durations that can be.
-- grain: one row per source and call_id
-- materialized: incremental
-- key: source, call_id
-- changes: started_on, caller, callback_of
-- partition_by: toYYYYMM(started_on)
-- order_by: (started_on, source, call_id)
with

-- Telephone systems that lose the moment of ringing still know when the call was
-- answered or ended.
calls as (
    select
        *,
        coalesce(started_at, answered_at, ended_at) as begun_at,
        toDateTime(assumeNotNull(begun_at), {{ .Timezone }}) as begun_local
    from {{ ref "stg_callcenter__calls" }}
    where coalesce(started_at, answered_at, ended_at) is not null
        and toDate(begun_local) <= {{ .AsOf }}
        and {{ touched "source, call_id" }}
),

owners as (
    select source, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity = 'callcenter.calls' and {{ touched "source, entity_id" }}
),

numbers as (
    select source, entity_id, value
    from {{ ref "int_contact_values" }}
    where entity = 'callcenter.calls' and usage = 'personal' and {{ touched "source, entity_id" }}
),

agents as (
    select source, agent_id, name, team from {{ ref "stg_callcenter__agents" }}
),

-- What the system does not say of a call, its moments do. A clock that ran
-- backwards tells no duration.
judged as (
    select
        *,
        coalesce(disposition, multiIf(
            answered_at is not null or coalesce(talk_seconds > 0, false), 'answered',
            direction = 'outbound', 'failed',
            'abandoned'
        )) as result,
        multiIf(
            wait_seconds >= 0, wait_seconds,
            result = 'answered' and answered_at >= started_at, dateDiff('second', started_at, answered_at),
            result = 'abandoned' and ended_at >= started_at, dateDiff('second', started_at, ended_at),
            null
        ) as waited,
        multiIf(
            result != 'answered', null,
            talk_seconds >= 0, talk_seconds,
            ended_at >= answered_at, dateDiff('second', answered_at, ended_at),
            null
        ) as talked
    from calls
)

select
    judged.source as source,
    judged.call_id as call_id,
    owners.customer_key as customer_key,
    -- Whoever it is: the customer, or an unknown number, which stays unreadable.
    coalesce(owners.customer_key, concat('n', substring(lower(hex(sipHash128(numbers.value))), 1, 19))) as caller,
    assumeNotNull(judged.begun_at) as started_at,
    toDate(judged.begun_local) as started_on,
    toDayOfWeek(judged.begun_local) as weekday,
    toUInt8(toHour(judged.begun_local) * 2 + intDiv(toMinute(judged.begun_local), 30)) as half_hour,
    judged.direction as direction,
    judged.result as disposition,
    toBool(coalesce(judged.direction = 'inbound', true) and judged.result in ('answered', 'abandoned')) as is_offered,
    coalesce(judged.queue, '(none)') as queue,
    judged.agent_id as agent_id,
    coalesce(agents.name, judged.agent_name, judged.agent_id, '(none)') as agent,
    coalesce(agents.team, '(none)') as team,
    coalesce(judged.topic, '(none)') as topic,
    judged.product as product,
    judged.outcome as outcome,
    judged.waited as wait_seconds,
    judged.talked as talk_seconds,
    if(judged.hold_seconds >= 0, judged.hold_seconds, null) as hold_seconds,
    if(judged.transfers >= 0, judged.transfers, null) as transfers,
    judged.in_competence as in_competence,
    judged.redirected_to_office as redirected_to_office,
    judged.callback_promised_at as callback_promised_at,
    judged.callback_of as callback_of,
    judged.satisfaction as satisfaction
from judged
left join owners on owners.source = judged.source and owners.entity_id = judged.call_id
left join numbers on numbers.source = judged.source and numbers.entity_id = judged.call_id
left join agents on agents.source = judged.source and agents.agent_id = judged.agent_id

{{ define "touched" }}
-- A new day brings the calls dated up to it; an agent who moves to another team
-- takes their calls along.
select source, id as call_id from {{ changed "callcenter.calls" }}
union all
select source, entity_id as call_id from {{ changed "int_record_owners" }} where entity = 'callcenter.calls'
union all
select source, entity_id as call_id from {{ changed "int_contact_values" }} where entity = 'callcenter.calls'
union all
select source, call_id from {{ ref "stg_callcenter__calls" }}
where (source, agent_id) in (select source, toNullable(id) from {{ changed "callcenter.agents" }})
union all
select source, call_id from {{ ref "stg_callcenter__calls" }}
where toDate(assumeNotNull(coalesce(started_at, answered_at, ended_at)), {{ .Timezone }}) > {{ .SeenUntil }}
    and toDate(assumeNotNull(coalesce(started_at, answered_at, ended_at)), {{ .Timezone }}) <= {{ .SeenLast }}
{{ end }}
