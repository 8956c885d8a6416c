-- survival: Kaplan-Meier estimate of the time from first purchase to first loss.
-- grain: one row per segment and day
-- materialized: table
-- order_by: (segment, day)
-- tags: churn
with

lifetimes as (
    select arrayJoin(['(all)', segment]) as in_segment, duration_days, is_lost from {{ ref "int_lifetimes" }}
),

by_day as {{ once }} (
    select in_segment as segment, duration_days as day, count() as left_on_day, countIf(is_lost) as lost
    from lifetimes
    group by in_segment, duration_days
),

-- The curve starts at 1 on day 0, also when nobody leaves on that day.
with_start as (
    select segment, day, sum(left_on_day) as left_on_day, sum(lost) as lost
    from (
        select segment, day, left_on_day, lost from by_day
        union all
        select distinct segment, 0 as day, 0 as left_on_day, 0 as lost from by_day
    )
    group by segment, day
),

-- Censored on a day, a customer is still at risk on that day and leaves after
-- its losses.
at_risk_by_day as (
    select
        *,
        sum(left_on_day) over (partition by segment order by day rows between current row and unbounded following) as at_risk
    from with_start
),

-- Greenwood: the variance of S is S squared times the sum of d / (n (n - d)).
estimated as (
    select
        *,
        exp(sum(log(1 - lost / at_risk)) over past) as survival,
        survival * sqrt(sum(lost / (at_risk * (at_risk - lost))) over past) as greenwood_error
    from at_risk_by_day
    window past as (partition by segment order by day rows unbounded preceding)
)

select
    segment,
    toUInt32(day) as day,
    toUInt64(at_risk) as at_risk,
    toUInt64(lost) as lost,
    survival,
    -- Where nobody is left the error is not defined.
    if(survival > 0, toNullable(greatest(survival - 1.959964 * greenwood_error, 0)), null) as lower,
    if(survival > 0, toNullable(least(survival + 1.959964 * greenwood_error, 1)), null) as upper,
    if(survival > 0, toNullable(greenwood_error), null) as std_error,
    -- exp(sum(log)) may land a hair above one half.
    minOrNullIf(day, survival <= 0.5 + 1e-9) over (partition by segment) as median_day
from estimated
