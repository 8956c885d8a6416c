-- rfm_segments: recency, frequency and money of the customers who bought in the last 365 days, scored 1 to 5.
-- grain: one row per customer_key
-- materialized: view
-- tags: rfm
with

customers as (
    select * from {{ ref "int_customers_scored" }} where is_scored
),

traits as (
    select customer_key, region, channel, manager_id from {{ ref "int_customer_traits" }}
)

select
    customers.customer_key as customer_key,
    customers.segment as segment,
    toUInt32(assumeNotNull(gap_days)) as recency_days,
    toUInt64(assumeNotNull(orders_365d)) as frequency,
    assumeNotNull(revenue_365d) as monetary,
    assumeNotNull(customers.r_score) as r_score,
    assumeNotNull(customers.f_score) as f_score,
    assumeNotNull(customers.m_score) as m_score,
    assumeNotNull(customers.rfm) as rfm,
    customers.rfm_segment as rfm_segment,
    coalesce(traits.region, '(none)') as region,
    coalesce(traits.channel, '(none)') as channel,
    coalesce(traits.manager_id, '(none)') as manager_id
from customers
left join traits on traits.customer_key = customers.customer_key
