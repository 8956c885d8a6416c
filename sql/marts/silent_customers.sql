-- silent_customers: those who signed up and then did not buy in time.
-- grain: one row per customer_key
-- materialized: view
-- tags: churn
with

customers as (
    select *, {{ .AsOf }} as day from {{ ref "int_customer_cards" }} where signed_up_on is not null
),

traits as (
    select customer_key, region, channel from {{ ref "int_customer_traits" }}
)

select
    customers.customer_key as customer_key,
    name,
    segment,
    manager_id,
    manager_name,
    assumeNotNull(customers.signed_up_on) as signed_up_on,
    toInt32(dateDiff('day', assumeNotNull(customers.signed_up_on), coalesce(customers.first_order_on, day))) as days_silent,
    first_order_on,
    toBool(first_order_on is null) as is_still_silent,
    coalesce(traits.region, '(none)') as region,
    coalesce(traits.channel, '(none)') as channel
from customers
left join traits on traits.customer_key = customers.customer_key
where customers.signed_up_on + {{ .Churn.SilentAfter }} <= day
    and (customers.first_order_on is null or customers.first_order_on >= customers.signed_up_on + {{ .Churn.SilentAfter }})
