-- refunds_find_their_order: a refund that names no order, or one that is not there, lowers nobody's revenue.
-- severity: warn
with

refunds as (
    select * from {{ ref "stg_shop__refunds" }}
),

orders as (
    select source, order_id from {{ ref "stg_shop__orders" }} where (source, order_id) in (select source, assumeNotNull(order_id) from refunds where order_id is not null)
)

select refunds.source as source, refunds.refund_id as refund_id, refunds.order_id as order_id, refunds.amount as amount
from refunds
left anti join orders on orders.source = refunds.source and orders.order_id = refunds.order_id
