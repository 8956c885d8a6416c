-- churn_cohorts: what becomes of the customers of each month of first purchase.
-- grain: one row per cohort_month, month_no and segment
-- materialized: table
-- order_by: (segment, cohort_month, month_no)
-- tags: churn, monthly
with

sums as (
    select *, arrayJoin(['(all)', segment]) as in_segment from {{ ref "int_month_sums" }}
),

-- Who bought last in which month of the customer's life.
last_purchases as (
    select
        toStartOfMonth(assumeNotNull(first_order_on)) as cohort_month,
        toUInt32(dateDiff('month', assumeNotNull(first_order_on), assumeNotNull(last_order_on))) as month_no,
        arrayJoin(['(all)', segment]) as in_segment,
        count() as customers
    from {{ ref "int_customer_cards" }}
    where orders > 0
    group by cohort_month, month_no, in_segment
),

-- Every customer has a row for each month since the first purchase, so each
-- month counts the whole cohort.
summed as (
    select
        sums.cohort_month as cohort_month,
        toUInt32(dateDiff('month', sums.cohort_month, sums.month)) as month_no,
        sums.in_segment as segment,
        sum(sums.members) as size,
        sum(sums.buyers) as active,
        sum(sums.ever_lost) as lost_cum,
        toUInt64(size - lost_cum) as never_lost,
        sum(sums.revenue) as revenue,
        max(sums.is_complete) as is_complete
    from sums
    group by cohort_month, month_no, segment
),

monthly as (
    select summed.*, coalesce(last_purchases.customers, 0) as bought_last
    from summed
    left join last_purchases on last_purchases.cohort_month = summed.cohort_month
        and last_purchases.month_no = summed.month_no and last_purchases.in_segment = summed.segment
),

running as (
    select
        *,
        -- Bought in that month or later: their last purchase is not before it.
        sum(bought_last) over (cohort rows between current row and unbounded following) as active_or_later,
        sum(revenue) over (cohort rows between unbounded preceding and current row) as revenue_cum,
        first_value(revenue) over (cohort rows between unbounded preceding and current row) as revenue_month_0
    from monthly
    window cohort as (partition by segment, cohort_month order by month_no)
)

select
    cohort_month,
    month_no,
    segment,
    size,
    active,
    -- A month that is not over is not a drop: its rates wait.
    if(is_complete or month_no = 0, 100 * active / size, null) as retention_pct,
    lost_cum,
    if(is_complete, 100 * (size - lost_cum) / size, null) as survival_pct,
    revenue,
    if(is_complete, 100 * toFloat64(revenue) / nullIf(toFloat64(revenue_month_0), 0), null) as revenue_retention_pct,
    toDecimal128(revenue_cum / size, 4) as cum_revenue_per_customer,
    if(is_complete or month_no = 0, {{ wilson_lower "active" "size" }}, null) as retention_lower,
    if(is_complete or month_no = 0, {{ wilson_upper "active" "size" }}, null) as retention_upper,
    active_or_later,
    if(is_complete or month_no = 0, 100 * active_or_later / size, null) as retention_unbounded_pct,
    is_complete,
    if(is_complete, never_lost, 0) as kept,
    if(is_complete, 0, never_lost) as not_observed
from running
