-- int_customer_traits: by what customers are looked at beside their segment: where they live, how they first bought, who looks after them now.
-- grain: one row per customer_key
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: customer_key
-- tags: churn
with

customers as (
    select customer_key, city, country, manager_id, manager_name from {{ ref "int_customers" }} where {{ touched "customer_key" }}
),

firsts as {{ once }} (
    select customer_key, source, order_id from {{ ref "int_purchases" }} where purchase_no = 1 and {{ touched "customer_key" }}
),

channels as (
    select source, order_id, channel
    from {{ ref "int_orders" }}
    where channel is not null and (source, order_id) in (select source, order_id from firsts)
)

select
    customers.customer_key as customer_key,
    coalesce(customers.city, customers.country, '(none)') as region,
    coalesce(channels.channel, '(none)') as channel,
    coalesce(customers.manager_id, '(none)') as manager_id,
    coalesce(customers.manager_name, customers.manager_id, '(none)') as manager
from customers
left join firsts on firsts.customer_key = customers.customer_key
left join channels on channels.source = firsts.source and channels.order_id = firsts.order_id

{{ define "touched" }}
select customer_key from {{ changed "int_customers" }}
union all
select customer_key from {{ changed "int_purchases" }}
union all
select assumeNotNull(customer_key) as customer_key from {{ changed "int_orders" }} where customer_key is not null
{{ end }}
