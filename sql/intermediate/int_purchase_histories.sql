-- int_purchase_histories: what models of repeat purchases know of a customer: first and last day, days between with a purchase, their money.
-- grain: one row per customer_key
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: customer_key
-- settings: optimize_aggregation_in_order=1
-- tags: prediction
with

purchases as (
    select customer_key, segment, ordered_on, first_on, revenue, purchase_no, is_terminated_next, lost_if_silent_on
    from {{ ref "int_purchases" }}
    where {{ touched "customer_key" }}
)

-- Orders of one day are one purchase. The first day is left out of the money too:
-- it is often another kind of order than those that follow.
select
    customer_key,
    any(purchases.segment) as segment,
    min(purchases.first_on) as first_on,
    max(ordered_on) as last_on,
    toUInt32(uniqExact(ordered_on) - 1) as repeat_days,
    sumOrNullIf(assumeNotNull(revenue), revenue is not null and ordered_on > purchases.first_on) as repeat_revenue,
    tupleElement(argMax(tuple(if(is_terminated_next, toNullable(lost_if_silent_on), null)), purchase_no), 1) as terminated_on
from purchases
group by customer_key

{{ define "touched" }}
select customer_key from {{ changed "int_purchases" }}
{{ end }}
