-- loss_reasons_add_up: the losses of loss_reasons, summed up, are churn_reasons.
-- severity: error
with

losses as (
    select month, segment, basis, reason_category, count() as lost, sum(revenue_12m) as revenue
    from {{ ref "loss_reasons" }}
    group by month, segment, basis, reason_category
),

reasons as (
    select month, segment, basis, reason_category, lost, lost_revenue from {{ ref "churn_reasons" }} where segment != '(all)'
)

select
    coalesce(reasons.month, losses.month) as month,
    coalesce(reasons.segment, losses.segment) as segment,
    coalesce(reasons.basis, losses.basis) as basis,
    coalesce(reasons.reason_category, losses.reason_category) as reason_category,
    losses.lost as lost,
    reasons.lost as expected
from reasons
full join losses on losses.month = reasons.month and losses.segment = reasons.segment and losses.basis = reasons.basis
    and losses.reason_category = reasons.reason_category
where coalesce((reasons.lost, reasons.lost_revenue) != (losses.lost, losses.revenue), true)
