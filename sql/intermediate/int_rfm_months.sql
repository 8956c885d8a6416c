-- int_rfm_months: recency, frequency and money of each customer at each month's end, scored 1 to 5 among those of that month.
-- grain: one row per customer_key and month
-- materialized: table
-- order_by: (customer_key, month)
-- settings: max_block_size=4096
-- tags: rfm, monthly
with

purchases as (
    select customer_key, segment, ordered_on, first_on, revenue from {{ ref "int_purchases" }}
),

rfm_map as (
    select r_score, f_score, rfm_segment from {{ ref "rfm_map" }}
),

-- The whole history of a customer in one row, money in ten-thousandths: each
-- month's end looks back into it.
histories as (
    select
        customer_key,
        any(segment) as customer_segment,
        any(first_on) as first_bought_on,
        arraySort(groupArray((ordered_on, toInt64(toDecimal128(coalesce(revenue, toDecimal64(0, 4)), 4) * 10000)))) as bought,
        tupleElement(bought, 1) as days,
        arrayCumSum(tupleElement(bought, 2)) as money,
        days[-1] as last_bought_on
    from purchases
    group by customer_key
),

-- A purchase is seen on twelve month ends after its own at most.
month_ends as (
    select
        customer_key,
        customer_segment,
        first_bought_on,
        days,
        money,
        arrayJoin(arrayMap(
            n -> addMonths(toStartOfMonth(first_bought_on), n),
            range(toUInt32(dateDiff('month', first_bought_on, least(addMonths(toStartOfMonth(last_bought_on), 12), {{ .AsOf }})) + 1))
        )) as month,
        least(toLastDayOfMonth(month), {{ .AsOf }}) as day
    from histories
),

measured as (
    select
        customer_key,
        customer_segment,
        month,
        day,
        toBool(toStartOfMonth(first_bought_on) = month) as is_new,
        arrayCount(bought_on -> bought_on <= day, days) as bought_until,
        arrayCount(bought_on -> bought_on <= day - 365, days) as bought_before,
        toUInt32(dateDiff('day', days[bought_until], day)) as recency_days,
        toUInt64(bought_until - bought_before) as frequency,
        money[bought_until] - if(bought_before = 0, 0, money[bought_before]) as money_of_year
    from month_ends
    where bought_until > bought_before
),

-- Exact quantiles of the values themselves (type 7). Money goes in as the whole
-- number it is, so that no amount becomes a float.
limits as (
    select
        month,
        quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(recency_days) as r,
        quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(frequency) as f,
        quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)(money_of_year) as m
    from measured
    group by month
),

-- A score is one more than the number of limits that the value exceeds: equal
-- values get equal scores. Few days since the last purchase are best.
scored as (
    select
        measured.customer_key as customer_key,
        measured.customer_segment as customer_segment,
        measured.month as month,
        measured.day as day,
        measured.is_new as is_new,
        measured.recency_days as recency_days,
        measured.frequency as frequency,
        toDecimal128(measured.money_of_year, 4) / 10000 as monetary,
        toUInt8(5 - arrayCount(x -> measured.recency_days > x, limits.r)) as r_score,
        toUInt8(1 + arrayCount(x -> measured.frequency > x, limits.f)) as f_score,
        toUInt8(1 + arrayCount(x -> measured.money_of_year > x, limits.m)) as m_score
    from measured
    inner join limits on limits.month = measured.month
)

select
    scored.customer_key as customer_key,
    scored.month as month,
    scored.customer_segment as segment,
    scored.day as day,
    scored.is_new as is_new,
    scored.recency_days as recency_days,
    scored.frequency as frequency,
    scored.monetary as monetary,
    scored.r_score as r_score,
    scored.f_score as f_score,
    scored.m_score as m_score,
    rfm_map.rfm_segment as rfm_segment,
    toBool(toLastDayOfMonth(scored.month) <= {{ .AsOf }}) as is_complete
from scored
left join rfm_map on rfm_map.r_score = scored.r_score and rfm_map.f_score = scored.f_score
