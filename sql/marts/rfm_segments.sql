-- rfm_segments: recency, frequency and money of the customers who bought in the last 365 days, scored 1 to 5.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: rfm
with

purchases as (
    select customer_key, segment, ordered_on, revenue from {{ ref "int_purchases" }} where ordered_on > {{ .AsOf }} - 365
),

rfm_map as (
    select r_score, f_score, rfm_segment from {{ ref "rfm_map" }}
),

measured as (
    select
        customer_key,
        any(segment) as customer_segment,
        toUInt32(dateDiff('day', max(ordered_on), {{ .AsOf }})) as recency_days,
        count() as frequency,
        sum(coalesce(revenue, toDecimal64(0, 4))) as monetary
    from purchases
    group by customer_key
),

-- Exact quantiles of the values themselves (type 7). Money goes in as a whole
-- number of ten-thousandths, so that no amount becomes a float.
limits as (
    select
        quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(recency_days) as r,
        quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(frequency) as f,
        quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(toInt64(monetary * 10000)) as m
    from measured
),

-- A score is one more than the number of limits that the value exceeds: equal
-- values get equal scores. Few days since the last purchase are best.
scored as (
    select
        measured.customer_key as customer_key,
        measured.customer_segment as customer_segment,
        measured.recency_days as recency_days,
        measured.frequency as frequency,
        measured.monetary as monetary,
        toUInt8(5 - arrayCount(x -> measured.recency_days > x, limits.r)) as r_score,
        toUInt8(1 + arrayCount(x -> measured.frequency > x, limits.f)) as f_score,
        toUInt8(1 + arrayCount(x -> toInt64(measured.monetary * 10000) > x, limits.m)) as m_score
    from measured
    cross join limits
)

select
    scored.customer_key as customer_key,
    scored.customer_segment as segment,
    scored.recency_days as recency_days,
    scored.frequency as frequency,
    scored.monetary as monetary,
    scored.r_score as r_score,
    scored.f_score as f_score,
    scored.m_score as m_score,
    concat(toString(scored.r_score), toString(scored.f_score), toString(scored.m_score)) as rfm,
    rfm_map.rfm_segment as rfm_segment
from scored
left join rfm_map on rfm_map.r_score = scored.r_score and rfm_map.f_score = scored.f_score
