-- winback_return_curves: how many of each group of a campaign have bought so many days after it began for them (Kaplan-Meier).
-- grain: one row per source, campaign_id, arm and day
-- materialized: table
-- order_by: (source, campaign_id, arm, day)
-- tags: winback
with

members as (
    select source, campaign_id, is_control, touched_on, next_on from {{ ref "int_campaign_members" }}
),

campaigns as (
    select source, campaign_id, campaign from {{ ref "int_campaign_costs" }}
),

-- Watched for half a year, or up to the day described.
watched as (
    select
        source,
        campaign_id,
        if(is_control, 'control', 'treated') as arm,
        least(toInt32({{ .AsOf }} - touched_on), 180) as watched_days,
        coalesce(toInt32(next_on - touched_on), 100000) <= watched_days as is_returned,
        if(is_returned, toInt32(assumeNotNull(next_on) - touched_on), watched_days) as day
    from members
),

by_day as (
    select source, campaign_id, arm, day, sum(left_on_day) as left_on_day, sum(returned) as returned
    from (
        select source, campaign_id, arm, day, count() as left_on_day, countIf(is_returned) as returned
        from watched
        group by source, campaign_id, arm, day
        union all
        select distinct source, campaign_id, arm, toInt32(0) as day, 0 as left_on_day, 0 as returned from watched
    )
    group by source, campaign_id, arm, day
),

at_risk_by_day as (
    select
        *,
        sum(left_on_day) over (partition by source, campaign_id, arm order by day rows between current row and unbounded following) as at_risk
    from by_day
),

-- Greenwood: the variance of S is S squared times the sum of d / (n (n - d)).
estimated as (
    select
        *,
        exp(sum(log(1 - returned / at_risk)) over past) as away,
        away * sqrt(sum(returned / (at_risk * (at_risk - returned))) over past) as error
    from at_risk_by_day
    window past as (partition by source, campaign_id, arm order by day rows unbounded preceding)
)

select
    campaigns.campaign as campaign,
    estimated.source as source,
    estimated.campaign_id as campaign_id,
    estimated.arm as arm,
    toUInt32(estimated.day) as day,
    toUInt64(estimated.at_risk) as at_risk,
    toUInt64(estimated.returned) as returned,
    round(100 * (1 - estimated.away), 6) as returned_pct,
    -- Where nobody is left the error is not defined.
    if(estimated.away > 0, toNullable(round(100 * greatest(1 - estimated.away - 1.959964 * estimated.error, 0), 6)), null) as returned_lower,
    if(estimated.away > 0, toNullable(round(100 * least(1 - estimated.away + 1.959964 * estimated.error, 1), 6)), null) as returned_upper
from estimated
inner join campaigns on campaigns.source = estimated.source and campaigns.campaign_id = estimated.campaign_id
