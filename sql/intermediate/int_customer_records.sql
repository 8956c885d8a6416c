-- int_customer_records: every record that stands for a customer in some system.
-- grain: one row per source, entity and entity_id
-- materialized: table
-- order_by: record_no
with

shop_customers as (
    select source, customer_id, registered_at, external_ids
    from {{ ref "stg_shop__customers" }}
    where registered_at is null or toDate(assumeNotNull(registered_at), {{ .Timezone }}) <= {{ .AsOf }}
),

crm_customers as (
    select source, customer_id, created_at, external_ids
    from {{ ref "stg_crm__customers" }}
    where created_at is null or toDate(assumeNotNull(created_at), {{ .Timezone }}) <= {{ .AsOf }}
),

orders as (
    select source, customer_ref, ordered_at, is_countable from {{ ref "int_orders_priced" }}
),

-- Somebody known from orders alone is a customer once an order counts.
buyers as (
    select source, assumeNotNull(orders.customer_ref) as customer_ref, min(orders.ordered_at) as first_ordered_at
    from orders
    where orders.is_countable and orders.customer_ref is not null
    group by source, customer_ref
),

registered as (
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
    row_number() over (order by source, entity, entity_id) as record_no,
    source,
    entity,
    entity_id,
    first_seen_at,
    external_ids,
    -- One source may hold a shop account and a CRM record of the same id: its
    -- orders mean the account.
    toBool(precedence = min(precedence) over (partition by source, entity_id)) as takes_orders
from records_with_orders
