-- int_record_owners: whose a deal, activity, complaint, survey, payment, plan, cart, touch or call is.
-- grain: one row per source, entity and entity_id that has an owner
-- materialized: incremental
-- key: source, entity, entity_id
-- changes: customer_key
-- partition_by: entity
-- order_by: (entity, source, entity_id)
with

refs as {{ once }} (
    select source, entity, entity_id, customer_ref
    from {{ ref "int_record_refs" }}
    where customer_ref is not null and {{ touched "source, entity, entity_id" }}
),

keys as (
    select source, entity, entity_id, own_key, customer_key from {{ ref "int_customer_keys" }}
),

contacts as (
    select source, entity, entity_id, kind, value
    from {{ ref "int_contact_values" }}
    where entity in ('shop.carts', 'winback.touches', 'callcenter.calls') and usage = 'personal' and {{ touched "source, entity, entity_id" }}
),

owners as (
    select kind, value, customer_key from {{ ref "int_contact_owners" }}
    where {{ in_part "(kind, value) in (select kind, value from contacts)" }}
),

-- One source may hold a shop account and a CRM record of the same id.
keys_of_ids as (
    select source, entity_id, groupArray((keys.entity, keys.customer_key)) as holders from keys group by source, entity_id
),

-- A deal means the record, a cart the account. Most records are found so, and one by
-- one: only the others are looked for in further ways, and grouped.
by_own_id as {{ once }} (
    select
        refs.source as source,
        refs.entity as entity,
        refs.entity_id as entity_id,
        arrayMin(holder -> (
            multiIf(
                tupleElement(holder, 1) = concat(substringIndex(refs.entity, '.', 1), '.customers'), 1,
                tupleElement(holder, 1) = 'shop.customers', 2,
                tupleElement(holder, 1) = 'crm.customers', 3,
                4
            ),
            tupleElement(holder, 2)
        ), keys_of_ids.holders) as best
    from refs
    inner join keys_of_ids on keys_of_ids.source = refs.source and keys_of_ids.entity_id = refs.customer_ref
),

found_by_id as (
    select source, entity, entity_id from by_own_id where entity in ('shop.carts', 'winback.touches')
),

-- Touches come back from the tool that sent them with the id it was given: our
-- key, one the customer had before, or a record as mart.customers writes it.
given_ids as (
    select own_key as ref, customer_key from keys
    union all
    select concat(source, ':', entity_id) as ref, customer_key from keys
),

given_to_one as (
    select ref, any(given_ids.customer_key) as customer_key
    from given_ids
    where ref in (select assumeNotNull(customer_ref) from refs where entity = 'winback.touches')
    group by ref
    having uniqExact(given_ids.customer_key) = 1
),

by_given_id as (
    select
        refs.source as source,
        refs.entity as entity,
        refs.entity_id as entity_id,
        given_to_one.customer_key as customer_key,
        'key' as found_by,
        5 as precedence
    from refs
    inner join given_to_one on given_to_one.ref = refs.customer_ref
    where refs.entity = 'winback.touches'
),

-- Or with the bare id of another system, which says something when the tool knows
-- no customers of its own and one customer only has that id anywhere.
ids_of_one as (
    select entity_id, any(keys.customer_key) as customer_key
    from keys
    where entity_id in (select assumeNotNull(customer_ref) from refs where entity = 'winback.touches')
    group by entity_id
    having uniqExact(keys.customer_key) = 1
),

by_foreign_id as (
    select
        refs.source as source,
        refs.entity as entity,
        refs.entity_id as entity_id,
        ids_of_one.customer_key as customer_key,
        'foreign_id' as found_by,
        6 as precedence
    from refs
    inner join ids_of_one on ids_of_one.entity_id = refs.customer_ref
    where refs.entity = 'winback.touches' and refs.source not in (select source from keys)
),

by_contact as (
    select
        contacts.source as source,
        contacts.entity as entity,
        contacts.entity_id as entity_id,
        owners.customer_key as customer_key,
        contacts.kind as found_by,
        if(contacts.kind = 'email', 7, 8) as precedence
    from contacts
    inner join owners on owners.kind = contacts.kind and owners.value = contacts.value
),

found_otherwise as (
    select * from by_given_id
    union all
    select * from by_foreign_id
    union all
    select * from by_contact
),

chosen as (
    select source, entity, entity_id, min((found_otherwise.precedence, found_otherwise.customer_key, found_otherwise.found_by)) as best
    from found_otherwise
    where (source, entity, entity_id) not in (select source, entity, entity_id from found_by_id)
    group by source, entity, entity_id
)

select source, entity, entity_id, tupleElement(best, 2) as customer_key, 'id' as found_by from by_own_id
union all
select source, entity, entity_id, tupleElement(best, 2) as customer_key, tupleElement(best, 3) as found_by from chosen

{{ define "touched" }}
select source, 'crm.deals' as entity, id as entity_id from {{ changed "crm.deals" }}
union all
select source, 'crm.activities' as entity, id as entity_id from {{ changed "crm.activities" }}
union all
select source, 'crm.complaints' as entity, id as entity_id from {{ changed "crm.complaints" }}
union all
select source, 'crm.surveys' as entity, id as entity_id from {{ changed "crm.surveys" }}
union all
select source, 'crm.payments' as entity, id as entity_id from {{ changed "crm.payments" }}
union all
select source, 'crm.sales_plans' as entity, customer_id as entity_id from {{ changed "crm.sales_plans" }}
union all
select source, 'crm.manager_assignments' as entity, customer_id as entity_id from {{ changed "crm.manager_assignments" }}
union all
select source, 'shop.carts' as entity, id as entity_id from {{ changed "shop.carts" }}
union all
select source, 'winback.touches' as entity, id as entity_id from {{ changed "winback.touches" }}
union all
select source, entity, entity_id from {{ changed "int_contact_values" }} where entity in ('shop.carts', 'winback.touches', 'callcenter.calls')
union all
select source, entity, entity_id from {{ ref "int_contact_values" }}
where entity in ('shop.carts', 'winback.touches', 'callcenter.calls')
    and (kind, value) in (select kind, value from {{ changed "int_contact_owners" }})
union all
select source, entity, entity_id from {{ ref "int_record_refs" }}
where (select count() from {{ changed "int_customer_keys" }}) > 0
    and (
        (source, customer_ref) in (select source, toNullable(entity_id) from {{ changed "int_customer_keys" }})
        or (
            entity = 'winback.touches'
            and (
                customer_ref in (
                    select toNullable(arrayJoin([entity_id, own_key, customer_key, concat(source, ':', entity_id)]))
                    from {{ changed "int_customer_keys" }}
                )
                -- The first customer of a source, or the last one gone.
                or source in (select source from {{ changed "int_customer_keys" }})
            )
        )
    )
{{ end }}
