-- winback_candidates: whom to win back, why, with what, through which channel, by whom and when; and why the others are not on the list.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: winback
with

cases as (
    select * from {{ ref "int_winback_cases" }}
),

evidence as (
    select * from {{ ref "int_winback_evidence" }}
),

offers as (
    select * from {{ ref "winback_offers" }}
),

channels as (
    select * from {{ ref "winback_channels" }}
),

managers as (
    select manager_id, any(name) as manager_name
    from {{ ref "stg_crm__managers" }}
    where coalesce(is_active, true)
        and coalesce(toDate(left_at) > {{ .AsOf }}, true)
        and coalesce(toDate(hired_at) <= {{ .AsOf }}, true)
    group by manager_id
),

episodes as (
    select customer_key, returned_on, revenue_12m from {{ ref "int_episodes" }} where returned_on is not null
),

purchases as (
    select customer_key, source, order_id, ordered_on, revenue from {{ ref "int_purchases" }}
),

order_lines as (
    select source, order_id, coalesce(name, sku, product_id) as goods, product_id, quantity * price as amount from {{ ref "stg_shop__order_lines" }}
),

products as (
    select source, product_id, name from {{ ref "stg_shop__products" }}
),

complaints as (
    select owners.customer_key as customer_key, argMax((complaints.category, complaints.resolution), (complaints.opened_at, complaints.complaint_id)) as last_complaint
    from {{ ref "stg_crm__complaints" }} as complaints
    inner join {{ ref "int_record_owners" }} as owners
        on owners.entity = 'crm.complaints' and owners.source = complaints.source and owners.entity_id = complaints.complaint_id
    where toDate(complaints.opened_at, {{ .Timezone }}) <= {{ .AsOf }}
    group by customer_key
),

-- How much of their old business returned customers bring, once a year is over.
kept as (
    select if(count() >= 30, least(toFloat64(sum(after.revenue)) / nullIf(toFloat64(sum(after.before)), 0), 2), null) as share
    from (
        select episodes.customer_key as customer_key, episodes.returned_on as returned_on, any(episodes.revenue_12m) as before,
            sumIf(purchases.revenue, purchases.ordered_on >= episodes.returned_on and purchases.ordered_on < episodes.returned_on + 365) as revenue
        from episodes
        inner join purchases on purchases.customer_key = episodes.customer_key
        where episodes.returned_on + 365 <= {{ .AsOf }}
        group by customer_key, returned_on
    ) as after
),

-- P(return): those contacted count in full, those left alone for NaturalWeight
-- customers at most; the overall rate counts for Shrink customers more (a Beta
-- prior of that mean and weight).
overall as (
    select
        sum(contacted) + sum(left_alone) as observed,
        (sum(contacted_returned) + least(1, {{ .Winback.NaturalWeight }} / greatest(sum(left_alone), 1)) * sum(left_alone_returned))
            / nullIf(sum(contacted) + least({{ .Winback.NaturalWeight }}, sum(left_alone)), 0) as rate
    from evidence
    where what = 'all'
),

chances as (
    select
        evidence.segment as in_segment,
        evidence.reason_category as for_reason,
        evidence.recency_bucket as in_bucket,
        evidence.contacted + evidence.left_alone as similar_observed,
        evidence.contacted as similar_contacted,
        evidence.contacted + least({{ .Winback.NaturalWeight }}, evidence.left_alone) as similar_weight,
        evidence.contacted_returned
            + least(1, {{ .Winback.NaturalWeight }} / greatest(evidence.left_alone, 1)) * evidence.left_alone_returned as similar_returned
    from evidence
    where what = 'customers'
),

chanced as (
    select
        cases.*,
        coalesce(chances.similar_observed, 0) as similar,
        coalesce(chances.similar_contacted, 0) as contacted,
        overall.observed as observed,
        coalesce(chances.similar_weight, 0) + {{ .Winback.Shrink }} as weight,
        (coalesce(chances.similar_returned, 0) + {{ .Winback.Shrink }} * overall.rate) / weight as p_return,
        p_return * weight as expected_returns,
        if(cases.worth > 0, round(cases.worth * coalesce(kept.share, 1), 4), null) as value_12m
    from cases
    cross join overall
    cross join kept
    left join chances
        on chances.in_segment = cases.segment and chances.for_reason = cases.reason_category and chances.in_bucket = cases.recency_bucket
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
        (coalesce(in_all.returned, 0) + {{ .Winback.Shrink }} * overall.rate) / (coalesce(in_all.contacted, 0) + {{ .Winback.Shrink }}) as rate_in_all,
        (coalesce(in_bucket.returned, 0) + {{ .Winback.Shrink }} * rate_in_all) / (coalesce(in_bucket.contacted, 0) + {{ .Winback.Shrink }}) as rate
    from chanced
    cross join channels
    cross join overall
    left join channel_rates as in_all on in_all.channel = channels.channel and in_all.recency_bucket = '(all)'
    left join channel_rates as in_bucket on in_bucket.channel = channels.channel and in_bucket.recency_bucket = chanced.recency_bucket
    where (channels.needs = 'phone' and notEmpty(chanced.phones) or channels.needs = 'email' and notEmpty(chanced.emails) or channels.needs = 'city' and chanced.city is not null)
        and not match(lower(coalesce(chanced.dislikes, '')), channels.disliked)
        and (channels.channel != 'visit' or chanced.class = 'A')
        and chanced.is_eligible
),

