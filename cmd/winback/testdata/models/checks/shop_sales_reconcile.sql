-- shop_sales_reconcile: what buyers and months add up to is what was sold.
with

sales as (
    select count() as orders, sum(amount) as amount from {{ ref "int_shop_sales" }}
),

buyers as (
    select sum(orders) as orders, sum(amount) as amount from {{ ref "shop_buyers" }}
)

select sales.orders as sold, buyers.orders as of_buyers
from sales
cross join buyers
where sales.orders != buyers.orders or sales.amount != buyers.amount
