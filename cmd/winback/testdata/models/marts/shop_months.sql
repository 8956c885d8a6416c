-- shop_months: what the shop sold in each month, beside all until then.
-- grain: one row per month
-- materialized: table
-- order_by: month
select month, orders, buyers, amount, sum(orders) over (order by month) as orders_so_far
from {{ ref "int_shop_months" }}
