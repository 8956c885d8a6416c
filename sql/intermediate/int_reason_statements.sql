-- int_reason_statements: every reason that somebody wrote down for leaving or not buying, and where.
-- grain: one row per source, entity, entity_id and basis
-- materialized: table
-- order_by: (entity, source, entity_id, basis)
-- tags: reasons
with

customers as (
    select source, customer_id, contract_terminated_at, termination_reason from {{ ref "stg_crm__customers" }}
),

surveys as (
    select * from {{ ref "stg_crm__surveys" }} where coalesce(kind, '') != 'employee_guess' and coalesce(respondent, '') != 'employee'
),

deals as (
    select * from {{ ref "stg_crm__deals" }} where status = 'lost'
),

touches as (
    select * from {{ ref "stg_winback__touches" }}
),

complaints as (
    select * from {{ ref "stg_crm__complaints" }}
),

-- In the order of precedence: what ended the contract says more than what was
-- complained of beforehand.
statements as (
    select source, 'crm.customers' as entity, customer_id as entity_id, 'termination' as origin, 1 as precedence,
        contract_terminated_at as said_at, termination_reason as stated, null as verified, null as severity, null as competitor
    from customers
    where termination_reason is not null
    union all
    select source, 'crm.surveys', survey_id, 'survey', 2, answered_at, stated_reason, verified_reason, null, null
    from surveys
    where coalesce(stated_reason, verified_reason) is not null
    union all
    select source, 'crm.deals', deal_id, 'deal', 3, coalesce(closed_at, created_at), lost_reason, lost_reason_verified, null, competitor
    from deals
    where coalesce(lost_reason, lost_reason_verified, competitor) is not null
    union all
    select source, 'winback.touches', touch_id, 'touch', 4, coalesce(replied_at, touched_at), reason, null, null, null
    from touches
    where reason is not null
    union all
    select source, 'crm.complaints', complaint_id, 'complaint', 5, opened_at, coalesce(category, text), null, severity, null
    from complaints
    where coalesce(category, text) is not null
),

by_basis as (
    select
        *,
        arrayJoin([('stated', stated, competitor), ('verified', verified, null)]) as said,
        tupleElement(said, 1) as basis,
        tupleElement(said, 2) as reason,
        tupleElement(said, 3) as named_competitor
    from statements
)

select
    source,
    entity,
    entity_id,
    basis,
    origin,
    toUInt8(precedence) as precedence,
    toDate(by_basis.said_at, {{ .Timezone }}) as said_on,
    reason,
    cast(severity as Nullable(UInt8)) as severity,
    by_basis.named_competitor as competitor
from by_basis
where coalesce(reason, named_competitor) is not null
    and (said_on is null or said_on <= {{ .AsOf }})
