-- stg_shop__order_lines: lines of the orders as they stand, with the currency of their order.
-- grain: one row per source, order_id and line_no
-- materialized: view
with

order_lines as (
    select * from {{ source "shop" "order_lines" }} final where not deleted
),

orders as (
    select source, order_id, currency, line_count from {{ ref "stg_shop__orders" }}
)

select
    order_lines.source as source,
    order_lines.order_id as order_id,
    order_lines.line_no as line_no,
    nullIf(trimBoth(order_lines.product_id), '') as product_id,
    nullIf(trimBoth(order_lines.sku), '') as sku,
    nullIf(trimBoth(order_lines.name), '') as name,
    order_lines.quantity as quantity,
    order_lines.price as price,
    order_lines.discount as discount,
    order_lines.cost as cost,
    orders.currency as order_currency
from order_lines
left join orders on orders.source = order_lines.source and orders.order_id = order_lines.order_id
-- An order that shrank since it was first read still has its old last lines in
-- the raw table: line_count says how many belong to it now.
where orders.line_count is null or order_lines.line_no <= orders.line_count
