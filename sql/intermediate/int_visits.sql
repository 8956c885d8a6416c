-- int_visits: the days on which each customer bought, with the gap before each and the usual gap up to it.
-- grain: one row per customer_key and visited_on
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: (customer_key, visited_on)
-- tags: churn
with

orders as (
    select customer_key, ordered_on from {{ ref "int_orders" }} where is_purchase and {{ touched "assumeNotNull(customer_key)" }}
),

-- Orders of one day are one visit: a gap of nothing is no gap.
days as (
    select assumeNotNull(orders.customer_key) as customer_key, ordered_on as visited_on
    from orders
    group by customer_key, visited_on
),

neighbours as (
    select
        *,
        lagInFrame(toNullable(visited_on)) over history as previous_visit_on,
        toNullable(toInt32(dateDiff('day', previous_visit_on, visited_on))) as gap_days
    from days
    window history as (partition by customer_key order by visited_on rows between unbounded preceding and unbounded following)
)

select
    customer_key,
    visited_on,
    gap_days,
    toUInt32(count(gap_days) over so_far) as gaps,
    quantileExactInclusiveOrNull(0.5)(gap_days) over so_far as median_gap_days
from neighbours
window so_far as (partition by customer_key order by visited_on rows unbounded preceding)

{{ define "touched" }}
select assumeNotNull(customer_key) as customer_key from {{ changed "int_orders" }} where customer_key is not null
{{ end }}
