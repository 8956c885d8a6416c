-- int_shop_months: what the shop sold in each month.
-- grain: one row per month
-- materialized: table
-- key: month
-- order_by: month
with

sales as (
    select buyer, sold_on, amount from {{ ref "int_shop_sales" }} where sold_on <= {{ .AsOf }}
)

select toStartOfMonth(sold_on) as month, count() as orders, uniqExact(buyer) as buyers, toDecimal128(sum(amount), 4) as amount
from sales
group by month
