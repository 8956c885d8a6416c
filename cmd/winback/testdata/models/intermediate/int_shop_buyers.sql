-- int_shop_buyers: everybody who ordered.
-- grain: one row per buyer
-- materialized: incremental
-- key: buyer
-- partition_by: cityHash64(buyer) % 4
-- order_by: buyer
with

sales as (
    select buyer, sold_on, amount from {{ ref "int_shop_sales" }} where {{ touched "buyer" }}
),

bought as (
    select buyer, count() as orders, min(sold_on) as first_sold_on, max(sold_on) as last_sold_on, toDecimal128(sum(sales.amount), 4) as amount
    from sales
    group by buyer
),

named as (
    select customer_id, name from {{ ref "stg_shop__customers" }}
)

select
    bought.buyer as buyer,
    named.name as name,
    bought.orders as orders,
    bought.first_sold_on as first_sold_on,
    bought.last_sold_on as last_sold_on,
    bought.amount as amount
from bought
left join named on named.customer_id = bought.buyer

{{ define "touched" }}
select buyer from {{ changed "int_shop_sales" }}
union all
select id as buyer from {{ changed "shop.customers" }}
{{ end }}
