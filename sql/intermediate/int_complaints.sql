-- int_complaints: complaints up to as_of with their customer, and how they were answered as far as it shows by then.
-- grain: one row per source and complaint_id
-- materialized: table
-- key: source, complaint_id
-- changes: customer_key
-- order_by: (opened_on, source, complaint_id)
with

complaints as (
    select *, assumeNotNull(opened_at) as begun_at
    from {{ ref "stg_crm__complaints" }}
    where opened_at is not null and toDate(assumeNotNull(opened_at), {{ .Timezone }}) <= {{ .AsOf }}
),

owners as (
    select source, entity_id, customer_key from {{ ref "int_record_owners" }} where entity = 'crm.complaints'
),

managers as (
    select source, manager_id, department from {{ ref "stg_crm__managers" }}
),

-- Who settled a complaint has answered it.
answered as (
    select
        *,
        coalesce(complaints.answered_at, complaints.resolved_at) as answer_at,
        complaints.begun_at + interval {{ .Service.AnswerHours }} hour as due_at,
        toBool(coalesce(toDate(answer_at, {{ .Timezone }}) > {{ .AsOf }}, false)) as is_ahead
    from complaints
)

select
    answered.source as source,
    answered.complaint_id as complaint_id,
    owners.customer_key as customer_key,
    answered.begun_at as opened_at,
    toDate(answered.begun_at, {{ .Timezone }}) as opened_on,
    if(is_ahead, null, answered.answer_at) as answered_at,
    answered.due_at as due_at,
    coalesce(managers.department, '(none)') as team,
    answered.order_id as order_id,
    answered.severity as severity,
    if(is_ahead, null, answered.resolution) as resolution,
    -- What the customer thought of the answer decides; unasked, whether it came in
    -- time does.
    multiIf(
        not is_ahead and answered.satisfied = true, 'answered_well',
        not is_ahead and answered.satisfied = false, 'answered_badly',
        not is_ahead and answered.answer_at <= answered.due_at, 'answered_well',
        not is_ahead and answered.answer_at is not null, 'answered_badly',
        toDate(answered.due_at, {{ .Timezone }}) <= {{ .AsOf }}, 'answered_badly',
        'open'
    ) as outcome
from answered
left join owners on owners.source = answered.source and owners.entity_id = answered.complaint_id
left join managers on managers.source = answered.source and managers.manager_id = answered.manager_id
