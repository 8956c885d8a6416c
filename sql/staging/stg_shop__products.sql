-- stg_shop__products: goods and services on sale, newest version of each.
-- grain: one row per source and product_id
-- materialized: view
with

products as (
    select * from {{ source "shop" "products" }} final where not deleted
)

select
    source,
    id as product_id,
    nullIf(trimBoth(sku), '') as sku,
    nullIf(trimBoth(name), '') as name,
    nullIf(trimBoth(category), '') as category,
    nullIf(trimBoth(brand), '') as brand,
    price,
    cost,
    nullIf(upper(trimBoth(currency)), '') as currency,
    is_active,
    withdrawn_at
from products
