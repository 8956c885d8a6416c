-- stg_shop__orders: orders of the shops, newest version of each.
-- grain: one row per source and order_id
-- materialized: view
with

orders as (
    select * from {{ source "shop" "orders" }} final where not deleted
)

select
    source,
    id as order_id,
    nullIf(trimBoth(number), '') as number,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(trimBoth(email), '') as email,
    nullIf(trimBoth(phone), '') as phone,
    ordered_at,
    nullIf(lower(trimBoth(toString(status))), '') as status,
    nullIf(upper(trimBoth(currency)), '') as currency,
    items_total,
    discount,
    refunded,
    net_revenue,
    nullIf(trimBoth(coupon), '') as coupon,
    nullIf(trimBoth(channel), '') as channel,
    promised_at,
    delivered_at,
    line_count,
    nullIf(trimBoth(cart_id), '') as cart_id
from orders
