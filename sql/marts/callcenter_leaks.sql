-- callcenter_leaks: five ways in which a call centre loses customers: how often, whom, how many left later, what it costs; the worst first.
-- grain: one row per leak
-- materialized: table
-- order_by: position
-- tags: service
with

calls as (
    select leak, customer_key, happened_on, is_leak, is_affected from {{ ref "int_leak_calls" }}
),

episodes as (
    select customer_key, started_on, loss_date, revenue_12m
    from {{ ref "int_episodes" }}
    where customer_key in (select coalesce(calls.customer_key, '') from calls)
),

-- A customer counts once, from the first time; who was never affected is compared.
by_customer as (
    select
        leak,
        coalesce(calls.customer_key, '') as customer_key,
        count() as exposed,
        countIf(is_leak) as leaked,
        max(is_affected) as is_affected,
        if(max(calls.is_affected), minIf(happened_on, calls.is_affected), min(happened_on)) as since
    from calls
    group by leak, customer_key
),

sent_to_office as (
    select customer_key from by_customer where leak = 'sent_to_office' and is_affected
),

-- Who had left before, or never bought, cannot be lost by it.
followed as (
    select
        by_customer.leak as leak,
        by_customer.customer_key as customer_key,
        by_customer.exposed as exposed,
        by_customer.leaked as leaked,
        by_customer.is_affected as is_affected,
        by_customer.customer_key in (select customer_key from sent_to_office) as was_sent,
        episodes.revenue_12m as revenue_12m,
        coalesce(episodes.started_on is not null and (episodes.loss_date is null or episodes.loss_date > by_customer.since), false)
            and by_customer.since + {{ .Service.LossWithin }} <= {{ .AsOf }} as is_judged,
        is_judged and coalesce(episodes.loss_date <= by_customer.since + {{ .Service.LossWithin }}, false) as is_lost
    from by_customer
    asof left join episodes on episodes.customer_key = by_customer.customer_key and episodes.started_on <= by_customer.since
),

counted as (
    select
        leak,
        sum(followed.exposed) as exposed_calls,
        sum(followed.leaked) as calls,
        sumIf(followed.leaked, customer_key = '') as unknown_calls,
        countIf(followed.leaked > 0 and customer_key != '') as customers,
        countIf(is_affected and is_judged) as judged,
        countIf(is_affected and is_lost) as lost,
        sumIf(revenue_12m, is_affected and is_lost) as lost_revenue,
        countIf(not is_affected and is_judged) as others,
        countIf(not is_affected and is_lost) as others_lost,
        countIf(not is_affected and is_judged and not was_sent) as others_not_sent,
        countIf(not is_affected and is_lost and not was_sent) as others_not_sent_lost
    from followed
    group by leak
),

leaks as (
    select
        tupleElement(entry, 1) as leak,
        tupleElement(entry, 2) as name,
        tupleElement(entry, 3) as rule_of_thumb_pct
    from (
        select arrayJoin([
            ('callback_never_made', 'A promised call-back that never came', cast(null as Nullable(UInt8))),
            ('sent_to_office', 'Sent to an office, and no sale followed', 80),
            ('outside_competence', 'A matter outside the operator''s competence', 40),
            ('pitch_after_own_call', 'An offer of what the customer had just called about', null),
            ('offer_already_bought', 'An offer of what the customer has bought', null)
        ]) as entry
    )
),

-- Who was sent to an office is compared with all whom the operators could help and
-- never sent there.
compared as (
    select
        leaks.leak as leak,
        leaks.name as name,
        coalesce(counted.calls, 0) as calls,
        coalesce(counted.exposed_calls, 0) as exposed_calls,
        leaks.rule_of_thumb_pct as rule_of_thumb_pct,
        coalesce(counted.customers, 0) as customers,
        coalesce(counted.unknown_calls, 0) as unknown_calls,
        coalesce(counted.judged, 0) as judged,
        coalesce(counted.lost, 0) as lost,
        coalesce(counted.lost_revenue, toDecimal128(0, 4)) as lost_revenue,
        coalesce(if(leaks.leak = 'sent_to_office', maxIf(counted.others_not_sent, leaks.leak = 'outside_competence') over (), counted.others), 0) as others_judged,
        coalesce(if(leaks.leak = 'sent_to_office', maxIf(counted.others_not_sent_lost, leaks.leak = 'outside_competence') over (), counted.others_lost), 0) as others_lost
    from leaks
    left join counted on counted.leak = leaks.leak
),

rated as (
    select
        *,
        100 * lost / nullIf(judged, 0) as lost_pct,
        100 * others_lost / nullIf(others_judged, 0) as others_lost_pct,
        -- Without anybody to compare with, all of it may be the leak's.
        toDecimal128(round(toFloat64(lost_revenue) * greatest(1 - ifNull(others_lost_pct / nullIf(lost_pct, 0), 0), 0), 4), 4) as avoidable_revenue
    from compared
)

select
    toUInt8(row_number() over (order by avoidable_revenue desc, lost_revenue desc, calls desc, leak)) as position,
    leak,
    name,
    calls,
    exposed_calls,
    100 * calls / nullIf(exposed_calls, 0) as calls_pct,
    {{ wilson_lower "calls" "exposed_calls" }} as calls_lower,
    {{ wilson_upper "calls" "exposed_calls" }} as calls_upper,
    rule_of_thumb_pct,
    customers,
    unknown_calls,
    judged,
    lost,
    lost_pct,
    {{ wilson_lower "lost" "judged" }} as lost_lower,
    {{ wilson_upper "lost" "judged" }} as lost_upper,
    lost_revenue,
    others_judged,
    others_lost,
    others_lost_pct,
    lost_pct - others_lost_pct as difference_pp,
    {{ newcombe_lower "lost" "judged" "others_lost" "others_judged" }} as difference_lower,
    {{ newcombe_upper "lost" "judged" "others_lost" "others_judged" }} as difference_upper,
    avoidable_revenue
from rated
