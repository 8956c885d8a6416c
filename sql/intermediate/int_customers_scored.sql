-- int_customers_scored: int_customers_today with the scores of recency, frequency and money among those who bought in the last 365 days.
-- grain: one row per customer_key
-- materialized: view
-- tags: rfm
with

-- The last month seen ends on the day the warehouse describes. One row also when
-- nobody bought.
limits as (
    select groupArrayArray(recency) as r, groupArrayArray(frequency) as f, groupArrayArray(money) as m
    from {{ ref "int_rfm_limits" }}
    where month = toStartOfMonth({{ .AsOf }})
),

rfm_map as (
    select mapFromArrays(groupArray(toUInt16(r_score * 10 + f_score)), groupArray(cast(rfm_segment as String))) as names from {{ ref "rfm_map" }}
)

-- A score is one more than the number of limits that the value exceeds: equal
-- values get equal scores. Few days since the last purchase are best.
select
    customers.*,
    toBool(coalesce(orders_365d > 0, false)) as is_scored,
    if(is_scored, toUInt8(5 - arrayCount(x -> assumeNotNull(customers.gap_days) > x, (select r from limits))), null) as r_score,
    if(is_scored, toUInt8(1 + arrayCount(x -> assumeNotNull(customers.orders_365d) > x, (select f from limits))), null) as f_score,
    if(is_scored, toUInt8(1 + arrayCount(x -> toInt64(assumeNotNull(customers.revenue_365d) * 10000) > x, (select m from limits))), null) as m_score,
    if(is_scored, concat(toString(r_score), toString(f_score), toString(m_score)), null) as rfm,
    cast(if(is_scored, (select names from rfm_map)[toUInt16(assumeNotNull(r_score) * 10 + assumeNotNull(f_score))], null) as LowCardinality(Nullable(String))) as rfm_segment
from {{ ref "int_customers_today" }} as customers
