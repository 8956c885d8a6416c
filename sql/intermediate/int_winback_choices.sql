-- int_winback_choices: what to offer each customer who may be contacted, and through which channel.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: winback
with

cases as (
    select
        customer_key, class, city, phones, emails, dislikes, recency_bucket, reason_category, severity, company_fault, days_since_loss,
        first_order_on, orders, worth, overdue_debt, overdue_payments
    from {{ ref "int_winback_cases" }}
    where is_eligible
),

chances as (
    select customer_key as of_customer, p_return, overall_rate, value_12m from {{ ref "int_winback_chances" }}
),

evidence as (
    select * from {{ ref "int_winback_evidence" }} where what in ('channel', 'offer')
),

offers as (
    select * from {{ ref "winback_offers" }}
),

channels as (
    select * from {{ ref "winback_channels" }}
),

chanced as (
    select cases.*, chances.p_return as p_return, chances.overall_rate as overall_rate, chances.value_12m as value_12m
    from cases
    inner join chances on chances.of_customer = cases.customer_key
),

-- Channels that can be used, the best return rate first, the cheaper before the
-- dearer. A channel's rate among customers lost as long is drawn to its rate among
-- all, and that to the overall one.
channel_rates as (
    select
        value as channel,
        evidence.recency_bucket as recency_bucket,
        sum(evidence.contacted) as contacted,
        sum(evidence.contacted_returned) as returned
    from evidence
    where what = 'channel'
    group by channel, recency_bucket
),

usable as (
    select
        chanced.customer_key as customer_key,
        channels.channel as channel,
        channels.touch_cost as touch_cost,
        chanced.value_12m as value_12m,
        (coalesce(in_all.returned, 0) + {{ .Winback.Shrink }} * chanced.overall_rate) / (coalesce(in_all.contacted, 0) + {{ .Winback.Shrink }}) as rate_in_all,
        (coalesce(in_bucket.returned, 0) + {{ .Winback.Shrink }} * rate_in_all) / (coalesce(in_bucket.contacted, 0) + {{ .Winback.Shrink }}) as rate
    from chanced
    cross join channels
    left join channel_rates as in_all on in_all.channel = channels.channel and in_all.recency_bucket = '(all)'
    left join channel_rates as in_bucket on in_bucket.channel = channels.channel and in_bucket.recency_bucket = chanced.recency_bucket
    where (channels.needs = 'phone' and notEmpty(chanced.phones) or channels.needs = 'email' and notEmpty(chanced.emails) or channels.needs = 'city' and chanced.city is not null)
        and (coalesce(chanced.dislikes, '') = '' or not match(lower(chanced.dislikes), channels.disliked))
        and (channels.channel != 'visit' or chanced.class = 'A')
),

best_channels as (
    select
        customer_key as of_customer,
        argMax((channel, touch_cost), (coalesce(rate, 0) * coalesce(value_12m, 0) - toFloat64(touch_cost), channel)) as best
    from usable
    group by of_customer
),

offer_rates as (
    select value as offer, sum(contacted) as contacted, sum(contacted_returned) as returned from evidence where what = 'offer' group by offer
),

fitting as (
    select
        chanced.customer_key as customer_key,
        offers.offer as offer,
        offers.kind as kind,
        offers.say as say,
        offers.discount_pct as discount_pct,
        offers.precedence as precedence,
        -- 10 % of the debt, 2 more for each year as a customer, 20 for class A and
        -- 10 for B, 5 less for each payment overdue; from 10 to 50 %.
        if(offers.kind = 'debt', greatest(10, least(50,
            10 + 2 * intDiv(dateDiff('day', chanced.first_order_on, {{ .AsOf }}), 365)
            + multiIf(chanced.class = 'A', 20, chanced.class = 'B', 10, 0) - 5 * chanced.overdue_payments
        )), 0) as write_off_pct,
        round(toFloat64(offers.cost)
            + toFloat64(offers.discount_pct) / 100 * coalesce(chanced.worth / nullIf(chanced.orders, 0), 0)
            + write_off_pct / 100 * coalesce(toFloat64(chanced.overdue_debt), 0), 4) as offer_cost,
        (coalesce(offer_rates.returned, 0) + {{ .Winback.Shrink }} * chanced.p_return) / (coalesce(offer_rates.contacted, 0) + {{ .Winback.Shrink }}) as rate,
        coalesce(rate, 0) * coalesce(chanced.value_12m, 0) - offer_cost as brings
    from chanced
    cross join offers
    left join offer_rates on offer_rates.offer = offers.offer
    where offers.reason in ('*', chanced.reason_category)
        and offers.class in ('*', chanced.class)
        and chanced.days_since_loss between offers.min_days and offers.max_days
        and (offers.min_severity = 0 or chanced.severity >= offers.min_severity)
        and (offers.fault = '*' or offers.fault = 'yes' and chanced.company_fault or offers.fault = 'no' and not chanced.company_fault)
        and (offers.kind != 'debt' or chanced.overdue_debt > 0)
),

-- What would cost more than it is expected to bring gives way to what does not.
best_offers as (
    select
        customer_key as of_customer,
        argMax((fitting.offer, fitting.kind, fitting.say, fitting.offer_cost, fitting.write_off_pct, fitting.discount_pct), (fitting.brings > 0, -toInt32(fitting.precedence), fitting.brings, fitting.offer)) as best
    from fitting
    group by of_customer
)

-- Who can be reached by nothing they do not dislike has no channel.
select
    chanced.customer_key as customer_key,
    if(tupleElement(best_offers.best, 2) = 'debt', concat(tupleElement(best_offers.best, 1), ', ', toString(tupleElement(best_offers.best, 5)), ' %'), tupleElement(best_offers.best, 1)) as offer,
    tupleElement(best_offers.best, 3) as say,
    tupleElement(best_offers.best, 4) as offer_cost,
    if(tupleElement(best_offers.best, 6) > 0, tupleElement(best_offers.best, 6), null) as discount_pct,
    tupleElement(best_channels.best, 1) as channel,
    tupleElement(best_channels.best, 2) as touch_cost,
    round(chanced.p_return * chanced.value_12m - tupleElement(best_offers.best, 4) - toFloat64(tupleElement(best_channels.best, 2)), 4) as expected_value
from chanced
left join best_offers on best_offers.of_customer = chanced.customer_key
left join best_channels on best_channels.of_customer = chanced.customer_key
