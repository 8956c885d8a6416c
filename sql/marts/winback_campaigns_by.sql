-- winback_campaigns_by: what each campaign brought among customers of a segment, and by whom it was made.
-- grain: one row per source, campaign_id, segment and manager_id
-- materialized: table
-- order_by: (segment, manager_id, source, campaign_id)
-- tags: winback
with

campaigns as (
    select * from {{ ref "winback_campaigns" }}
),

costs as (
    select source, campaign_id, cost_note, fixed_cost from {{ ref "int_campaign_costs" }}
),

effects as (
    select * from {{ ref "int_campaign_effects" }} where dimension in ('segment', 'manager', 'segment and manager')
),

managers as (
    select manager_id, any(name) as name from {{ ref "stg_crm__managers" }} group by manager_id
),

-- The fixed cost is shared out by heads; the time of a part is over with the campaign's.
parts as (
    select
        campaigns.campaign as campaign,
        campaigns.source as source,
        campaigns.campaign_id as campaign_id,
        campaigns.channel as channel,
        campaigns.started_on as started_on,
        campaigns.is_cart_reminder as is_cart_reminder,
        campaigns.is_window_over as is_window_over,
        campaigns.is_complete as is_complete,
        campaigns.verdict as verdict_of_all,
        effects.segment as segment,
        effects.manager_id as manager_id,
        effects.treated as treated,
        effects.control as control,
        effects.returned as returned,
        effects.net_revenue + effects.discounts_given as revenue,
        if(costs.cost_note is null,
            coalesce(effects.touch_cost, toDecimal128(0, 4)) + effects.discounts_given
                + coalesce(costs.fixed_cost * effects.treated / nullIf(campaigns.treated, 0), toDecimal128(0, 4)),
            null) as cost,
        effects.treated > 0 and effects.control > 0 as has_control,
        effects.uplift_pp as difference_pp,
        effects.uplift_lower as difference_lower,
        effects.uplift_upper as difference_upper,
        effects.treated_revenue - effects.control_revenue * effects.treated / nullIf(effects.control, 0) as revenue_difference,
        effects.mean_lower * effects.treated as revenue_difference_lower,
        effects.mean_upper * effects.treated as revenue_difference_upper
    from effects
    inner join campaigns on campaigns.source = effects.source and campaigns.campaign_id = effects.campaign_id
    inner join costs on costs.source = effects.source and costs.campaign_id = effects.campaign_id
),

rated as (
    select
        *,
        if(is_window_over, 100 * returned / nullIf(treated, 0), null) as return_pct,
        if(is_window_over, {{ wilson_lower "returned" "treated" }}, null) as return_lower,
        if(is_window_over, {{ wilson_upper "returned" "treated" }}, null) as return_upper,
        if(is_window_over and has_control, difference_pp, null) as uplift_pp,
        if(is_window_over and has_control, difference_lower, null) as uplift_lower,
        if(is_window_over and has_control, difference_upper, null) as uplift_upper,
        if(is_complete and has_control, cast(revenue_difference as Nullable(Decimal(38, 4))), null) as incremental_revenue,
        if(is_complete and has_control, toDecimal128OrNull(toString(round(revenue_difference_lower, 4)), 4), null) as incremental_revenue_lower,
        if(is_complete and has_control, toDecimal128OrNull(toString(round(revenue_difference_upper, 4)), 4), null) as incremental_revenue_upper,
        multiIf(
            treated = 0, 'nobody was contacted',
            not is_window_over, verdict_of_all,
            not has_control, 'no control group: what would have come anyway is not known',
            difference_lower > 0, 'works: more returned than without it',
            difference_upper < 0, 'does harm: fewer returned than without it',
            'no evidence: the interval holds zero'
        ) as verdict
    from parts
),

whole_and_parts as (
    select
        campaign, source, campaign_id, '(all)' as segment, '(all)' as manager_id, channel, started_on, treated, control, returned, return_pct, return_lower,
        return_upper, revenue, cost, uplift_pp, uplift_lower, uplift_upper, incremental_revenue, incremental_revenue_lower, incremental_revenue_upper,
        is_cart_reminder, is_window_over, is_complete, verdict
    from campaigns
    union all
    select
        campaign, source, campaign_id, segment, manager_id, channel, started_on, treated, control, returned, return_pct, return_lower,
        return_upper, revenue, cost, uplift_pp, uplift_lower, uplift_upper, incremental_revenue, incremental_revenue_lower, incremental_revenue_upper,
        is_cart_reminder, is_window_over, is_complete, verdict
    from rated
)

select
    whole_and_parts.campaign as campaign,
    whole_and_parts.source as source,
    whole_and_parts.campaign_id as campaign_id,
    whole_and_parts.segment as segment,
    whole_and_parts.manager_id as manager_id,
    assumeNotNull(coalesce(managers.name, manager_id)) as manager,
    channel,
    started_on,
    toUInt64(treated) as treated,
    toUInt64(control) as control,
    toUInt64(returned) as returned,
    return_pct,
    return_lower,
    return_upper,
    cast(revenue as Decimal(38, 4)) as revenue,
    cast(round(cost, 4) as Nullable(Decimal(38, 4))) as cost,
    if(is_complete and whole_and_parts.cost > 0, 100 * (toFloat64(revenue) - toFloat64(whole_and_parts.cost)) / nullIf(toFloat64(whole_and_parts.cost), 0), null) as romi_pct,
    uplift_pp,
    uplift_lower,
    uplift_upper,
    incremental_revenue,
    incremental_revenue_lower,
    incremental_revenue_upper,
    if(whole_and_parts.cost > 0, 100 * (toFloat64(incremental_revenue) - toFloat64(whole_and_parts.cost)) / nullIf(toFloat64(whole_and_parts.cost), 0), null) as incremental_romi_pct,
    if(is_window_over and whole_and_parts.cost > 0, cast(whole_and_parts.cost / nullIf(returned, 0) as Nullable(Decimal(38, 4))), null) as cost_per_return,
    is_cart_reminder,
    is_window_over,
    is_complete,
    verdict
from whole_and_parts
left join managers on managers.manager_id = whole_and_parts.manager_id
