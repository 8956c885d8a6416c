-- int_segment_gaps: the usual gap between visits of each segment's customers, as it was known from month to month.
-- grain: one row per segment and known_from
-- materialized: table
-- key: segment, known_from
-- order_by: (segment, known_from)
-- tags: churn
with

visits as (
    select customer_key, visited_on, gap_days from {{ ref "int_visits" }} where gap_days is not null
),

customers as (
    select customer_key, segment from {{ ref "int_customers" }}
),

-- Equal gaps of a month are counted once and weighted: few rows, however many
-- visits there are.
counted as (
    select customers.segment as segment, toStartOfMonth(visits.visited_on) as month, visits.gap_days as gap_days, count() as times
    from visits
    inner join customers on customers.customer_key = visits.customer_key
    group by segment, month, gap_days
),

monthly as (
    select
        arrayJoin(['(all)', counted.segment]) as in_segment,
        month,
        sum(counted.times) as times,
        quantileExactWeightedState(0.5)(assumeNotNull(gap_days), counted.times) as gaps_of_month
    from counted
    group by in_segment, month
),

summed as (
    select
        in_segment,
        month,
        sum(times) over so_far as gaps,
        toFloat64(quantileExactWeightedMerge(0.5)(gaps_of_month) over so_far) as median_gap_days
    from monthly
    window so_far as (partition by in_segment order by month rows unbounded preceding)
)

-- A segment with fewer than ten gaps behind it has no habit yet. How many there are
-- is not told: it changes every day, and the median seldom.
select
    in_segment as segment,
    addMonths(month, 1) as known_from,
    median_gap_days
from summed
where gaps >= 10 or in_segment = '(all)'
