-- int_promises: what customers were promised by a time, and when it was done: call-backs, deliveries, refunds, answers to complaints.
-- grain: one row per kind, source and promise_id
-- materialized: incremental
-- key: kind, source, promise_id
-- partition_by: kind
-- order_by: (kind, source, promise_id)
with

promising_calls as {{ once }} (
    select source, call_id, customer_key, caller, team, agent, started_at, assumeNotNull(callback_promised_at) as due_at
    from {{ ref "int_calls" }}
    where callback_promised_at is not null and {{ touched "'callback', source, call_id" }}
),

outbound_calls as {{ once }} (
    select source, caller, callback_of, started_at
    from {{ ref "int_calls" }}
    where direction = 'outbound'
        and (caller in (select caller from promising_calls) or (source, callback_of) in (select source, toNullable(call_id) from promising_calls))
),

orders as (
    select source, order_id, status, assumeNotNull(shop_orders.promised_at) as promised_at, delivered_at
    from {{ ref "stg_shop__orders" }} as shop_orders
    where shop_orders.promised_at is not null and coalesce(status, '') != 'cancelled' and {{ touched "'delivery', source, order_id" }}
),

sold as (
    select source, order_id, customer_key, ordered_at from {{ ref "int_orders" }} where {{ touched "'delivery', source, order_id" }}
),

complaints as (
    select * from {{ ref "int_complaints" }}
),

promise_words as (
    select arrayStringConcat(groupArray(pattern), '|') as pattern from {{ ref "promise_words" }} where kind = 'refund'
),

refunds as (
    select source, order_id, refunded_at from {{ ref "int_refunds" }}
    where refunded_at is not null and toDate(assumeNotNull(refunded_at), {{ .Timezone }}) <= {{ .AsOf }}
),

-- A call to the same customer after the promise may be the call-back; one that
-- names the call is.
attempts as (
    select promising_calls.source as source, promising_calls.call_id as call_id, promising_calls.due_at as due_at, outbound_calls.started_at as tried_at, false as is_named
    from promising_calls
    inner join outbound_calls on outbound_calls.caller = promising_calls.caller
    where outbound_calls.started_at > promising_calls.started_at
    union all
    select promising_calls.source as source, promising_calls.call_id as call_id, promising_calls.due_at as due_at, outbound_calls.started_at as tried_at, true as is_named
    from promising_calls
    inner join outbound_calls on outbound_calls.source = promising_calls.source and outbound_calls.callback_of = promising_calls.call_id
),

tries as (
    select
        source,
        call_id,
        minOrNullIf(tried_at, tried_at >= due_at - interval {{ .CallCentre.CallbackEarly }} minute
            and tried_at <= due_at + interval {{ .CallCentre.CallbackTolerance }} minute) as on_time_at,
        minOrNullIf(tried_at, tried_at > due_at + interval {{ .CallCentre.CallbackTolerance }} minute
            and (is_named or tried_at <= due_at + interval {{ .CallCentre.CallbackLateFor }} day)) as late_at,
        maxOrNullIf(tried_at, tried_at < due_at - interval {{ .CallCentre.CallbackEarly }} minute) as early_at
    from attempts
    group by source, call_id
),

callbacks as (
    select
        'callback' as kind,
        promising_calls.source as source,
        promising_calls.call_id as promise_id,
        promising_calls.customer_key as customer_key,
        promising_calls.team as team,
        promising_calls.agent as person,
        promising_calls.started_at as promised_at,
        promising_calls.due_at as due_at,
        coalesce(tries.on_time_at, tries.late_at, tries.early_at) as done_at,
        multiIf(
            tries.on_time_at is not null, 'kept',
            toDate(promising_calls.due_at + interval {{ .CallCentre.CallbackTolerance }} minute, {{ .Timezone }}) > {{ .AsOf }}, 'open',
            tries.late_at is not null, 'late',
            tries.early_at is not null, 'early',
            'never'
        ) as status
    from promising_calls
    left join tries on tries.source = promising_calls.source and tries.call_id = promising_calls.call_id
),

-- A day without a time is meant to its end.
deliveries as (
    select
        'delivery' as kind,
        orders.source as source,
        orders.order_id as promise_id,
        sold.customer_key as customer_key,
        '(none)' as team,
        '(none)' as person,
        sold.ordered_at as promised_at,
        if(formatDateTime(orders.promised_at, '%T', {{ .Timezone }}) = '00:00:00',
            toDateTime64(toDateTime(toDate(orders.promised_at, {{ .Timezone }}) + 1, {{ .Timezone }}) - 1, 6, 'UTC'),
            orders.promised_at) as due_at,
        if(toDate(orders.delivered_at, {{ .Timezone }}) <= {{ .AsOf }}, orders.delivered_at, null) as done_at,
        -- Nobody wrote down when the goods of a completed order came. If they came after
        -- the day the warehouse describes, they had not come by then.
        toBool(orders.delivered_at is null and coalesce(orders.status = 'completed', false)) as is_unknown
    from orders
    inner join sold on sold.source = orders.source and sold.order_id = orders.order_id
),

