-- winback_kpis: what becomes of those who return, month by month of the return, and what it costs to have them back.
-- grain: one row per month and segment
-- materialized: table
-- order_by: (segment, month)
-- tags: winback, monthly
with

episodes as (
    select segment, loss_date, revenue_12m from {{ ref "int_episodes" }}
),

returns as (
    select * from {{ ref "int_returns" }}
),

complaints as (
    select owners.customer_key as customer_key, groupArray(toDate(assumeNotNull(complaints.opened_at), {{ .Timezone }})) as days
    from {{ ref "stg_crm__complaints" }} as complaints
    inner join {{ ref "int_record_owners" }} as owners
        on owners.entity = 'crm.complaints' and owners.source = complaints.source and owners.entity_id = complaints.complaint_id
    where complaints.opened_at is not null
    group by customer_key
),

campaigns as (
    select toStartOfMonth(assumeNotNull(started_on)) as month, cost, returned from {{ ref "winback_campaigns" }} 
    where started_on is not null and cost is not null and is_window_over and not is_cart_reminder
),

-- The best month of the first six, against a twelfth of the year before the loss.
judged as (
    select
        returns.*,
        toStartOfMonth(returns.returned_on) as month,
        toInt32(returns.returned_on - returns.lost_on) as days_away,
        returns.returned_on + 183 <= {{ .AsOf }} and returns.revenue_before > 0 as is_half_year_over,
        returns.best_month * 12 >= returns.revenue_before * 0.8 as has_recovered,
        returns.returned_on + 365 <= {{ .AsOf }} as is_year_over,
        coalesce(returns.lost_again_on <= returns.returned_on + 365, false) as is_lost_again,
        not is_lost_again and not arrayExists(day -> day >= returns.returned_on and day < returns.returned_on + 365, complaints.days) as is_good_year
    from returns
    left join complaints on complaints.customer_key = returns.customer_key
),

by_month as (
    select
        month,
        in_segment as segment,
        count() as returned,
        avg(trial_order) as average_trial_order,
        quantileExactInclusive(0.5)(days_away) as median_days_to_return,
        countIf(is_half_year_over) as half_year_n,
        countIf(is_half_year_over and has_recovered) as recovered_80,
        countIf(is_year_over) as year_n,
        countIf(is_year_over and is_good_year) as good_year,
        countIf(is_year_over and is_lost_again) as second_lost,
        sum(revenue_after) as revenue_recovered,
        countIf(not is_year_over) = 0 as is_year_of_all_over
    from judged
    array join ['(all)', segment] as in_segment
    group by month, in_segment
),

losses as (
    select toStartOfMonth(assumeNotNull(loss_date)) as month, in_segment as segment, count() as lost, sum(revenue_12m) as revenue_lost
    from episodes
    array join ['(all)', segment] as in_segment
    where loss_date is not null
    group by month, in_segment
),

costs as (
    select month, sum(cost) as cost, sum(returned) as returned from campaigns group by month
),

together as (
    select
        month,
        segment,
        coalesce(losses.lost, 0) as lost,
        coalesce(losses.revenue_lost, toDecimal128(0, 4)) as revenue_lost,
        coalesce(by_month.returned, 0) as returned,
        by_month.average_trial_order as average_trial_order,
        by_month.median_days_to_return as median_days_to_return,
        coalesce(by_month.half_year_n, 0) as half_year_n,
        coalesce(by_month.recovered_80, 0) as recovered_80,
        coalesce(by_month.year_n, 0) as year_n,
        coalesce(by_month.good_year, 0) as good_year,
        coalesce(by_month.second_lost, 0) as second_lost,
        coalesce(by_month.revenue_recovered, toDecimal128(0, 4)) as revenue_recovered,
        coalesce(by_month.is_year_of_all_over, toLastDayOfMonth(month) <= {{ .AsOf }}) as is_year_of_all_over
    from losses
    full join by_month using (month, segment)
)

select
    assumeNotNull(together.month) as month,
    assumeNotNull(together.segment) as segment,
    toUInt64(together.lost) as lost,
    toUInt64(together.returned) as returned,
    cast(together.average_trial_order as Nullable(Decimal(38, 4))) as average_trial_order,
    cast(together.median_days_to_return as Nullable(Float64)) as median_days_to_return,
    toUInt64(together.half_year_n) as half_year_n,
    toUInt64(together.recovered_80) as recovered_80,
    100 * together.recovered_80 / nullIf(together.half_year_n, 0) as recovered_80_pct,
    {{ wilson_lower "together.recovered_80" "together.half_year_n" }} as recovered_80_lower,
    {{ wilson_upper "together.recovered_80" "together.half_year_n" }} as recovered_80_upper,
    toUInt64(together.year_n) as year_n,
    toUInt64(together.good_year) as good_year,
    100 * together.good_year / nullIf(together.year_n, 0) as good_year_pct,
    {{ wilson_lower "together.good_year" "together.year_n" }} as good_year_lower,
    {{ wilson_upper "together.good_year" "together.year_n" }} as good_year_upper,
    toUInt64(together.second_lost) as second_lost,
    100 * together.second_lost / nullIf(together.year_n, 0) as second_loss_pct,
    {{ wilson_lower "together.second_lost" "together.year_n" }} as second_loss_lower,
    {{ wilson_upper "together.second_lost" "together.year_n" }} as second_loss_upper,
    cast(together.revenue_lost as Decimal(38, 4)) as revenue_lost,
    cast(together.revenue_recovered as Decimal(38, 4)) as revenue_recovered,
    if(together.is_year_of_all_over, 100 * toFloat64(together.revenue_recovered) / nullIf(toFloat64(together.revenue_lost), 0), null) as recovered_share_pct,
    if(together.segment = '(all)', cast(costs.cost as Nullable(Decimal(38, 4))), null) as campaign_cost,
    if(together.segment = '(all)', cast(costs.cost / nullIf(costs.returned, 0) as Nullable(Decimal(38, 4))), null) as cost_per_return,
    if({{ .Winback.AcquisitionCost }} > 0, toFloat64(cost_per_return) / nullIf({{ .Winback.AcquisitionCost }}, 0), null) as cost_to_acquisition,
    toBool(toLastDayOfMonth(assumeNotNull(together.month)) <= {{ .AsOf }}) as is_complete
from together
left join costs on costs.month = together.month
