-- winback_candidates: whom to win back, why, with what, through which channel, by whom and when; and why the others are not on the list.
-- grain: one row per customer_key
-- materialized: table
-- order_by: customer_key
-- tags: winback
with

cases as (
    select * from {{ ref "int_winback_cases" }}
),

chances as (
    select * from {{ ref "int_winback_chances" }}
),

choices as (
    select * from {{ ref "int_winback_choices" }}
),

traits as (
    select customer_key, region from {{ ref "int_customer_traits" }}
),

managers as (
    select manager_id, any(name) as manager_name
    from {{ ref "stg_crm__managers" }}
    where coalesce(is_active, true)
        and coalesce(toDate(left_at) > {{ .AsOf }}, true)
        and coalesce(toDate(hired_at) <= {{ .AsOf }}, true)
    group by manager_id
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

scheduled as (
    select * from {{ ref "int_winback_schedule" }}
),

-- What to talk about is looked up for those on the list alone.
last_orders as (
    select purchases.customer_key as customer_key, argMax((purchases.ordered_on, purchases.revenue), (purchases.ordered_on, purchases.order_id)) as last_order
    from purchases
    where purchases.customer_key in (select customer_key from scheduled where is_on_list)
    group by customer_key
),

recent_orders as {{ once }} (
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
            if(notEmpty(cases.open_problems), concat('Open problem: ', arrayStringConcat(assumeNotNull(cases.open_problems), ', ')), ''),
            coalesce(concat('Left because: ', cases.reason), ''),
            if(complaints.customer_key is null, '', concat('Complained: ', coalesce(tupleElement(complaints.last_complaint, 1), 'no category'), '; ',
                coalesce(concat('done: ', tupleElement(complaints.last_complaint, 2)), 'nothing noted as done'))),
            coalesce(concat('Prefers: ', cases.preferences), ''),
            coalesce(concat('Dislikes: ', cases.dislikes), ''),
            if(cases.overdue_debt > 0, concat('Owes ', toString(round(assumeNotNull(cases.overdue_debt), 2)), ' ', {{ .Currency }}), ''),
            concat('Say: ', choices.say),
            if(choices.channel = 'phone', concat('Call ', {{ .Winback.CallHours }}), '')
        ]), '. ') as talking_points
    from scheduled
    inner join cases on cases.customer_key = scheduled.customer_key
    inner join choices on choices.customer_key = scheduled.customer_key
    left join last_orders on last_orders.customer_key = scheduled.customer_key
    left join favourites on favourites.customer_key = scheduled.customer_key
    left join complaints on complaints.customer_key = scheduled.customer_key
    where scheduled.is_on_list
)

select
    cases.customer_key as customer_key,
    cases.status as status,
    toBool(cases.is_eligible and choices.channel is not null) as is_eligible,
    if(cases.is_eligible and choices.channel is null, 'every channel is missing or unwanted', cases.not_eligible_reason) as not_eligible_reason,
    cases.class as class,
    cases.class_reasons as class_reasons,
    cases.days_since_loss as days_since_loss,
    cases.recency_bucket as recency_bucket,
    cases.reason_category as reason_category,
    cases.severity as severity,
    chances.p_return as p_return,
    chances.p_return_lower as p_return_lower,
    chances.p_return_upper as p_return_upper,
    chances.p_return_n as p_return_n,
    toDecimal64OrNull(toString(chances.value_12m), 4) as value_12m,
    choices.offer as offer,
    toDecimal64OrNull(toString(choices.offer_cost), 4) as offer_cost,
    choices.channel as channel,
    cast(choices.touch_cost as Nullable(Decimal(18, 4))) as touch_cost,
    toDecimal64OrNull(toString(choices.expected_value), 4) as expected_value,
    if(scheduled.is_on_list, scheduled.owner_id, null) as manager_id,
    cases.previous_manager_id as previous_manager_id,
    scheduled.due_date as due_date,
    toNullable(toUInt64(scheduled.priority)) as priority,
    points.talking_points as talking_points,
    toBool(coalesce(scheduled.is_on_list, false)) as is_on_list,
    if(scheduled.is_on_list, managers.manager_name, null) as manager_name,
    cases.name as name,
    cases.segment as segment,
    if(empty(cases.phones), null, toNullable(cases.phones[1])) as phone,
    if(empty(cases.emails), null, toNullable(cases.emails[1])) as email,
    cases.last_order_on as last_order_on,
    cases.loss_date as loss_date,
    cases.open_problems as open_problems,
    cases.worth_basis as value_basis,
    chances.p_return_contacted as p_return_contacted,
    choices.discount_pct as discount_pct,
    coalesce(traits.region, '(none)') as region
from cases
inner join chances on chances.customer_key = cases.customer_key
left join choices on choices.customer_key = cases.customer_key
left join scheduled on scheduled.customer_key = cases.customer_key
left join points on points.customer_key = cases.customer_key
left join managers on managers.manager_id = scheduled.owner_id
left join traits on traits.customer_key = cases.customer_key
