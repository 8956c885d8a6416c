-- parts_reconcile: regions, sales channels and managers are each all customers of base_movement, and those lost at start are as many; of a year's parts there are no more.
-- severity: error
with

movements as (
    select
        month,
        segment,
        multiIf(region != '(all)', 'region', channel != '(all)', 'channel', manager_id != '(all)', 'manager', 'all') as kind,
        sum(part.at_start) as at_start,
        sum(part.new) as new,
        sum(part.returned) as returned,
        sum(part.lost) as lost,
        sum(part.at_end) as at_end
    from {{ ref "base_movement_by" }} as part
    where (region != '(all)') + (channel != '(all)') + (manager_id != '(all)') <= 1
    group by month, segment, kind
),

churn as (
    select
        month,
        segment,
        multiIf(region != '(all)', 'region', channel != '(all)', 'channel', manager_id != '(all)', 'manager', 'all') as kind,
        sum(part.lost_at_start) as lost_at_start,
        sum(part.net_lost) as net_lost,
        coalesce(sum(part.customers_at_start_12m), 0) as at_start_12m,
        coalesce(sum(part.lost_12m), 0) as lost_12m
    from {{ ref "churn_monthly_by" }} as part
    where (region != '(all)') + (channel != '(all)') + (manager_id != '(all)') <= 1
    group by month, segment, kind
),

whole as (
    select base.*, monthly.lost_at_start, monthly.net_lost, monthly.customers_at_start_12m, monthly.lost_12m
    from {{ ref "base_movement" }} as base
    left join {{ ref "churn_monthly" }} as monthly on monthly.month = base.month and monthly.segment = base.segment
),

compared as (
    select
        whole.month as month,
        whole.segment as segment,
        kinds.kind as kind,
        arrayJoin([
            ('customers at start', toInt64(whole.at_start), toInt64(coalesce(movements.at_start, 0)), false),
            ('new', toInt64(whole.new), toInt64(coalesce(movements.new, 0)), false),
            ('returned', toInt64(whole.returned), toInt64(coalesce(movements.returned, 0)), false),
            ('lost', toInt64(whole.lost), toInt64(coalesce(movements.lost, 0)), false),
            ('customers at end', toInt64(whole.at_end), toInt64(coalesce(movements.at_end, 0)), false),
            ('lost at start', toInt64(whole.lost_at_start), toInt64(coalesce(churn.lost_at_start, 0)), false),
            ('lost without the returned', toInt64(whole.net_lost), toInt64(coalesce(churn.net_lost, 0)), false),
            ('customers a year before', toInt64(coalesce(whole.customers_at_start_12m, 0)), toInt64(coalesce(churn.at_start_12m, 0)), true),
            ('lost in a year', toInt64(coalesce(whole.lost_12m, 0)), toInt64(coalesce(churn.lost_12m, 0)), true)
        ]) as line
    from whole
    cross join (select arrayJoin(['all', 'region', 'channel', 'manager']) as kind) as kinds
    left join movements on movements.month = whole.month and movements.segment = whole.segment and movements.kind = kinds.kind
    left join churn on churn.month = whole.month and churn.segment = whole.segment and churn.kind = kinds.kind
)

select month, segment, kind, line.1 as what, line.2 as expected, line.3 as counted
from compared
where counted != expected and not (line.4 and counted < expected)