answers as (
    select
        'answer' as kind,
        source,
        complaint_id as promise_id,
        customer_key,
        team,
        '(none)' as person,
        opened_at as promised_at,
        due_at,
        answered_at as done_at,
        false as is_unknown
    from complaints
    where {{ touched "'answer', source, complaint_id" }}
),

refund_promises as {{ once }} (
    select source, complaint_id, customer_key, team, opened_at, assumeNotNull(answered_at) as promised_at
    from complaints
    where answered_at is not null
        and match(lowerUTF8(coalesce(resolution, '')), (select if(pattern = '', '[^\\s\\S]', pattern) from promise_words))
        and {{ touched "'refund', source, complaint_id" }}
),

paid_back as (
    select int_orders.customer_key as customer_key, refunds.refunded_at as refunded_at
    from refunds
    inner join {{ ref "int_orders" }} as int_orders on int_orders.source = refunds.source and int_orders.order_id = refunds.order_id
    where int_orders.customer_key in (select customer_key from refund_promises)
),

-- The first money that the customer got back after the complaint.
refunds_due as (
    select
        'refund' as kind,
        refund_promises.source as source,
        refund_promises.complaint_id as promise_id,
        any(refund_promises.customer_key) as customer_key,
        any(refund_promises.team) as team,
        '(none)' as person,
        any(refund_promises.promised_at) as promised_at,
        any(refund_promises.promised_at) + interval {{ .Service.RefundDays }} day as due_at,
        minOrNullIf(assumeNotNull(paid_back.refunded_at), coalesce(paid_back.refunded_at >= refund_promises.opened_at, false)) as done_at,
        false as is_unknown
    from refund_promises
    left join paid_back on paid_back.customer_key = refund_promises.customer_key
    group by source, promise_id
),

others as (
    select * from deliveries
    union all
    select * from answers
    union all
    select * from refunds_due
),

promises as (
    select * from callbacks
    union all
    select
        * except (is_unknown),
        multiIf(
            is_unknown, 'unknown',
            done_at <= due_at, 'kept',
            done_at > due_at, 'late',
            toDate(due_at, {{ .Timezone }}) > {{ .AsOf }}, 'open',
            'never'
        ) as status
    from others
)

select
    kind,
    source,
    promise_id,
    customer_key,
    team,
    person,
    promised_at,
    due_at,
    toDate(due_at, {{ .Timezone }}) as due_on,
    done_at,
    status
from promises

{{ define "touched" }}
-- A call may be the call-back of any promise to the same caller.
select 'callback' as kind, source, call_id as promise_id
from {{ ref "int_calls" }}
where callback_promised_at is not null
    and (
        caller in (select caller from {{ changed "int_calls" }})
        or (toDate(assumeNotNull(callback_promised_at), {{ .Timezone }}) >= {{ .SeenUntil }} - 1 and toDate(assumeNotNull(callback_promised_at), {{ .Timezone }}) <= {{ .SeenLast }} + 1)
    )
union all
select 'callback' as kind, source, call_id as promise_id from {{ changed "int_calls" }}
union all
select 'callback' as kind, source, assumeNotNull(callback_of) as promise_id from {{ changed "int_calls" }} where callback_of is not null
union all
select 'delivery' as kind, source, id as promise_id from {{ changed "shop.orders" }}
union all
select 'delivery' as kind, source, order_id as promise_id from {{ changed "int_orders" }}
union all
select 'delivery' as kind, source, order_id as promise_id
from {{ ref "stg_shop__orders" }}
where promised_at is not null
    and (
        (toDate(assumeNotNull(promised_at), {{ .Timezone }}) >= {{ .SeenUntil }} and toDate(assumeNotNull(promised_at), {{ .Timezone }}) <= {{ .SeenLast }})
        or (toDate(assumeNotNull(delivered_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(delivered_at), {{ .Timezone }}) <= {{ .SeenLast }})
    )
union all
-- Complaints are few and few of them change: all are looked at when one does, or
-- somebody was paid back.
select arrayJoin(['answer', 'refund']) as kind, source, complaint_id as promise_id from {{ changed "int_complaints" }}
union all
select arrayJoin(['answer', 'refund']) as kind, source, complaint_id as promise_id
from {{ ref "int_complaints" }}
where {{ .SeenUntil }} != {{ .SeenLast }}
    or (select count() from {{ changed "int_refunds" }}) + (select count() from {{ changed "int_orders" }}) > 0
{{ end }}