best_channels as (
    select
        usable.customer_key as of_customer,
        argMax((usable.channel, usable.touch_cost), (coalesce(usable.rate, 0) * coalesce(toFloat64(chanced_worth.value_12m), 0) - toFloat64(usable.touch_cost), usable.channel)) as best
    from usable
    inner join (select customer_key, value_12m from chanced) as chanced_worth on chanced_worth.customer_key = usable.customer_key
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
    where chanced.is_eligible
        and offers.reason in ('*', chanced.reason_category)
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
),

valued as (
    select
        chanced.*,
        if(tupleElement(best_offers.best, 2) = 'debt', concat(tupleElement(best_offers.best, 1), ', ', toString(tupleElement(best_offers.best, 5)), ' %'), tupleElement(best_offers.best, 1)) as offer,
        tupleElement(best_offers.best, 3) as say,
        tupleElement(best_offers.best, 4) as offer_cost,
        tupleElement(best_offers.best, 6) as discount_pct,
        tupleElement(best_channels.best, 1) as channel,
        tupleElement(best_channels.best, 2) as touch_cost,
        round(chanced.p_return * chanced.value_12m - tupleElement(best_offers.best, 4) - toFloat64(tupleElement(best_channels.best, 2)), 4) as expected_value,
        chanced.is_eligible and best_channels.of_customer is not null as is_reachable
    from chanced
    left join best_offers on best_offers.of_customer = chanced.customer_key
    left join best_channels on best_channels.of_customer = chanced.customer_key
),

ranked as (
    select
        valued.*,
        row_number() over (order by expected_value desc nulls last, value_12m desc nulls last, customer_key) as priority
    from valued
    where is_reachable
),

-- Owners in one pass: customers in the order of their priority go in rounds of one
-- fewer than there are managers. In a round each manager gets one at most, so loads
-- stay even; each customer rules out one turn of the managers, that in which the one
-- who lost them comes to them, so one of the turns is always left.
team as (
    select if(count() = 0, [''], arraySort(groupArray(manager_id))) as members, length(members) as size from managers
),

rounds as (
    select
        ranked.*,
        team.members as members,
        team.size as size,
        intDiv(ranked.priority - 1, greatest(team.size - 1, 1)) as round_no,
        (ranked.priority - 1) % greatest(team.size - 1, 1) as place,
        indexOf(team.members, coalesce(ranked.previous_manager_id, '')) as lost_by,
        if(lost_by > 0, toInt64((lost_by - 1 + team.size - place) % team.size), -1) as ruled_out
    from ranked
    cross join team
),

turned as (
    select
        *,
        groupArray(ruled_out) over (partition by round_no) as all_ruled_out,
        arrayFirst(turn -> not has(all_ruled_out, turn), arrayMap(x -> toInt64((x + round_no) % size), range(size))) as turn,
        nullIf(members[1 + (place + turn) % size], '') as owner_id
    from rounds
),

-- What a manager cannot do within the days of the list waits for the next one.
scheduled as (
    select
        *,
        intDiv(row_number() over (partition by owner_id order by priority) - 1, {{ .Winback.CallsPerDay }}) as working_day,
        {{ .AsOf }} + [1, 1, 1, 1, 3, 2, 1][toDayOfWeek({{ .AsOf }})] as first_day,
        working_day < {{ .Winback.ListDays }} as is_on_list,
        if(is_on_list, toNullable(first_day + working_day + 2 * intDiv(toDayOfWeek(first_day) - 1 + working_day, 5)), null) as due_date
    from turned
),

-- What to talk about is looked up for those on the list alone.
last_orders as (
    select purchases.customer_key as customer_key, argMax((purchases.ordered_on, purchases.revenue), (purchases.ordered_on, purchases.order_id)) as last_order
    from purchases
    where purchases.customer_key in (select customer_key from scheduled where is_on_list)
    group by customer_key
),

recent_orders as (
    select source, order_id, customer_key
    from purchases
    where customer_key in (select customer_key from scheduled where is_on_list)
    order by ordered_on desc, order_id desc
    limit 10 by customer_key
),

