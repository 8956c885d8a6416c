-- loss_antecedents: was a purchase more often the last one when something had gone wrong around it, and what was written down as the reason.
-- grain: one row per fact
-- materialized: table
-- order_by: fact
-- tags: service
with

facts as (
    select customer_key, groupArray((fact, day)) as happened from {{ ref "int_antecedents" }} group by customer_key
),

-- The gap that may become a loss has begun when the usual one is over. Where
-- nothing happened there is nothing to look at, only to count.
visits as (
    select
        customer_key,
        visited_on,
        toUInt16(least(ceil(ifNull(usual_gap_days, {{ .Service.AntecedentDays }})), {{ .Service.AntecedentDays }})) as gap_start
    from {{ ref "int_personal_clocks" }}
    where customer_key in (select customer_key from facts)
),

episodes as (
    select customer_key, episode_no, last_order_on, loss_date from {{ ref "int_episodes" }} where customer_key in (select customer_key from facts)
),

reasons as (
    select customer_key, episode_no, reason_category from {{ ref "int_loss_reasons" }}
),

-- Of the last purchase of somebody who is not lost nobody knows yet whether it was.
-- What happens after the loss, which a termination may bring early, is no antecedent.
judged as (
    select
        toBool(episodes.loss_date is not null) as is_lost,
        reasons.reason_category as reason_category,
        arrayDistinct(arrayMap(event -> tupleElement(event, 1), arrayFilter(
            event -> tupleElement(event, 2) between visits.visited_on - {{ .Service.AntecedentDays }}
                and least(visits.visited_on + visits.gap_start, coalesce(episodes.loss_date, visits.visited_on + visits.gap_start)),
            facts.happened
        ))) as found
    from visits
    left join episodes on episodes.customer_key = visits.customer_key and episodes.last_order_on = visits.visited_on
    left join reasons on reasons.customer_key = episodes.customer_key and reasons.episode_no = episodes.episode_no
    inner join facts on facts.customer_key = visits.customer_key
    where episodes.customer_key is null or episodes.loss_date is not null
),

-- Everybody's purchases: all visits but the last ones of those who are not lost.
everybody as (
    select
        assumeNotNull((select count() from {{ ref "int_personal_clocks" }})) as visits,
        countIf(loss_date is null) as unknown,
        countIf(loss_date is not null) as losses
    from {{ ref "int_episodes" }}
),

-- One row with everybody, marked by the empty fact, and one for each fact.
counted as (
    select
        arrayJoin(found) as fact,
        count() as purchases,
        countIf(is_lost) as losses,
        countIf(is_lost and reason_category is not null) as reasons_written,
        sumMapIf(map(assumeNotNull(coalesce(reason_category, '')), toUInt64(1)), is_lost and reason_category is not null) as reasons
    from judged
    group by fact
    union all
    select '' as fact, toUInt64(visits - unknown) as purchases, losses, 0 as reasons_written, cast(map(), 'Map(String, UInt64)') as reasons
    from everybody
),

compared as (
    select
        fact,
        purchases as purchases_with,
        losses as losses_with,
        max(purchases) over () - purchases as purchases_without,
        max(losses) over () - losses as losses_without,
        reasons_written,
        arraySort(entry -> (-tupleElement(entry, 2), tupleElement(entry, 1)), cast(reasons, 'Array(Tuple(String, UInt64))')) as written
    from counted
),

rated as (
    select
        *,
        100 * losses_with / nullIf(purchases_with, 0) as lost_with,
        100 * losses_without / nullIf(purchases_without, 0) as lost_without,
        -- Of the logarithm of the ratio of two rates (Katz and others 1978).
        sqrt(1 / nullIf(losses_with, 0) - 1 / nullIf(purchases_with, 0) + 1 / nullIf(losses_without, 0) - 1 / nullIf(purchases_without, 0)) as deviation
    from compared
)

select
    fact,
    purchases_with,
    losses_with,
    purchases_without,
    losses_without,
    lost_with,
    {{ wilson_lower "losses_with" "purchases_with" }} as lost_with_lower,
    {{ wilson_upper "losses_with" "purchases_with" }} as lost_with_upper,
    lost_without,
    {{ wilson_lower "losses_without" "purchases_without" }} as lost_without_lower,
    {{ wilson_upper "losses_without" "purchases_without" }} as lost_without_upper,
    round(lost_with / nullIf(lost_without, 0), 6) as lift,
    round(lost_with / nullIf(lost_without, 0) * exp(-1.959963984540054 * deviation), 6) as lower,
    round(lost_with / nullIf(lost_without, 0) * exp(1.959963984540054 * deviation), 6) as upper,
    reasons_written,
    if(empty(written), null, tupleElement(written[1], 1)) as written_reason,
    if(empty(written), null, tupleElement(written[1], 2)) as written_reason_losses
from rated
where fact != ''
