-- winback_campaigns: what each campaign brought, what it cost, and how much of it would have come anyway.
-- grain: one row per source and campaign_id
-- materialized: table
-- order_by: (started_on, campaign)
-- tags: winback
with

campaigns as (
    select * from {{ ref "int_campaign_costs" }}
),

effects as (
    select * from {{ ref "int_campaign_effects" }} where dimension = 'campaign'
),

members as (
    select source, campaign_id, customer_key, is_control, touched_on, recency_bucket from {{ ref "int_campaign_members" }}
),

silences as (
    select customer_key, ordered_on, sleeps_on, lost_if_silent_on, next_on from {{ ref "int_silences" }}
),

-- The yardstick: who stood where the treated stood when the campaign began, and
-- was in no campaign then. Not causal: they were not drawn, they were left over.
beginnings as (
    select source, campaign_id, min(touched_on) as begun_on, max(attribution_days) as attribution_days
    from {{ ref "int_campaign_members" }}
    group by source, campaign_id
    having begun_on + attribution_days <= {{ .AsOf }}
),

in_some_campaign as (
    select distinct beginnings.source as source, beginnings.campaign_id as campaign_id, members.customer_key as customer_key
    from members
    cross join beginnings
    where members.touched_on >= beginnings.begun_on - beginnings.attribution_days
        and members.touched_on <= beginnings.begun_on + beginnings.attribution_days
),

waiting as (
    select
        beginnings.source as source,
        beginnings.campaign_id as campaign_id,
        silences.customer_key as customer_key,
        toInt32(beginnings.begun_on - silences.lost_if_silent_on) as days_since_loss,
        if(days_since_loss < 0, 'sleeping', {{ recency_bucket "days_since_loss" }}) as recency_bucket,
        coalesce(silences.next_on <= beginnings.begun_on + beginnings.attribution_days, false) as is_returned
    from silences
    cross join beginnings
    where silences.sleeps_on <= beginnings.begun_on and (silences.next_on is null or silences.next_on > beginnings.begun_on)
),

left_alone as (
    select waiting.source as source, waiting.campaign_id as campaign_id, waiting.recency_bucket as recency_bucket, count() as customers, countIf(waiting.is_returned) as returned
    from waiting
    left anti join in_some_campaign
        on in_some_campaign.source = waiting.source
        and in_some_campaign.campaign_id = waiting.campaign_id
        and in_some_campaign.customer_key = waiting.customer_key
    group by source, campaign_id, recency_bucket
),

treated_by_bucket as (
    select source, campaign_id, recency_bucket, count() as treated
    from members
    where not is_control
    group by source, campaign_id, recency_bucket
),

-- Weighted as the treated are, over the buckets that hold somebody to compare with.
yardsticks as (
    select
        treated_by_bucket.source as source,
        treated_by_bucket.campaign_id as campaign_id,
        sum(left_alone.customers) as customers,
        100 * sum(treated_by_bucket.treated * left_alone.returned / left_alone.customers) / sum(treated_by_bucket.treated) as return_pct
    from treated_by_bucket
    inner join left_alone
        on left_alone.source = treated_by_bucket.source
        and left_alone.campaign_id = treated_by_bucket.campaign_id
        and left_alone.recency_bucket = treated_by_bucket.recency_bucket
    group by source, campaign_id
),

