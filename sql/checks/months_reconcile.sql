-- months_reconcile: what the tables of months count, month by month and segment by segment, is what base_movement and the stretches tell.
-- severity: error
with

movements as (
    select
        month,
        segment,
        at_start,
        returned,
        lost,
        coalesce(sum(new) over (partition by segment order by month rows between unbounded preceding and 1 preceding), 0) as ever_before
    from {{ ref "base_movement" }}
),

churn as (
    select * from {{ ref "churn_monthly" }}
),

winback as (
    select month, segment, lost, returned from {{ ref "winback_kpis" }}
),

quiet as (
    select month, segment, lost, quiet, complained from {{ ref "quiet_leavers_monthly" }}
),

-- Of those there twelve months before a month's end, the lost of these months.
losses as (
    select
        arrayJoin(['(all)', segment]) as in_segment,
        addMonths(toStartOfMonth(assumeNotNull(loss_date)), arrayJoin(range(12))) as month,
        countIf(month > addMonths(toStartOfMonth(started_on), 11)) as lost
    from {{ ref "customer_episodes" }}
    where loss_date is not null
    group by in_segment, month
),

-- Somebody may be lost twice in a month, and be one customer: then there are fewer.
compared as (
    select
        movements.month as month,
        movements.segment as segment,
        arrayJoin([
            ('customers at start', toInt64(movements.at_start), toInt64(churn.customers_at_start), false),
            ('lost', toInt64(movements.lost), toInt64(churn.lost), true),
            ('returned', toInt64(movements.returned), toInt64(churn.returned), true),
            ('lost without the returned', toInt64(churn.lost) - toInt64(churn.returned), churn.net_lost, false),
            ('lost at start', toInt64(movements.ever_before) - toInt64(movements.at_start), toInt64(churn.lost_at_start), false),
            ('customers a year before', toInt64(coalesce(year_before.at_start, 0)), toInt64(coalesce(churn.customers_at_start_12m, year_before.at_start, 0)), false),
            ('lost in a year', toInt64(coalesce(losses.lost, 0)), toInt64(coalesce(churn.lost_12m, losses.lost, 0)), false),
            ('losses to win back', toInt64(movements.lost), toInt64(coalesce(winback.lost, 0)), false),
            ('returns', toInt64(movements.returned), toInt64(coalesce(winback.returned, 0)), false),
            ('losses, quiet or not', toInt64(movements.lost), toInt64(coalesce(quiet.lost, 0)), false),
            ('losses, quiet or after a complaint', toInt64(movements.lost), toInt64(coalesce(quiet.quiet + quiet.complained, 0)), true)
        ]) as line
    from movements
    left join churn on churn.month = movements.month and churn.segment = movements.segment
    left join movements as year_before on year_before.month = addMonths(movements.month, -11) and year_before.segment = movements.segment
    left join losses on losses.month = movements.month and losses.in_segment = movements.segment
    left join winback on winback.month = movements.month and winback.segment = movements.segment
    left join quiet on quiet.month = movements.month and quiet.segment = movements.segment
)

select month, segment, line.1 as what, line.2 as expected, line.3 as counted
from compared
where counted is null or (counted != expected and not (line.4 and counted < expected))
