-- winback_by: what works: return rates, money and uplift by channel, offer, discount, reason, severity, recency, class, segment and manager.
-- grain: one row per dimension and value
-- materialized: table
-- order_by: (dimension, value)
-- tags: winback
with

effects as (
    select * except (segment, manager_id) from {{ ref "int_campaign_effects" }} where dimension != 'segment and manager'
),

-- Reminders of carts go to people who were about to buy, and would have most of them
-- anyway: they are campaigns of their own, and would flatter every channel they use.
campaigns as (
    select source as of_source, campaign_id as of_campaign, cost_note, fixed_cost from {{ ref "int_campaign_costs" }} where not is_cart_reminder
),

-- Campaigns whose time is over; a running one would look worse than it is.
whole as (
    select source as in_source, campaign_id as in_campaign, treated as treated_in_all from effects where dimension = 'campaign' and is_complete
),

-- The fixed cost is shared out by heads.
costed as (
    select
        effects.* except (dimension, value),
        if(effects.dimension = 'campaign', '(all)', effects.dimension) as dimension,
        if(effects.dimension = 'campaign', '(all)', effects.value) as value,
        campaigns.cost_note is not null as is_cost_unknown,
        effects.treated > 0 and effects.control > 0 as has_control,
        if(is_cost_unknown, null,
            coalesce(effects.touch_cost, toDecimal128(0, 4)) + effects.discounts_given + campaigns.fixed_cost * effects.treated / nullIf(whole.treated_in_all, 0)) as cost
    from effects
    inner join campaigns on campaigns.of_source = effects.source and campaigns.of_campaign = effects.campaign_id
    inner join whole on whole.in_source = effects.source and whole.in_campaign = effects.campaign_id
),

-- Groups are compared within each campaign and the differences averaged by the
-- customers treated: pooling heads would compare one campaign with another. The
-- interval is that of a weighted sum (Zou and Donner 2008), from Newcombe's and
-- Welch's intervals of its parts; of one campaign it is theirs.
weighed as (
    select
        *,
        if(has_control, treated, 0) / nullIf(sum(if(has_control, treated, 0)) over (partition by dimension, value), 0) as weight
    from costed
),

summed as (
    select
        dimension,
        value,
        uniqExact((source, campaign_id)) as campaigns,
        sum(weighed.treated) as treated,
        sum(weighed.control) as control,
        sumIf(weighed.treated, weighed.has_control) as compared,
        sum(weighed.sent) as sent,
        sum(weighed.opened) as opened,
        sum(weighed.clicked) as clicked,
        sum(weighed.returned) as returned,
        sum(weighed.returned_at_full_price) as returned_at_full_price,
        sum(weighed.net_revenue) + sum(weighed.discounts_given) as revenue,
        if(countIf(weighed.margin is null) = 0, sum(weighed.margin) + sum(weighed.discounts_given), null) as margin,
        if(countIf(weighed.is_cost_unknown) = 0, sum(weighed.cost), null) as cost,
        countIf(weighed.is_cost_unknown) as costs_unknown,
        sumIf(weighed.control_returned, weighed.has_control) as control_returned,
        sumIf(weighed.weight * weighed.uplift_pp, weighed.has_control) as difference_pp,
        sqrt(sumIf(pow(weighed.weight * (weighed.uplift_pp - weighed.uplift_lower), 2), weighed.has_control)) as below_pp,
        sqrt(sumIf(pow(weighed.weight * (weighed.uplift_upper - weighed.uplift_pp), 2), weighed.has_control)) as above_pp,
        sumIf(weighed.treated_revenue - weighed.control_revenue * weighed.treated / nullIf(weighed.control, 0), weighed.has_control) as revenue_difference,
        sqrt(sumIf(pow(weighed.treated * (weighed.mean_difference - weighed.mean_lower), 2), weighed.has_control)) as money_below,
        sqrt(sumIf(pow(weighed.treated * (weighed.mean_upper - weighed.mean_difference), 2), weighed.has_control)) as money_above
    from weighed
    group by dimension, value
),

judged as (
    select *, compared > 0 as is_comparable, compared = treated as is_all_compared, toFloat64(cost) as spent from summed
)

select
    dimension,
    value,
    toUInt64(campaigns) as campaigns,
    toUInt64(treated) as treated,
    toUInt64(control) as control,
    toUInt64(sent) as sent,
    toUInt64(opened) as opened,
    toUInt64(clicked) as clicked,
    toUInt64(returned) as returned,
    100 * returned / nullIf(treated, 0) as return_pct,
    {{ wilson_lower "returned" "treated" }} as return_lower,
    {{ wilson_upper "returned" "treated" }} as return_upper,
    cast(revenue as Decimal(38, 4)) as revenue,
    cast(margin as Nullable(Decimal(38, 4))) as margin,
    cast(round(cost, 4) as Nullable(Decimal(38, 4))) as cost,
    if(costs_unknown > 0, concat('cost unknown of ', toString(costs_unknown), ' of ', toString(campaigns), ' campaigns'),
        if(cost <= 0, 'cost is 0: nothing to divide by', null)) as cost_note,
    if(cost > 0, 100 * (toFloat64(revenue) - spent) / nullIf(spent, 0), null) as romi_pct,
    if(cost > 0, 100 * (toFloat64(margin) - spent) / nullIf(spent, 0), null) as margin_romi_pct,
    if(is_comparable, 100 * control_returned / nullIf(control, 0), null) as control_return_pct,
    if(is_comparable, difference_pp, null) as uplift_pp,
    if(is_comparable, difference_pp - below_pp, null) as uplift_lower,
    if(is_comparable, difference_pp + above_pp, null) as uplift_upper,
    if(is_comparable, cast(revenue_difference as Nullable(Decimal(38, 4))), null) as incremental_revenue,
    if(is_comparable, toDecimal128OrNull(toString(round(toFloat64(revenue_difference) - money_below, 4)), 4), null) as incremental_revenue_lower,
    if(is_comparable, toDecimal128OrNull(toString(round(toFloat64(revenue_difference) + money_above, 4)), 4), null) as incremental_revenue_upper,
    -- The cost of campaigns without a control group is not that of this revenue.
    if(is_all_compared and cost > 0, 100 * (toFloat64(incremental_revenue) - spent) / nullIf(spent, 0), null) as incremental_romi_pct,
    if(cost > 0, cast(round(cost / nullIf(returned, 0), 4) as Nullable(Decimal(38, 4))), null) as cost_per_return,
    if(returned > 0, 100 * returned_at_full_price / nullIf(returned, 0), null) as full_price_pct,
    if(returned > 0, {{ wilson_lower "returned_at_full_price" "returned" }}, null) as full_price_lower,
    if(returned > 0, {{ wilson_upper "returned_at_full_price" "returned" }}, null) as full_price_upper,
    multiIf(
        treated = 0, 'nobody was contacted',
        not is_comparable, 'no control group: what would have come anyway is not known',
        difference_pp - below_pp > 0, 'works: more returned than without it',
        difference_pp + above_pp < 0, 'does harm: fewer returned than without it',
        'no evidence: the interval holds zero'
    ) as verdict
from judged
