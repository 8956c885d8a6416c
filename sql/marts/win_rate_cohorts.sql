-- win_rate_cohorts: how many of the deals made in a month are won, those that are still open being censored.
-- grain: one row per month and pipeline
-- materialized: table
-- order_by: (pipeline, month)
-- tags: funnel, monthly
with

deals as {{ once }} (
    select
        toStartOfMonth(assumeNotNull(began_on)) as month,
        arrayJoin(['(all)', pipeline]) as in_pipeline,
        outcome,
        -- Days until it was won or lost, or that it has been open so far.
        greatest(coalesce(days, 0), 0) as days
    from {{ ref "deals" }}
    where began_on is not null
),

cohorts as (
    select
        in_pipeline as pipeline,
        month,
        count() as made,
        countIf(outcome = 'won') as won,
        countIf(outcome = 'lost') as lost,
        countIf(outcome = 'open') as open
    from deals
    group by in_pipeline, month
),

by_day as (
    select
        in_pipeline as pipeline,
        month,
        days as day,
        countIf(outcome = 'won') as d_won,
        countIf(outcome != 'open') as d,
        sum(count()) over (partition by pipeline, month order by day rows between current row and unbounded following) as n
    from deals
    group by in_pipeline, month, days
),

-- Aalen-Johansen with two ways out, won and lost: on each day the share that was
-- still open before it, S, times the share of those that was won on it.
still_open as (
    select *, coalesce(exp(sum(log(1 - d / n)) over before), 1) as s
    from by_day
    window before as (partition by pipeline, month order by day rows between unbounded preceding and 1 preceding)
),

incidence as (
    select
        *,
        sum(s * d_won / n) over (partition by pipeline, month order by day rows unbounded preceding) as f,
        sum(s * d_won / n) over (partition by pipeline, month) as f_end
    from still_open
),

-- Variance of the cumulative incidence by the delta method (Marubini and Valsecchi):
-- without censoring that of a share.
summed as (
    select
        pipeline,
        month,
        least(any(f_end), 1) as win_share,
        max(n) as made,
        sum(
            if(n = d, 0, (f_end - f) * (f_end - f) * d / (n * (n - d)))
            + s * s * d_won * (n - d_won) / (n * n * n)
            - 2 * (f_end - f) * s * d_won / (n * n)
        ) as variance,
        maxIf(f, day <= 30) as win_share_30d,
        maxIf(f, day <= 90) as win_share_90d,
        maxIf(f, day <= 180) as win_share_180d
    from incidence
    group by pipeline, month
),

estimated as (
    select *, if(variance > 1e-12 and win_share > 0 and win_share < 1, win_share * (1 - win_share) / variance, made) as effective from summed
)

select
    cohorts.month as month,
    cohorts.pipeline as pipeline,
    cohorts.made as deals,
    cohorts.won as won,
    cohorts.lost as lost,
    cohorts.open as open,
    100 * cohorts.won / nullIf(cohorts.won + cohorts.lost, 0) as win_rate_closed_pct,
    assumeNotNull(round(100 * estimated.win_share, 6)) as win_rate_pct,
    -- Wilson's interval of a share of so many that it would have this variance.
    {{ wilson_lower "estimated.win_share * estimated.effective" "estimated.effective" }} as win_rate_lower,
    {{ wilson_upper "estimated.win_share * estimated.effective" "estimated.effective" }} as win_rate_upper,
    -- Null until the last deal of the month has had so many days.
    if(addMonths(cohorts.month, 1) - 1 + 30 <= {{ .AsOf }}, round(100 * estimated.win_share_30d, 6), null) as win_rate_30d_pct,
    if(addMonths(cohorts.month, 1) - 1 + 90 <= {{ .AsOf }}, round(100 * estimated.win_share_90d, 6), null) as win_rate_90d_pct,
    if(addMonths(cohorts.month, 1) - 1 + 180 <= {{ .AsOf }}, round(100 * estimated.win_share_180d, 6), null) as win_rate_180d_pct,
    toBool(toStartOfMonth({{ .AsOf }} + 1) > cohorts.month) as is_complete
from cohorts
left join estimated on estimated.pipeline = cohorts.pipeline and estimated.month = cohorts.month
