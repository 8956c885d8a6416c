-- int_campaign_effects: counts, money and the difference to the control group, of each campaign within each dimension.
-- grain: one row per dimension, value, segment, manager_id, source and campaign_id
-- materialized: table
-- order_by: (dimension, value, segment, manager_id, source, campaign_id)
-- tags: winback
with

members as (
    select * from {{ ref "int_campaign_members" }}
),

classes as (
    select customer_key, class from {{ ref "int_winback_classes" }}
),

classed as (
    select members.* except (customer_key), coalesce(classes.class, '(none)') as class
    from members
    left join classes on classes.customer_key = members.customer_key
),

-- Reminders of carts are nine contacts of ten and say nothing of channels or offers:
-- they are looked at as campaigns alone.
by_value as (
    select
        tupleElement(dimension_value, 1) as dimension,
        tupleElement(dimension_value, 2) as value,
        tupleElement(dimension_value, 3) as of_segment,
        tupleElement(dimension_value, 4) as of_manager,
        source,
        campaign_id,
        min(touched_on) as first_touched_on,
        max(classed.last_touched_on) as last_touched_on,
        max(attribution_days) as attribution_days,
        max(horizon_days) as horizon_days,
        countIf(not is_control) as treated,
        countIf(is_control) as control,
        countIf(is_contaminated) as contaminated,
        sum(sent) as sent,
        countIf(is_opened) as opened,
        countIf(is_clicked) as clicked,
        countIf(is_attributed) as returned,
        countIf(is_full_price) as returned_at_full_price,
        sum(attributed_net_revenue) as net_revenue,
        sum(attributed_discount) as discounts_given,
        if(countIf(is_attributed and attributed_margin is null) = 0, sumIf(attributed_margin, is_attributed), null) as margin,
        sum(attributed_trial) as trial_revenue,
        sum(touch_cost) as touch_cost,
        sum(costs_unknown) as costs_unknown,
        countIf(is_returned and not is_control) as treated_returned,
        countIf(is_returned and is_control) as control_returned,
        sumIf(revenue, not is_control) as treated_revenue,
        sumIf(revenue, is_control) as control_revenue,
        if(countIf(classed.margin is null) = 0, sumIf(classed.margin, not classed.is_control), null) as treated_margin,
        if(countIf(classed.margin is null) = 0, sumIf(classed.margin, classed.is_control), null) as control_margin,
        avgIf(toFloat64(revenue), not is_control) as treated_mean,
        avgIf(toFloat64(revenue), is_control) as control_mean,
        varSampStableIf(toFloat64(revenue), not is_control) as treated_variance,
        varSampStableIf(toFloat64(revenue), is_control) as control_variance
    from classed
    array join if(
        is_cart_reminder,
        [('campaign', '', '(all)', '(all)')],
        [
            ('campaign', '', '(all)', '(all)'),
            ('channel', channel, '(all)', '(all)'),
            ('offer', offer, '(all)', '(all)'),
            ('discount', discount, '(all)', '(all)'),
            ('reason', reason_category, '(all)', '(all)'),
            ('severity', severity, '(all)', '(all)'),
            ('recency bucket', recency_bucket, '(all)', '(all)'),
            ('class', class, '(all)', '(all)'),
            ('segment', segment, segment, '(all)'),
            ('manager', manager_id, '(all)', manager_id),
            ('segment and manager', '', segment, manager_id)
        ]
    ) as dimension_value
    group by dimension, value, of_segment, of_manager, source, campaign_id
)

select
    dimension,
    value,
    of_segment as segment,
    of_manager as manager_id,
    source,
    campaign_id,
    first_touched_on,
    last_touched_on,
    -- Whoever was touched last has had the time to return, and to bring revenue.
    toBool(last_touched_on + attribution_days <= {{ .AsOf }}) as is_window_over,
    toBool(last_touched_on + attribution_days + horizon_days <= {{ .AsOf }}) as is_complete,
    last_touched_on + attribution_days as window_over_on,
    last_touched_on + attribution_days + horizon_days as complete_on,
    treated,
    control,
    contaminated,
    sent,
    opened,
    clicked,
    returned,
    returned_at_full_price,
    net_revenue,
    discounts_given,
    margin,
    trial_revenue,
    touch_cost,
    costs_unknown,
    treated_returned,
    control_returned,
    treated_revenue,
    control_revenue,
    treated_margin,
    control_margin,
    if(treated > 0 and control > 0, 100 * (treated_returned / treated - control_returned / control), null) as uplift_pp,
    {{ newcombe_lower "treated_returned" "treated" "control_returned" "control" }} as uplift_lower,
    {{ newcombe_upper "treated_returned" "treated" "control_returned" "control" }} as uplift_upper,
    if(treated > 0 and control > 0, treated_mean - control_mean, null) as mean_difference,
    {{ welch_lower "treated_mean" "treated_variance" "treated" "control_mean" "control_variance" "control" }} as mean_lower,
    {{ welch_upper "treated_mean" "treated_variance" "treated" "control_mean" "control_variance" "control" }} as mean_upper
from by_value
