-- int_personal_clocks: after each visit, how long the customer may stay silent by their own habit and by the fixed rule.
-- grain: one row per customer_key and visited_on
-- materialized: incremental
-- key: customer_key
-- changes: visited_on
-- partition_by: sipHash64(customer_key) % 4
-- order_by: (customer_key, visited_on)
-- tags: churn
with

visits as (
    select *, materialize('(all)') as everybody from {{ ref "int_visits" }} where {{ touched "customer_key" }}
),

customers as (
    select customer_key, segment, sleeping_after, lost_after, contract_terminations
    from {{ ref "int_customers" }}
    where {{ touched "customer_key" }}
),

segment_gaps as (
    select segment, known_from, median_gap_days from {{ ref "int_segment_gaps" }} where segment != '(all)'
),

all_gaps as (
    select segment, known_from, median_gap_days from {{ ref "int_segment_gaps" }} where segment = '(all)'
),

known as (
    select
        visits.customer_key as customer_key,
        visits.visited_on as visited_on,
        visits.gaps as gaps,
        visits.median_gap_days as median_gap_days,
        customers.sleeping_after as fixed_sleeping_after,
        customers.lost_after as fixed_lost_after,
        arrayFirstOrNull(day -> day > visits.visited_on, customers.contract_terminations) as terminated_on,
        coalesce(segment_gaps.median_gap_days, all_gaps.median_gap_days) as segment_gap_days
    from visits
    inner join customers on customers.customer_key = visits.customer_key
    asof left join segment_gaps on segment_gaps.segment = customers.segment and segment_gaps.known_from <= visits.visited_on
    asof left join all_gaps on all_gaps.segment = visits.everybody and all_gaps.known_from <= visits.visited_on
),

-- Own gaps weigh one each, the segment's median as much as the configured number
-- of gaps: with few gaps the segment decides, with many the customer.
shrunk as (
    select
        *,
        multiIf(
            gaps = 0, segment_gap_days,
            segment_gap_days is null, median_gap_days,
            (gaps * median_gap_days + {{ .Churn.PersonalClock.Shrink }} * segment_gap_days) / (gaps + {{ .Churn.PersonalClock.Shrink }})
        ) as usual_gap_days
    from known
),

limited as (
    select
        *,
        if(usual_gap_days is null, fixed_lost_after, toInt32(least(greatest(
            ceil(assumeNotNull({{ .Churn.PersonalClock.Factor }} * usual_gap_days)), {{ .Churn.PersonalClock.MinDays }}
        ), {{ .Churn.PersonalClock.MaxDays }}))) as lost_after
    from shrunk
)

select
    customer_key,
    visited_on,
    gaps,
    median_gap_days,
    segment_gap_days,
    usual_gap_days,
    -- The same share of the limit as under the fixed rule.
    toInt32(greatest(intDiv(lost_after * fixed_sleeping_after, fixed_lost_after), 1)) as sleeping_after,
    lost_after,
    if(coalesce(terminated_on < visited_on + lost_after, false), assumeNotNull(terminated_on), visited_on + lost_after) as lost_if_silent_on,
    if(coalesce(terminated_on < visited_on + fixed_lost_after, false),
        assumeNotNull(terminated_on), visited_on + fixed_lost_after) as fixed_lost_if_silent_on
from limited

{{ define "touched" }}
-- A segment's habit concerns the visits since it was known.
select customer_key from {{ changed "int_visits" }}
union all
select customer_key from {{ changed "int_customers" }}
union all
select customer_key
from {{ ref "int_visits" }}
where (select count() from {{ changed "int_segment_gaps" }}) > 0
    and visited_on >= (select min(known_from) from {{ changed "int_segment_gaps" }})
{{ end }}
