-- silent_customers: those who signed up and then did not buy in time.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: churn
with

customers as (
    select * from {{ ref "int_customers" }} where signed_up_on is not null
),

first_purchases as (
    select customer_key, min(ordered_on) as first_order_on from {{ ref "int_purchases" }} group by customer_key
)

select
    customers.customer_key as customer_key,
    customers.name as name,
    customers.segment as segment,
    customers.manager_id as manager_id,
    customers.manager_name as manager_name,
    assumeNotNull(customers.signed_up_on) as signed_up_on,
    toInt32(dateDiff('day', assumeNotNull(customers.signed_up_on), coalesce(first_purchases.first_order_on, {{ .AsOf }}))) as days_silent,
    first_purchases.first_order_on as first_order_on,
    toBool(first_purchases.first_order_on is null) as is_still_silent
from customers
left join first_purchases on first_purchases.customer_key = customers.customer_key
where customers.signed_up_on + {{ .Churn.SilentAfter }} <= {{ .AsOf }}
    and (first_purchases.first_order_on is null or first_purchases.first_order_on >= customers.signed_up_on + {{ .Churn.SilentAfter }})
