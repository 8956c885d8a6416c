-- int_antecedents: days on which something happened to a customer that may lead to a loss.
-- grain: one row per fact, customer_key and day
-- materialized: table
-- order_by: (customer_key, day, fact)
-- tags: service
with

calls as (
    select
        assumeNotNull(all_calls.customer_key) as customer_key,
        started_on,
        disposition,
        topic,
        started_at,
        -- Two records of one moment are no second contact.
        maxOrNull(started_at) over (
            partition by customer_key, topic order by toUnixTimestamp64Micro(started_at) range between unbounded preceding and 1 preceding
        ) as previous_at
    from {{ ref "int_calls" }} as all_calls
    where is_offered and all_calls.customer_key is not null
),

refunds as (
    select source, order_id, toDate(assumeNotNull(refunded_at), {{ .Timezone }}) as refunded_on
    from {{ ref "int_refunds" }}
    where refunded_at is not null and toDate(assumeNotNull(refunded_at), {{ .Timezone }}) <= {{ .AsOf }}
),

orders as (
    select source, order_id, customer_key
    from {{ ref "int_orders" }}
    where customer_key is not null and (source, order_id) in (select source, assumeNotNull(order_id) from refunds where order_id is not null)
),

facts as (
    select
        if(kind = 'delivery', 'late_delivery', 'broken_promise') as fact,
        assumeNotNull(promises.customer_key) as customer_key,
        due_on as day
    from {{ ref "int_promises" }} as promises
    where status in ('late', 'never') and promises.customer_key is not null and due_on <= {{ .AsOf }}
    union all
    select
        arrayJoin(arrayFilter(name -> name != '', [
            if(disposition = 'abandoned', 'abandoned_call', ''),
            if(coalesce(previous_at >= started_at - interval {{ .CallCentre.ResolvedAfter }} day, false), 'repeated_contact', '')
        ])) as fact,
        customer_key,
        started_on as day
    from calls
    union all
    select 'refund' as fact, assumeNotNull(orders.customer_key) as customer_key, refunds.refunded_on as day
    from orders
    inner join refunds on refunds.source = orders.source and refunds.order_id = orders.order_id
    union all
    select 'complaint' as fact, assumeNotNull(complaints.customer_key) as customer_key, opened_on as day
    from {{ ref "int_complaints" }} as complaints
    where complaints.customer_key is not null
)

select distinct fact, customer_key, day from facts
