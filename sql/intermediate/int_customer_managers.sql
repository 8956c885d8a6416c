-- int_customer_managers: who looked after each customer and when.
-- grain: one row per customer_key that ever had a manager
-- materialized: incremental
-- key: customer_key
-- changes: customer_key, stretches
-- order_by: customer_key
-- tags: managers
with

owners as (
    select source, entity_id, customer_key
    from {{ ref "int_record_owners" }}
    where entity = 'crm.manager_assignments' and {{ touched "customer_key" }}
),

keys as (
    select source, entity_id, customer_key
    from {{ ref "int_customer_keys" }}
    where entity = 'crm.customers' and customer_key in (
        select customer_key from {{ ref "int_customers" }} where manager_id is not null and {{ touched "customer_key" }}
    )
),

assignments as (
    select
        source,
        customer_id,
        manager_id,
        from_at,
        toDate(from_at, {{ .Timezone }}) as from_on,
        coalesce(toDate(to_at, {{ .Timezone }}), toDate('2149-01-01')) as to_on
    from {{ ref "stg_crm__manager_assignments" }}
    where toDate(from_at, {{ .Timezone }}) <= {{ .AsOf }}
),

-- The manager written in the customer's record now, as int_customers chooses it.
managers_now as (
    select
        keys.customer_key as customer_key,
        argMin(
            (customers.source, assumeNotNull(customers.manager_id)),
            (-toUnixTimestamp64Micro(coalesce(customers.created_at, toDateTime64(0, 6, 'UTC'))), customers.source, customers.customer_id)
        ) as manager
    from keys
    inner join {{ ref "stg_crm__customers" }} as customers on customers.source = keys.source and customers.customer_id = keys.entity_id
    where customers.manager_id is not null
    group by customer_key
),

-- Whoever came last looks after the customer, until the next one comes.
followed as (
    select
        owners.customer_key as customer_key,
        assignments.source as source,
        assignments.manager_id as manager_id,
        assignments.from_on as from_on,
        assignments.to_on as to_on,
        leadInFrame(assignments.from_on, 1, toDate('2149-01-01')) over (
            partition by owners.customer_key order by assignments.from_at, assignments.source, assignments.customer_id
            rows between unbounded preceding and unbounded following
        ) as next_from_on
    from assignments
    inner join owners on owners.source = assignments.source and owners.entity_id = assignments.customer_id
),

recorded as (
    select
        customer_key,
        arraySort(groupArrayIf(
            (from_on, least(to_on, next_from_on), source, assumeNotNull(manager_id)),
            manager_id is not null and from_on < least(to_on, next_from_on)
        )) as stretches,
        max(least(to_on, next_from_on)) as recorded_until
    from followed
    group by customer_key
),

-- The record's manager counts from when the recorded history ends; always, where there is none.
from_record as (
    select
        assumeNotNull(coalesce(recorded.customer_key, managers_now.customer_key)) as customer_key,
        coalesce(recorded.recorded_until, toDate('1970-01-01')) as recorded_until,
        ifNull(recorded.stretches, []) as recorded_stretches,
        managers_now.manager as manager
    from recorded
    full join managers_now on managers_now.customer_key = recorded.customer_key
)

select
    customer_key,
    cast(arrayConcat(
        recorded_stretches,
        if(manager is null or recorded_until = toDate('2149-01-01'), [],
            [(recorded_until, toDate('2149-01-01'), coalesce(tupleElement(manager, 1), ''), coalesce(tupleElement(manager, 2), ''))])
    ) as Array(Tuple(Date, Date, String, String))) as stretches
from from_record
where notEmpty(stretches)

{{ define "touched" }}
-- A new day brings the assignments dated up to it.
select customer_key from {{ changed "int_record_owners" }} where entity = 'crm.manager_assignments'
union all
select customer_key from {{ ref "int_record_owners" }}
where entity = 'crm.manager_assignments' and (
    (source, entity_id) in (select source, customer_id from {{ changed "crm.manager_assignments" }})
    or (source, entity_id) in (
        select source, customer_id
        from {{ ref "stg_crm__manager_assignments" }}
        where toDate(from_at, {{ .Timezone }}) > {{ .SeenUntil }} and toDate(from_at, {{ .Timezone }}) <= {{ .SeenLast }}
    )
)
union all
select customer_key from {{ changed "int_customers" }}
union all
select customer_key from {{ changed "int_customer_keys" }} where entity = 'crm.customers'
{{ end }}
