-- int_orders: every order, counting or not, with its net revenue and its customer.
-- grain: one row per source and order_id
-- materialized: incremental
-- key: source, order_id
-- changes: customer_key, ordered_on, status, net_revenue, is_purchase
-- partition_by: toYYYYMM(ordered_on)
-- order_by: (ordered_on, source, order_id)
with

orders as (
    select * from {{ ref "int_orders_priced" }} where {{ touched "source, order_id" }}
),

keys as (
    select source, entity_id, customer_key from {{ ref "int_customer_keys" }}
    where takes_orders and {{ in_part "(source, entity_id) in (select source, assumeNotNull(customer_ref) from orders where customer_ref is not null)" }}
)

select
    orders.source as source,
    orders.order_id as order_id,
    keys.customer_key as customer_key,
    orders.ordered_at as ordered_at,
    orders.ordered_on as ordered_on,
    orders.status as status,
    orders.channel as channel,
    orders.coupon as coupon,
    orders.currency as currency,
    orders.exchange_rate as exchange_rate,
    orders.line_count as line_count,
    orders.gross as gross,
    orders.discount as discount,
    orders.refunded as refunded,
    orders.net_revenue as net_revenue,
    orders.margin as margin,
    toBool(orders.is_countable and keys.customer_key is not null) as is_purchase
from orders
left join keys on keys.source = orders.source and keys.entity_id = orders.customer_ref

{{ define "touched" }}
select source, order_id from {{ changed "int_orders_priced" }}
union all
select source, order_id from {{ ref "int_orders_priced" }}
where (source, customer_ref) in (select source, toNullable(entity_id) from {{ changed "int_customer_keys" }})
{{ end }}
