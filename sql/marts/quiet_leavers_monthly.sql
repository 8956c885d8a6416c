-- quiet_leavers_monthly: how many of the lost left without a word, by month of the loss and segment.
-- grain: one row per month and segment
-- materialized: view
-- tags: service, monthly
with

losses as (
    select toStartOfMonth(loss_date) as month, arrayJoin([int_loss_contacts.segment, '(all)']) as segment, complaints, is_quiet, revenue_12m
    from {{ ref "int_loss_contacts" }} as int_loss_contacts
),

counted as (
    select
        month,
        segment,
        count() as lost,
        countIf(is_quiet) as quiet,
        countIf(losses.complaints > 0) as complained,
        sumIf(revenue_12m, is_quiet) as quiet_revenue
    from losses
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
