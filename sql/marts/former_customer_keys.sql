-- former_customer_keys: keys that customers had, or might have had, before their records were found to be one.
-- grain: one row per former_key
-- materialized: view
with

keys as (
    select source, entity, entity_id, own_key, customer_key from {{ ref "int_customer_keys" }} where own_key != customer_key
),

links as (
    select source, entity, entity_id, evidence
    from {{ ref "customer_links" }}
    where (source, entity, entity_id) in (select source, entity, entity_id from keys)
)

-- A customer's key is that of the oldest record. So every key that a customer
-- ever had is the own key of one of the records.
select
    keys.own_key as former_key,
    keys.customer_key as customer_key,
    keys.source as source,
    keys.entity_id as entity_id,
    assumeNotNull(links.evidence) as evidence,
    keys.entity as entity
from keys
left join links on links.source = keys.source and links.entity = keys.entity and links.entity_id = keys.entity_id