favourites as (
    select customer_key, arrayStringConcat(arraySlice(groupArray(goods), 1, 3), ', ') as goods
    from (
        select recent_orders.customer_key as customer_key, coalesce(products.name, order_lines.goods) as goods, sum(order_lines.amount) as amount
        from order_lines
        inner join recent_orders on recent_orders.source = order_lines.source and recent_orders.order_id = order_lines.order_id
        left join products on products.source = order_lines.source and products.product_id = order_lines.product_id
        where (order_lines.source, order_lines.order_id) in (select source, order_id from recent_orders) and goods is not null and order_lines.amount > 0
        group by customer_key, goods
        order by customer_key, amount desc, goods
    )
    group by customer_key
),

points as (
    select
        scheduled.customer_key as customer_key,
        arrayStringConcat(arrayFilter(x -> x != '', [
            coalesce(concat('Last order on ', toString(tupleElement(last_orders.last_order, 1)), ', ', toString(round(tupleElement(last_orders.last_order, 2), 2)), ' ', {{ .Currency }}), ''),
            if(coalesce(favourites.goods, '') = '', '', concat('Liked: ', favourites.goods)),
            if(notEmpty(scheduled.open_problems), concat('Open problem: ', arrayStringConcat(assumeNotNull(scheduled.open_problems), ', ')), ''),
            coalesce(concat('Left because: ', scheduled.reason), ''),
            if(complaints.customer_key is null, '', concat('Complained: ', coalesce(tupleElement(complaints.last_complaint, 1), 'no category'), '; ',
                coalesce(concat('done: ', tupleElement(complaints.last_complaint, 2)), 'nothing noted as done'))),
            coalesce(concat('Prefers: ', scheduled.preferences), ''),
            coalesce(concat('Dislikes: ', scheduled.dislikes), ''),
            if(scheduled.overdue_debt > 0, concat('Owes ', toString(round(assumeNotNull(scheduled.overdue_debt), 2)), ' ', {{ .Currency }}), ''),
            concat('Say: ', scheduled.say),
            if(scheduled.channel = 'phone', concat('Call ', {{ .Winback.CallHours }}), '')
        ]), '. ') as talking_points
    from scheduled
    left join last_orders on last_orders.customer_key = scheduled.customer_key
    left join favourites on favourites.customer_key = scheduled.customer_key
    left join complaints on complaints.customer_key = scheduled.customer_key
    where scheduled.is_on_list
)

select
    valued.customer_key as customer_key,
    valued.status as status,
    toBool(valued.is_reachable) as is_eligible,
    if(valued.is_eligible and not valued.is_reachable, 'every channel is missing or unwanted', valued.not_eligible_reason) as not_eligible_reason,
    valued.class as class,
    valued.class_reasons as class_reasons,
    valued.days_since_loss as days_since_loss,
    valued.recency_bucket as recency_bucket,
    valued.reason_category as reason_category,
    valued.severity as severity,
    if(valued.observed > 0, round(valued.p_return, 6), null) as p_return,
    round({{ wilson_lower "valued.expected_returns" "valued.weight" }} / 100, 6) as p_return_lower,
    round({{ wilson_upper "valued.expected_returns" "valued.weight" }} / 100, 6) as p_return_upper,
    toUInt64(if(valued.similar > 0, valued.similar, valued.observed)) as p_return_n,
    toDecimal64OrNull(toString(valued.value_12m), 4) as value_12m,
    valued.offer as offer,
    toDecimal64OrNull(toString(valued.offer_cost), 4) as offer_cost,
    valued.channel as channel,
    cast(valued.touch_cost as Nullable(Decimal(18, 4))) as touch_cost,
    toDecimal64OrNull(toString(valued.expected_value), 4) as expected_value,
    if(scheduled.is_on_list, scheduled.owner_id, null) as manager_id,
    valued.previous_manager_id as previous_manager_id,
    scheduled.due_date as due_date,
    toNullable(toUInt64(scheduled.priority)) as priority,
    points.talking_points as talking_points,
    toBool(coalesce(scheduled.is_on_list, false)) as is_on_list,
    if(scheduled.is_on_list, managers.manager_name, null) as manager_name,
    valued.name as name,
    valued.segment as segment,
    if(empty(valued.phones), null, toNullable(valued.phones[1])) as phone,
    if(empty(valued.emails), null, toNullable(valued.emails[1])) as email,
    valued.last_order_on as last_order_on,
    valued.loss_date as loss_date,
    valued.open_problems as open_problems,
    valued.worth_basis as value_basis,
    toUInt64(valued.contacted) as p_return_contacted,
    if(valued.discount_pct > 0, valued.discount_pct, null) as discount_pct
from valued
left join scheduled on scheduled.customer_key = valued.customer_key
left join points on points.customer_key = valued.customer_key
left join managers on managers.manager_id = scheduled.owner_id
