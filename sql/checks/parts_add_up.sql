-- parts_add_up: regions, sales channels and managers are each all customers, in every month and every figure that can be added up, and (all) is churn_monthly.
-- severity: error
with

parts as (
    select
        month,
        segment,
        multiIf(region != '(all)', 'region', channel != '(all)', 'channel', manager_id != '(all)', 'manager', 'all') as kind,
        (region != '(all)') + (channel != '(all)') + (manager_id != '(all)') as parts_named,
        customers_at_start,
        lost,
        returned,
        lost_revenue_observed
    from {{ ref "churn_monthly_by" }}
),

sums as (
    select
        month,
        segment,
        kind,
        sum(parts.customers_at_start) as customers_at_start,
        sum(parts.lost) as lost,
        sum(parts.returned) as returned,
        sum(parts.lost_revenue_observed) as lost_revenue
    from parts
    where parts_named <= 1
    group by month, segment, kind
),

churn as (
    select month, segment, customers_at_start, lost, returned, lost_revenue_observed from {{ ref "churn_monthly" }}
)

select
    churn.month as month,
    churn.segment as segment,
    kinds.kind as kind,
    sums.customers_at_start as customers_at_start,
    churn.customers_at_start as expected_at_start,
    sums.lost as lost,
    churn.lost as expected_lost
from churn
cross join (select arrayJoin(['all', 'region', 'channel', 'manager']) as kind) as kinds
left join sums on sums.month = churn.month and sums.segment = churn.segment and sums.kind = kinds.kind
where coalesce(
    (sums.customers_at_start, sums.lost, sums.returned, sums.lost_revenue)
        != (churn.customers_at_start, churn.lost, churn.returned, churn.lost_revenue_observed),
    true
)
