-- int_record_refs: every record that concerns a customer, with the id by which it names them.
-- grain: one row per source, entity and entity_id
-- materialized: view
with

-- A deal made with a person of no company names the person.
deals as (
    select source, 'crm.deals' as entity, deal_id as entity_id, coalesce(customer_id, contact_id) as customer_ref
    from {{ ref "stg_crm__deals" }}
)

select source, entity, entity_id, customer_ref from deals
union all
select source, 'crm.activities' as entity, activity_id as entity_id, customer_id as customer_ref
from {{ ref "stg_crm__activities" }}
union all
select source, 'crm.complaints' as entity, complaint_id as entity_id, customer_id as customer_ref
from {{ ref "stg_crm__complaints" }}
union all
select source, 'crm.surveys' as entity, survey_id as entity_id, customer_id as customer_ref
from {{ ref "stg_crm__surveys" }}
union all
select source, 'crm.payments' as entity, payment_id as entity_id, customer_id as customer_ref
from {{ ref "stg_crm__payments" }}
union all
select distinct source, 'crm.sales_plans' as entity, customer_id as entity_id, toNullable(customer_id) as customer_ref
from {{ ref "stg_crm__sales_plans" }}
union all
select distinct source, 'crm.manager_assignments' as entity, customer_id as entity_id, toNullable(customer_id) as customer_ref
from {{ ref "stg_crm__manager_assignments" }}
union all
select source, 'shop.carts' as entity, cart_id as entity_id, customer_id as customer_ref
from {{ ref "stg_shop__carts" }}
union all
select source, 'winback.touches' as entity, touch_id as entity_id, customer_id as customer_ref
from {{ ref "stg_winback__touches" }}
