-- stg_shop__customers: accounts of the shops, newest version of each.
-- grain: one row per source and customer_id
-- materialized: view
with

customers as (
    select * from {{ source "shop" "customers" }} final where not deleted
)

select
    source,
    id as customer_id,
    nullIf(trimBoth(email), '') as email,
    nullIf(trimBoth(phone), '') as phone,
    nullIf(trimBoth(concatWithSeparator(' ', trimBoth(coalesce(first_name, '')), trimBoth(coalesce(last_name, '')))), '') as name,
    nullIf(trimBoth(city), '') as city,
    nullIf(trimBoth(country), '') as country,
    registered_at,
    accepts_marketing,
    external_ids
from customers
