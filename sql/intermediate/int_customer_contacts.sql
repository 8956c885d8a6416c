-- int_customer_contacts: e-mail addresses and phone numbers of each record, in normal form.
-- grain: one row per record_no, kind and value
-- materialized: table
-- order_by: (kind, value, record_no)
with

records as (
    select record_no, source, entity, entity_id, takes_orders from {{ ref "int_customer_records" }}
),

contact_values as (
    select kind, raw, value, usage from {{ ref "int_contact_values" }} where usage != 'placeholder'
),

written as (
    select source, 'shop.customers' as entity, customer_id as entity_id, 'email' as kind, email as raw
    from {{ ref "stg_shop__customers" }}
    union all
    select source, 'shop.customers' as entity, customer_id as entity_id, 'phone' as kind, phone as raw
    from {{ ref "stg_shop__customers" }}
    union all
    select source, 'crm.customers' as entity, customer_id as entity_id, 'email' as kind, toNullable(arrayJoin(emails)) as raw
    from {{ ref "stg_crm__customers" }}
    union all
    select source, 'crm.customers' as entity, customer_id as entity_id, 'phone' as kind, toNullable(arrayJoin(phones)) as raw
    from {{ ref "stg_crm__customers" }}
),

own as (
    select records.record_no as record_no, contact_values.kind as kind, contact_values.value as value, contact_values.usage as usage
    from written
    inner join contact_values on contact_values.kind = written.kind and contact_values.raw = written.raw
    inner join records
        on records.source = written.source and records.entity = written.entity and records.entity_id = written.entity_id
    group by record_no, kind, value, usage
),

left_with_orders as (
    select source, customer_ref, 'email' as kind, email as value
    from {{ ref "int_orders_priced" }}
    where email is not null and customer_ref is not null
    group by all
    union all
    select source, customer_ref, 'phone' as kind, phone as value
    from {{ ref "int_orders_priced" }}
    where phone is not null and customer_ref is not null
    group by all
),

usages as (
    select kind, value, any(usage) as usage from contact_values group by kind, value
),

-- An account's own address is surer than one left with an order, which may be
-- that of whoever the goods were for.
from_orders as (
    select
        records.record_no as record_no,
        left_with_orders.kind as kind,
        assumeNotNull(left_with_orders.value) as value,
        usages.usage as usage
    from left_with_orders
    inner join records
        on records.source = left_with_orders.source and records.entity_id = left_with_orders.customer_ref and records.takes_orders
    inner join usages on usages.kind = left_with_orders.kind and usages.value = left_with_orders.value
    left anti join own on own.record_no = records.record_no and own.kind = left_with_orders.kind
)

select record_no, kind, value, usage from own
union all
select record_no, kind, value, usage from from_orders
