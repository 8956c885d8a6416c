-- stg_shop__carts: baskets, ordered or not, newest version of each.
-- grain: one row per source and cart_id
-- materialized: view
with

carts as (
    select * from {{ source "shop" "carts" }} final where not deleted
)

select
    source,
    id as cart_id,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(trimBoth(email), '') as email,
    nullIf(trimBoth(phone), '') as phone,
    created_at,
    updated_at,
    value,
    nullIf(upper(trimBoth(currency)), '') as currency,
    nullIf(toString(items), '') as items,
    nullIf(trimBoth(order_id), '') as order_id,
    nullIf(trimBoth(channel), '') as channel
from carts
