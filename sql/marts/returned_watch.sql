-- returned_watch: what went wrong with a returned customer since the return; they are over-sensitive.
-- grain: one row per customer_key, problem and record
-- materialized: table
-- order_by: (customer_key, problem_on, problem, record)
-- tags: winback
with

customers as {{ once }} (
    select customer_key, name, manager_id, manager_name, last_returned_on from {{ ref "int_customers_today" }} where status = 'returned'
),

-- What was promised and not kept, by the rules of all promises: a delivery whose day
-- nobody wrote down is no late one, and an early call-back breaks nothing.
broken as (
    select * from {{ ref "int_promises" }}
    where kind in ('delivery', 'callback') and status in ('late', 'never') and customer_key in (select customer_key from customers)
),

owners as (
    select source, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity = 'crm.complaints' and customer_key in (select customer_key from customers)
),

complaints as (
    select * from {{ ref "stg_crm__complaints" }}
),

promises as (
    select
        assumeNotNull(customer_key) as customer_key,
        if(kind = 'delivery', 'late delivery', 'missed call-back') as problem,
        due_on as problem_on,
        concat(source, ':', promise_id) as record,
        status = 'never' as is_open,
        multiIf(
            kind = 'delivery' and is_open, 'not delivered yet',
            kind = 'delivery', concat('delivered on ', toString(toDate(assumeNotNull(done_at), {{ .Timezone }}))),
            is_open, 'never called back',
            'called back late'
        ) as detail,
        toDate(promised_at, {{ .Timezone }}) as since
    from broken
),

complained as (
    select
        owners.customer_key as customer_key,
        if(match(lower(coalesce(complaints.category, '')), 'bill|invoic|account|сч[её]т|оплат'), 'billing error', 'complaint') as problem,
        toDate(assumeNotNull(complaints.opened_at), {{ .Timezone }}) as problem_on,
        concat(complaints.source, ':', complaints.complaint_id) as record,
        complaints.resolved_at is null or toDate(complaints.resolved_at, {{ .Timezone }}) > {{ .AsOf }} as is_open,
        coalesce(complaints.category, 'no category') as detail,
        problem_on as since
    from complaints
    inner join owners on owners.source = complaints.source and owners.entity_id = complaints.complaint_id
    where complaints.opened_at is not null and problem_on <= {{ .AsOf }}
),

problems as (
    select * from promises
    union all
    select * from complained
)

select
    problems.customer_key as customer_key,
    customers.name as name,
    customers.manager_id as manager_id,
    customers.manager_name as manager_name,
    assumeNotNull(customers.last_returned_on) as returned_on,
    problems.problem as problem,
    problems.problem_on as problem_on,
    problems.record as record,
    toBool(coalesce(problems.is_open, false)) as is_open,
    problems.detail as detail,
    toInt32(problems.problem_on - assumeNotNull(customers.last_returned_on)) as days_since_return
from problems
inner join customers on customers.customer_key = problems.customer_key
where problems.since >= customers.last_returned_on
