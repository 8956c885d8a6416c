-- returned_watch: what went wrong with a returned customer since the return; they are over-sensitive.
-- grain: one row per customer_key, problem and record
-- materialized: table
-- order_by: (customer_key, problem_on, problem, record)
-- tags: winback
with

customers as (
    select customer_key, name, manager_id, manager_name, last_returned_on from {{ ref "int_customers_today" }} where status = 'returned'
),

owners as (
    select source, entity, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity in ('crm.complaints', 'callcenter.calls') and customer_key in (select customer_key from customers)
),

purchases as (
    select customer_key, source, order_id, ordered_on from {{ ref "int_purchases" }} where customer_key in (select customer_key from customers)
),

orders as (
    select source, order_id, promised_at, delivered_at
    from {{ ref "stg_shop__orders" }}
    where (source, order_id) in (select source, order_id from purchases) and promised_at is not null
),

complaints as (
    select * from {{ ref "stg_crm__complaints" }}
),

calls as (
    select source, call_id, started_at, direction, callback_promised_at
    from {{ ref "stg_callcenter__calls" }}
    where (source, call_id) in (select source, entity_id from owners where entity = 'callcenter.calls')
),

late_deliveries as (
    select
        purchases.customer_key as customer_key,
        'late delivery' as problem,
        toDate(assumeNotNull(orders.promised_at), {{ .Timezone }}) as problem_on,
        concat(purchases.source, ':', purchases.order_id) as record,
        orders.delivered_at is null or toDate(orders.delivered_at, {{ .Timezone }}) > {{ .AsOf }} as is_open,
        if(is_open, 'not delivered yet', concat('delivered on ', toString(toDate(assumeNotNull(orders.delivered_at), {{ .Timezone }})))) as detail,
        purchases.ordered_on as since
    from orders
    inner join purchases on purchases.source = orders.source and purchases.order_id = orders.order_id
    where problem_on <= {{ .AsOf }}
        and (is_open and problem_on < {{ .AsOf }} or toDate(orders.delivered_at, {{ .Timezone }}) > problem_on)
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
    inner join owners on owners.entity = 'crm.complaints' and owners.source = complaints.source and owners.entity_id = complaints.complaint_id
    where complaints.opened_at is not null and problem_on <= {{ .AsOf }}
),

customer_calls as (
    select owners.customer_key as customer_key, calls.*
    from calls
    inner join owners on owners.entity = 'callcenter.calls' and owners.source = calls.source and owners.entity_id = calls.call_id
),

called as (
    select customer_key, groupArray(assumeNotNull(started_at)) as called_at
    from customer_calls
    where direction = 'outbound' and started_at is not null
    group by customer_key
),

-- Fifteen minutes later is still in time.
not_called_back as (
    select
        promised.customer_key as customer_key,
        'missed call-back' as problem,
        toDate(assumeNotNull(promised.callback_promised_at), {{ .Timezone }}) as problem_on,
        concat(promised.source, ':', promised.call_id) as record,
        not arrayExists(x -> x > assumeNotNull(promised.started_at), called.called_at) as is_open,
        if(is_open, 'never called back', 'called back late') as detail,
        toDate(assumeNotNull(promised.started_at), {{ .Timezone }}) as since
    from customer_calls as promised
    left join called on called.customer_key = promised.customer_key
    where promised.callback_promised_at is not null and promised.started_at is not null
        and problem_on < {{ .AsOf }}
        and not arrayExists(
            x -> x > assumeNotNull(promised.started_at) and x <= assumeNotNull(promised.callback_promised_at) + interval 15 minute,
            called.called_at
        )
),

problems as (
    select * from late_deliveries
    union all
    select * from complained
    union all
    select * from not_called_back
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
