-- stg_crm__customers: people and companies in the CRM, newest version of each.
-- grain: one row per source and customer_id
-- materialized: view
with

customers as (
    select * from {{ source "crm" "customers" }} final where not deleted
)

select
    source,
    id as customer_id,
    nullIf(trimBoth(name), '') as name,
    nullIf(lower(trimBoth(toString(kind))), '') as kind,
    nullIf(trimBoth(segment), '') as segment,
    email as emails,
    phone as phones,
    nullIf(trimBoth(city), '') as city,
    nullIf(trimBoth(country), '') as country,
    birthday,
    nullIf(trimBoth(manager_id), '') as manager_id,
    created_at,
    contract_started_at,
    contract_terminated_at,
    nullIf(trimBoth(termination_reason), '') as termination_reason,
    external_ids,
    tags,
    nullIf(trimBoth(preferences), '') as preferences,
    nullIf(trimBoth(dislikes), '') as dislikes,
    is_showcase,
    marketing_consent
from customers