combined as (
    select
        campaigns.source as source,
        campaigns.campaign_id as campaign_id,
        campaigns.campaign as campaign,
        campaigns.channel as channel,
        campaigns.offer as offer,
        campaigns.discount_pct as discount_pct,
        campaigns.started_on as started_on,
        campaigns.ended_on as ended_on,
        campaigns.sent as sent,
        campaigns.unknown_contacts as unknown_contacts,
        campaigns.is_cart_reminder as is_cart_reminder,
        campaigns.control_pct as control_pct,
        campaigns.cost_note as why_unknown,
        coalesce(effects.treated, 0) as treated,
        coalesce(effects.control, 0) as control,
        coalesce(effects.contaminated, 0) as contaminated,
        coalesce(effects.opened, 0) as opened,
        coalesce(effects.clicked, 0) as clicked,
        coalesce(effects.returned, 0) as returned,
        coalesce(effects.treated_returned, 0) as treated_returned,
        coalesce(effects.control_returned, 0) as control_returned,
        coalesce(effects.returned_at_full_price, 0) as returned_at_full_price,
        coalesce(effects.is_window_over, false) as is_window_over,
        coalesce(effects.is_complete, false) as is_complete,
        effects.window_over_on as window_over_on,
        effects.complete_on as complete_on,
        coalesce(effects.discounts_given, toDecimal128(0, 4)) as discounts_given,
        coalesce(effects.net_revenue, toDecimal128(0, 4)) as net_revenue,
        coalesce(effects.net_revenue, toDecimal128(0, 4)) + coalesce(effects.discounts_given, toDecimal128(0, 4)) as revenue,
        if(effects.treated is null, toDecimal128(0, 4), effects.margin + effects.discounts_given) as margin,
        effects.trial_revenue as trial_revenue,
        if(campaigns.cost_note is null, campaigns.touch_cost + campaigns.fixed_cost + coalesce(effects.discounts_given, toDecimal128(0, 4)), null) as cost,
        effects.control > 0 and effects.treated > 0 as has_control,
        effects.uplift_pp as difference_pp,
        effects.uplift_lower as difference_lower,
        effects.uplift_upper as difference_upper,
        effects.treated_revenue - effects.control_revenue * effects.treated / nullIf(effects.control, 0) as revenue_difference,
        effects.treated_margin - effects.control_margin * effects.treated / nullIf(effects.control, 0) as margin_difference,
        effects.mean_lower * effects.treated as revenue_difference_lower,
        effects.mean_upper * effects.treated as revenue_difference_upper,
        yardsticks.return_pct as yardstick_pct,
        yardsticks.customers as yardstick_customers
    from campaigns
    left join effects on effects.source = campaigns.source and effects.campaign_id = campaigns.campaign_id
    left join yardsticks on yardsticks.source = campaigns.source and yardsticks.campaign_id = campaigns.campaign_id
),

-- Where nobody wrote down which share was drawn, the nearest usual one is taken.
tested as (
    select
        *,
        if(has_control, coalesce(
            nullIf(control_pct, 0) / 100,
            arraySort(x -> abs(x - control / (treated + control)), [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 1 / 3, 0.4, 0.5, 2 / 3])[1]
        ), null) as control_share,
        {{ sample_ratio_p "control" "treated" "control_share" }} as ratio_p,
        is_window_over and has_control as is_comparable,
        toFloat64(cost) as spent
    from combined
)

