-- int_customer_contacts: e-mail addresses and phone numbers of each record, in normal form.
-- grain: one row per record_no, kind and value
-- materialized: incremental
-- key: record_no
-- changes: kind, value
-- partition_by: kind
-- order_by: (kind, value, record_no)
with

records as {{ once }} (
    select record_no, source, entity, entity_id, takes_orders from {{ ref "int_customer_records" }} where {{ touched "record_no" }}
),

written as (
    select source, entity, entity_id, kind, value, usage
    from {{ ref "int_contact_values" }}
    where usage != 'placeholder' and entity in ('shop.customers', 'crm.customers')
        and {{ in_part "(source, entity, entity_id) in (select source, entity, entity_id from records)" }}
),

own as {{ once }} (
    select records.record_no as record_no, written.kind as kind, written.value as value, written.usage as usage
    from written
    inner join records
        on records.source = written.source and records.entity = written.entity and records.entity_id = written.entity_id
    group by record_no, kind, value, usage
),

-- Whose order it is decides int_orders_priced.
left_with_orders as (
    select orders.source as source, orders.customer_ref as customer_ref, orders.kind as kind, orders.value as value, orders.usage as usage
    from (
        select source, customer_ref, 'email' as kind, email as value, email_usage as usage
        from {{ ref "int_orders_priced" }}
        where email is not null and customer_ref is not null
            and {{ in_part "(source, customer_ref) in (select source, toNullable(entity_id) from records)" }}
        union all
        select source, customer_ref, 'phone' as kind, phone as value, 'personal' as usage
        from {{ ref "int_orders_priced" }}
        where phone is not null and customer_ref is not null
            and {{ in_part "(source, customer_ref) in (select source, toNullable(entity_id) from records)" }}
    ) as orders
    group by all
),

-- An account's own address is surer than one left with an order, which may be
-- that of whoever the goods were for.
from_orders as (
    select
        records.record_no as record_no,
        left_with_orders.kind as kind,
        assumeNotNull(left_with_orders.value) as value,
        assumeNotNull(left_with_orders.usage) as usage
    from left_with_orders
    inner join records
        on records.source = left_with_orders.source and records.entity_id = left_with_orders.customer_ref and records.takes_orders
    left anti join own on own.record_no = records.record_no and own.kind = left_with_orders.kind
)

select record_no, kind, value, usage from own
union all
select record_no, kind, value, usage from from_orders

{{ define "touched" }}
select record_no from {{ changed "int_customer_records" }}
union all
select record_no from {{ ref "int_customer_records" }}
where (source, entity, entity_id) in (select source, entity, entity_id from {{ changed "int_contact_values" }} where entity in ('shop.customers', 'crm.customers'))
union all
select record_no from {{ ref "int_customer_records" }}
where (source, entity_id) in (
    select source, assumeNotNull(customer_ref) from {{ changed "int_orders_priced" }} where customer_ref is not null and has_contact
)
{{ end }}
