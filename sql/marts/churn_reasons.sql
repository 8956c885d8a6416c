-- churn_reasons: why customers left, by month, segment and category of reason, as stated and as verified.
-- grain: one row per month, segment, basis and reason_category
-- materialized: table
-- order_by: (segment, basis, month, reason_category)
-- tags: churn, reasons, monthly
with

losses as (
    select * from {{ ref "int_lost_customers" }}
),

categories as (
    select reason_category, company_fault, human_factor, preventable from {{ ref "reason_categories" }}
),

-- Every loss has a stated reason, if only an unknown one; those that were asked
-- on have a verified one besides.
by_basis as (
    select month, segment, 'stated' as basis, stated_category as category, severity, revenue_12m, is_complete from losses
    union all
    select month, segment, 'verified' as basis, assumeNotNull(verified_category) as category, severity, revenue_12m, is_complete
    from losses
    where verified_category is not null
),

counted as (
    select
        month,
        arrayJoin(['(all)', by_basis.segment]) as in_segment,
        basis,
        category,
        count() as lost,
        sum(by_basis.revenue_12m) as lost_revenue,
        avg(by_basis.severity) as avg_severity,
        any(by_basis.is_complete) as is_complete
    from by_basis
    group by month, in_segment, basis, category
),

with_total as (
    select *, sum(lost) over (partition by month, in_segment, basis) as lost_of_all_reasons from counted
)

select
    with_total.month as month,
    with_total.in_segment as segment,
    with_total.category as reason_category,
    with_total.basis as basis,
    with_total.lost as lost,
    100 * with_total.lost / with_total.lost_of_all_reasons as share_pct,
    with_total.lost_revenue as lost_revenue,
    with_total.avg_severity as avg_severity,
    categories.company_fault as company_fault,
    categories.human_factor as human_factor,
    categories.preventable as preventable,
    with_total.lost_of_all_reasons as lost_of_all_reasons,
    {{ wilson_lower "with_total.lost" "with_total.lost_of_all_reasons" }} as share_lower,
    {{ wilson_upper "with_total.lost" "with_total.lost_of_all_reasons" }} as share_upper,
    with_total.is_complete as is_complete
from with_total
left join categories on categories.reason_category = with_total.category