select
    campaign,
    source,
    campaign_id,
    channel,
    offer,
    discount_pct,
    started_on,
    ended_on,
    toUInt64(treated) as treated,
    toUInt64(control) as control,
    sent,
    toUInt64(opened) as opened,
    toUInt64(clicked) as clicked,
    if(is_window_over, 100 * opened / nullIf(treated, 0), null) as opened_pct,
    if(is_window_over, {{ wilson_lower "opened" "treated" }}, null) as opened_lower,
    if(is_window_over, {{ wilson_upper "opened" "treated" }}, null) as opened_upper,
    if(is_window_over, 100 * clicked / nullIf(treated, 0), null) as clicked_pct,
    if(is_window_over, {{ wilson_lower "clicked" "treated" }}, null) as clicked_lower,
    if(is_window_over, {{ wilson_upper "clicked" "treated" }}, null) as clicked_upper,
    toUInt64(returned) as returned,
    if(is_window_over, 100 * returned / nullIf(treated, 0), null) as return_pct,
    if(is_window_over, {{ wilson_lower "returned" "treated" }}, null) as return_lower,
    if(is_window_over, {{ wilson_upper "returned" "treated" }}, null) as return_upper,
    cast(revenue as Decimal(38, 4)) as revenue,
    cast(net_revenue as Decimal(38, 4)) as net_revenue,
    cast(margin as Nullable(Decimal(38, 4))) as margin,
    cast(discounts_given as Decimal(38, 4)) as discounts_given,
    cast(cost as Nullable(Decimal(38, 4))) as cost,
    coalesce(why_unknown, if(tested.cost <= 0, 'cost is 0: nothing to divide by', null)) as cost_note,
    if(is_complete and cost > 0, 100 * (toFloat64(revenue) - spent) / nullIf(spent, 0), null) as romi_pct,
    if(is_complete and cost > 0, 100 * (toFloat64(margin) - spent) / nullIf(spent, 0), null) as margin_romi_pct,
    if(is_comparable, 100 * treated_returned / nullIf(treated, 0), null) as treated_return_pct,
    toUInt64(control_returned) as control_returned,
    if(is_comparable, 100 * control_returned / nullIf(control, 0), null) as control_return_pct,
    if(is_comparable, {{ wilson_lower "control_returned" "control" }}, null) as control_return_lower,
    if(is_comparable, {{ wilson_upper "control_returned" "control" }}, null) as control_return_upper,
    if(is_comparable, difference_pp, null) as uplift_pp,
    if(is_comparable, difference_lower, null) as uplift_lower,
    if(is_comparable, difference_upper, null) as uplift_upper,
    if(is_complete and has_control, cast(revenue_difference as Nullable(Decimal(38, 4))), null) as incremental_revenue,
    if(is_complete and has_control, toDecimal128OrNull(toString(round(revenue_difference_lower, 4)), 4), null) as incremental_revenue_lower,
    if(is_complete and has_control, toDecimal128OrNull(toString(round(revenue_difference_upper, 4)), 4), null) as incremental_revenue_upper,
    100 * toFloat64(incremental_revenue) / nullIf(toFloat64(revenue), 0) as incremental_share_pct,
    if(cost > 0, 100 * (toFloat64(incremental_revenue) - spent) / nullIf(spent, 0), null) as incremental_romi_pct,
    if(cost > 0, 100 * (toFloat64(incremental_revenue_lower) - spent) / nullIf(spent, 0), null) as incremental_romi_lower,
    if(cost > 0, 100 * (toFloat64(incremental_revenue_upper) - spent) / nullIf(spent, 0), null) as incremental_romi_upper,
    if(is_complete and has_control, cast(margin_difference as Nullable(Decimal(38, 4))), null) as incremental_margin,
    if(cost > 0, 100 * (toFloat64(incremental_margin) - spent) / nullIf(spent, 0), null) as incremental_margin_romi_pct,
    if(is_window_over and cost > 0, cast(cost / nullIf(returned, 0) as Nullable(Decimal(38, 4))), null) as cost_per_return,
    if(is_comparable and cost > 0 and difference_pp > 0, toDecimal128OrNull(toString(round(spent / (difference_pp / 100 * treated), 4)), 4), null) as cost_per_incremental_return,
    yardstick_pct,
    toUInt64(coalesce(yardstick_customers, 0)) as yardstick_n,
    if(yardstick_pct is null, null, 'not causal: customers as long silent whom no campaign had') as yardstick_note,
    if(returned > 0, 100 * returned_at_full_price / nullIf(returned, 0), null) as full_price_pct,
    if(returned > 0, {{ wilson_lower "returned_at_full_price" "returned" }}, null) as full_price_lower,
    if(returned > 0, {{ wilson_upper "returned_at_full_price" "returned" }}, null) as full_price_upper,
    if(returned > 0, cast(trial_revenue / nullIf(returned, 0) as Nullable(Decimal(38, 4))), null) as average_trial_order,
    if(has_control, ratio_p, null) as sample_ratio_p,
    toUInt64(contaminated) as contaminated,
    if(has_control, 100 * contaminated / nullIf(control, 0), null) as contaminated_pct,
    unknown_contacts,
    is_cart_reminder,
    toBool(is_window_over) as is_window_over,
    toBool(is_complete) as is_complete,
    complete_on,
    multiIf(
        treated = 0, 'nobody was contacted',
        not is_window_over, concat('too early: customers have until ', ifNull(toString(window_over_on), 'then'), ' to return'),
        not coalesce(has_control, false), 'no control group: what would have come anyway is not known',
        coalesce(ratio_p < 0.001, false), 'not to be trusted: the groups are not of the size they were drawn in',
        difference_lower > 0, 'works: more returned than without it',
        difference_upper < 0, 'does harm: fewer returned than without it',
        'no evidence: the interval holds zero'
    ) as verdict
from tested
