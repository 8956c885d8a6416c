-- orders_count: a source has orders, but none of them is a purchase: no sum is known (items_total or lines are not mapped), or no customer.
-- severity: warn
with

orders as (
    select * from {{ ref "int_orders" }}
)

select
    source,
    count() as orders,
    countIf(coalesce(gross, toDecimal64(0, 4)) <= 0) as orders_without_sum,
    countIf(gross > 0 and customer_key is null) as orders_without_customer
from orders
where coalesce(status, '') != 'cancelled'
group by source
having not max(is_purchase)
