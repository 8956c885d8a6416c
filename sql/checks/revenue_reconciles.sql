-- revenue_reconciles: the revenue of all purchases is that of all customers, stretches and months, to the last cent.
-- severity: error
with

orders as (
    select net_revenue from {{ ref "int_orders" }} where is_purchase
),

customers as (
    select revenue from {{ ref "customers" }}
),

customer_episodes as (
    select revenue from {{ ref "customer_episodes" }}
),

months as (
    select revenue from {{ ref "base_movement" }} where segment = '(all)'
),

cohorts as (
    select revenue from {{ ref "churn_cohorts" }} where segment = '(all)'
),

expected as (
    select coalesce(sum(net_revenue), toDecimal128(0, 4)) as revenue from orders
),

compared as (
    select 'customers' as what, coalesce(sum(revenue), toDecimal128(0, 4)) as counted from customers
    union all
    select 'customer_episodes' as what, coalesce(sum(revenue), toDecimal128(0, 4)) as counted from customer_episodes
    union all
    select 'months' as what, coalesce(sum(revenue), toDecimal128(0, 4)) as counted from months
    union all
    select 'churn_cohorts' as what, sum(revenue) as counted from cohorts
)

select compared.what as what, compared.counted as counted, expected.revenue as expected
from compared
cross join expected
where compared.counted != expected.revenue
