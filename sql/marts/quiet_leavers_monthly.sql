-- quiet_leavers_monthly: how many of the lost left without a word, by month of the loss and segment.
-- grain: one row per month and segment
-- materialized: view
-- tags: service, monthly
with

losses as (
    select toStartOfMonth(loss_date) as month, arrayJoin([int_loss_contacts.segment, '(all)']) as segment, complaints, is_quiet, revenue_12m
    from {{ ref "int_loss_contacts" }} as int_loss_contacts
),

-- A month in which nobody was lost is a month too.
months as (
    select month, segment from {{ ref "churn_monthly" }}
),

months_and_losses as (
    select *, true as is_loss from losses
    union all
    select month, segment, 0 as complaints, false as is_quiet, null as revenue_12m, false as is_loss from months
),

counted as (
    select
        month,
        segment,
        countIf(is_loss) as lost,
        countIf(is_quiet) as quiet,
        countIf(complaints > 0) as complained,
        coalesce(sumIf(revenue_12m, is_quiet), 0) as quiet_revenue
    from months_and_losses
    group by month, segment
)

select
    month,
    segment,
    lost,
    quiet,
    complained,
    100 * quiet / nullIf(lost, 0) as quiet_pct,
    {{ wilson_lower "quiet" "lost" }} as quiet_lower,
    {{ wilson_upper "quiet" "lost" }} as quiet_upper,
    100 * complained / nullIf(lost, 0) as complained_pct,
    {{ wilson_lower "complained" "lost" }} as complained_lower,
    {{ wilson_upper "complained" "lost" }} as complained_upper,
    quiet_revenue,
    toBool(toLastDayOfMonth(month) <= {{ .AsOf }}) as is_complete
from counted
