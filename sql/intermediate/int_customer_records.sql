-- int_customer_records: every record that stands for a customer in some system.
-- grain: one row per source, entity and entity_id
-- materialized: incremental
-- key: source, entity_id
-- changes: record_no
-- partition_by: entity
-- order_by: record_no
with

shop_customers as (
    select source, customer_id, registered_at, external_ids
    from {{ ref "stg_shop__customers" }}
    where (registered_at is null or toDate(assumeNotNull(registered_at), {{ .Timezone }}) <= {{ .AsOf }})
        and {{ touched "source, customer_id" }}
),

crm_customers as (
    select source, customer_id, created_at, external_ids
    from {{ ref "stg_crm__customers" }}
    where (created_at is null or toDate(assumeNotNull(created_at), {{ .Timezone }}) <= {{ .AsOf }})
        and {{ touched "source, customer_id" }}
),

orders as (
    select source, customer_ref, ordered_at, is_countable
    from {{ ref "int_orders_priced" }}
    where {{ touched "source, assumeNotNull(customer_ref)" }}
),

-- Somebody known from orders alone is a customer once an order counts.
buyers as {{ once }} (
    select source, assumeNotNull(orders.customer_ref) as customer_ref, min(orders.ordered_at) as first_ordered_at
    from orders
    where orders.is_countable and orders.customer_ref is not null
    group by source, customer_ref
),

registered as {{ once }} (
    select source, 'shop.customers' as entity, customer_id as entity_id, registered_at as created_at, external_ids, 1 as precedence
    from shop_customers
    union all
    select source, 'crm.customers' as entity, customer_id as entity_id, created_at, external_ids, 2 as precedence
    from crm_customers
),

known_from_orders as (
    select buyers.source as source, buyers.customer_ref as customer_ref, buyers.first_ordered_at as first_ordered_at
    from buyers
    left anti join registered on registered.source = buyers.source and registered.entity_id = buyers.customer_ref
),

records as (
    select source, entity, entity_id, created_at, external_ids, precedence from registered
    union all
    select
        source,
        'shop.orders' as entity,
        customer_ref as entity_id,
        toNullable(first_ordered_at) as created_at,
        cast(map(), 'Map(String, String)') as external_ids,
        3 as precedence
    from known_from_orders
),

-- The age of a record decides which one gives the customer its key.
records_with_orders as (
    select
        records.source as source,
        records.entity as entity,
        records.entity_id as entity_id,
        records.external_ids as external_ids,
        records.precedence as precedence,
        coalesce(records.created_at, buyers.first_ordered_at) as first_seen_at
    from records
    left join buyers on buyers.source = records.source and buyers.customer_ref = records.entity_id
)

select
    -- Of the record alone, so that it stays when others come.
    sipHash64(source, entity, entity_id) as record_no,
    -- The key of a customer of whom this is the only record, or the oldest.
    concat('c', substring(lower(hex(sipHash128(source, entity, entity_id))), 1, 19)) as own_key,
    source,
    entity,
    entity_id,
    first_seen_at,
    external_ids,
    -- One source may hold a shop account and a CRM record of the same id: its
    -- orders mean the account.
    toBool(precedence = min(precedence) over (partition by source, entity_id)) as takes_orders
from records_with_orders

{{ define "touched" }}
select source, id as entity_id from {{ changed "shop.customers" }}
union all
select source, id as entity_id from {{ changed "crm.customers" }}
union all
-- Orders say nothing of a record that is there with an age of its own.
select source, assumeNotNull(customer_ref) as entity_id
from {{ changed "int_orders_priced" }}
where customer_ref is not null and (source, assumeNotNull(customer_ref)) not in (
    select source, customer_id
    from {{ ref "stg_shop__customers" }}
    where toDate(assumeNotNull(registered_at), {{ .Timezone }}) <= least({{ .SeenUntil }}, {{ .SeenLast }}) and registered_at is not null
        and (source, customer_id) not in (select source, customer_id from {{ ref "stg_crm__customers" }} where created_at is null)
)
union all
select source, customer_id as entity_id from {{ ref "stg_shop__customers" }}
where toDate(assumeNotNull(registered_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(registered_at), {{ .Timezone }}) <= {{ .SeenLast }}
union all
select source, customer_id as entity_id from {{ ref "stg_crm__customers" }}
where toDate(assumeNotNull(created_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(created_at), {{ .Timezone }}) <= {{ .SeenLast }}
{{ end }}
