-- int_campaign_costs: each campaign by its name, with what it cost apart from discounts, or why that is not known.
-- grain: one row per source and campaign_id
-- materialized: table
-- order_by: (source, campaign_id)
-- tags: winback
with

campaigns as (
    select * from {{ ref "stg_winback__campaigns" }}
),

touches as (
    select * from {{ ref "int_touches" }}
),

rates as (
    select currency, rated_on, rate from {{ ref "stg_shop__exchange_rates" }}
),

sums as (
    select
        source,
        campaign_id,
        any(is_cart_reminder) as is_cart_reminder,
        min(touched_on) as first_touched_on,
        countIf(not is_control) as sent,
        countIf(not is_control and customer_key is null) as unknown_contacts,
        countIf(not is_control and cost is null) as costs_unknown,
        coalesce(sumIf(cost, not is_control), toDecimal128(0, 4)) as touch_cost,
        if(uniqExact(channel) = 1, any(channel), 'several') as channel,
        if(uniqExact(offer) = 1, any(offer), 'several') as offer,
        if(uniqExact(discount_pct) <= 1, any(discount_pct), null) as discount_pct,
        max(attribution_days) as attribution_days,
        max(horizon_days) as horizon_days
    from touches
    group by source, campaign_id
),

-- A campaign that has not begun by the day described is not known yet.
begun as {{ once }} (
    select
        *,
        toDate(started_at, {{ .Timezone }}) as started_on,
        toDate(ended_at, {{ .Timezone }}) as ended_on
    from campaigns
    where coalesce(started_on <= {{ .AsOf }}, true)
),

daily_rates as (
    select rates.currency as currency, rates.rated_on + days as day, argMax(rates.rate, rates.rated_on) as rate
    from rates
    array join range(10) as days
    where rates.currency in (select assumeNotNull(currency) from begun where currency is not null)
    group by currency, day
),

known as (
    select
        assumeNotNull(coalesce(begun.source, sums.source)) as source,
        assumeNotNull(coalesce(begun.campaign_id, sums.campaign_id)) as campaign_id,
        assumeNotNull(coalesce(begun.name, campaign_id)) as name,
        coalesce(sums.is_cart_reminder, false) as is_cart_reminder,
        coalesce(sums.channel, begun.channel, '(none)') as channel,
        coalesce(sums.offer, begun.offer, '(none)') as offer,
        coalesce(begun.discount_pct, sums.discount_pct) as discount_pct,
        coalesce(begun.started_on, sums.first_touched_on) as started_on,
        begun.ended_on as ended_on,
        begun.control_pct as control_pct,
        coalesce(begun.attribution_days, sums.attribution_days, {{ .Winback.AttributionDays }}) as attribution_days,
        coalesce(begun.horizon_days, sums.horizon_days, {{ .Winback.HorizonDays }}) as horizon_days,
        coalesce(sums.sent, 0) as sent,
        coalesce(sums.unknown_contacts, 0) as unknown_contacts,
        coalesce(sums.costs_unknown, 0) as costs_unknown,
        coalesce(sums.touch_cost, toDecimal128(0, 4)) as touch_cost,
        begun.fixed_cost is not null as has_fixed_cost,
        coalesce(begun.currency, {{ .Currency }}) as cost_currency,
        cast(round(begun.fixed_cost * if(cost_currency = {{ .Currency }}, toDecimal64(1, 8), daily_rates.rate), 4) as Nullable(Decimal(38, 4))) as fixed_cost
    from begun
    full join sums on sums.source = begun.source and sums.campaign_id = begun.campaign_id
    left join daily_rates on daily_rates.currency = begun.currency and daily_rates.day = begun.started_on
)

select
    source,
    campaign_id,
    -- Two systems may have a campaign of the same name.
    if(count() over (partition by name) > 1, concat(name, ' (', source, ':', campaign_id, ')'), name) as campaign,
    is_cart_reminder,
    channel,
    offer,
    cast(discount_pct as Nullable(Decimal(18, 4))) as discount_pct,
    started_on,
    ended_on,
    cast(control_pct as Nullable(Float64)) as control_pct,
    toInt64(attribution_days) as attribution_days,
    toInt64(horizon_days) as horizon_days,
    toUInt64(sent) as sent,
    toUInt64(unknown_contacts) as unknown_contacts,
    -- Where no touch has a cost, the campaign's own is all there is; where some
    -- have, the others are missing.
    multiIf(
        sent = 0, 'nobody was contacted',
        has_fixed_cost and known.fixed_cost is null, concat('cost unknown: there is no exchange rate of ', cost_currency),
        not has_fixed_cost and costs_unknown = sent, 'cost unknown: neither the campaign nor its touches say',
        costs_unknown > 0 and costs_unknown < sent, concat('cost unknown: ', toString(costs_unknown), ' of ', toString(sent), ' touches do not say'),
        null
    ) as cost_note,
    coalesce(known.fixed_cost, toDecimal128(0, 4)) as fixed_cost,
    cast(known.touch_cost as Decimal(38, 4)) as touch_cost
from known
