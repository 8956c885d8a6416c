-- int_reason_statements: every reason that somebody wrote down for leaving or not buying, and where.
-- grain: one row per source, entity, entity_id and basis
-- materialized: view
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
    select source, 'crm.customers' as entity, customer_id as entity_id, 'stated' as basis, 'termination' as origin, 1 as precedence,
        contract_terminated_at as said_at, termination_reason as reason, null as severity, null as competitor
    from customers
    union all
    select source, 'crm.surveys', survey_id, 'stated', 'survey', 2, answered_at, stated_reason, null, null from surveys
    union all
    select source, 'crm.surveys', survey_id, 'verified', 'survey', 2, answered_at, verified_reason, null, null from surveys
    union all
    select source, 'crm.deals', deal_id, 'stated', 'deal', 3, coalesce(closed_at, created_at), lost_reason, null, competitor from deals
    union all
    select source, 'crm.deals', deal_id, 'verified', 'deal', 3, coalesce(closed_at, created_at), lost_reason_verified, null, competitor from deals
    union all
    select source, 'winback.touches', touch_id, 'stated', 'touch', 4, coalesce(replied_at, touched_at), reason, null, null from touches
    union all
    select source, 'crm.complaints', complaint_id, 'stated', 'complaint', 5, opened_at, coalesce(category, text), severity, null from complaints
)

select
    source,
    entity,
    entity_id,
    basis,
    origin,
    toUInt8(precedence) as precedence,
    toDate(statements.said_at, {{ .Timezone }}) as said_on,
    reason,
    cast(severity as Nullable(UInt8)) as severity,
    competitor
from statements
where coalesce(reason, if(basis = 'stated', competitor, null)) is not null
    and (said_on is null or said_on <= {{ .AsOf }})
