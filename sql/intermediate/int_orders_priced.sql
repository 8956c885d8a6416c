-- int_orders_priced: every order up to as_of with its net revenue in the project's currency.
-- grain: one row per source and order_id
-- materialized: incremental
-- key: source, order_id
-- changes: customer_ref, has_contact
-- partition_by: toYYYYMM(ordered_on)
-- order_by: (source, order_id)
with

orders as (
    select
        *,
        toDate(assumeNotNull(ordered_at), {{ .Timezone }}) as ordered_on,
        coalesce(currency, {{ .Currency }}) as priced_in
    from {{ ref "stg_shop__orders" }}
    where ordered_at is not null and toDate(assumeNotNull(ordered_at), {{ .Timezone }}) <= {{ .AsOf }}
        and {{ touched "source, order_id" }}
),

totals as (
    select source, order_id, line_count, lines_total, lines_cost, lines_discount
    from {{ ref "int_order_totals" }}
    where {{ touched "source, order_id" }}
),

refunds as (
    select source, order_id, refunded_at, amount
    from {{ ref "int_refunds" }}
    where {{ touched "source, assumeNotNull(order_id)" }}
),

rates as (
    select currency, day, rate from {{ ref "int_daily_rates" }}
),

contacts as (
    select source, entity_id, kind, value, usage
    from {{ ref "int_contact_values" }}
    where entity = 'shop.orders' and usage != 'placeholder' and {{ touched "source, entity_id" }}
),

-- A refund paid after as_of has not happened yet, but shows that the order's
-- refunds are listed one by one.
refunds_by_order as (
    select
        source,
        order_id,
        coalesce(sum(amount), toDecimal128(0, 4)) as refunds_ever,
        coalesce(
            sumIf(amount, refunded_at is null or toDate(assumeNotNull(refunded_at), {{ .Timezone }}) <= {{ .AsOf }}),
            toDecimal128(0, 4)
        ) as refunds_seen
    from refunds
    where order_id is not null
    group by source, order_id
),

emails as (
    select source, entity_id, value, usage from contacts where kind = 'email'
),

phones as (
    select source, entity_id, value from contacts where kind = 'phone'
),

priced as (
    select
        orders.source as source,
        orders.order_id as order_id,
        orders.customer_id as customer_id,
        orders.ordered_at as ordered_at,
        orders.ordered_on as ordered_on,
        orders.status as status,
        orders.channel as channel,
        orders.coupon as coupon,
        orders.priced_in as priced_in,
        totals.line_count as lines,
        coalesce(
            totals.lines_total - coalesce(orders.discount, toDecimal64(0, 4)),
            -- The source's own net revenue has the refunds taken off: put them back.
            orders.net_revenue + coalesce(refunds_by_order.refunds_ever, orders.refunded, toDecimal64(0, 4)),
            orders.items_total - coalesce(orders.discount, toDecimal64(0, 4))
        ) as gross,
        coalesce(refunds_by_order.refunds_seen, orders.refunded, toDecimal64(0, 4)) as refunds,
        totals.lines_cost as cost,
        coalesce(orders.discount, toDecimal64(0, 4)) + coalesce(totals.lines_discount, toDecimal64(0, 4)) as discount,
        if(orders.priced_in = {{ .Currency }}, toDecimal64(1, 8), rates.rate) as to_project_currency,
        emails.value as email_value,
        emails.usage as email_usage,
        phones.value as phone_value
    from orders
    left join totals on totals.source = orders.source and totals.order_id = orders.order_id
    left join refunds_by_order on refunds_by_order.source = orders.source and refunds_by_order.order_id = orders.order_id
    left join rates on rates.currency = orders.priced_in and rates.day = orders.ordered_on
    left join emails on emails.source = orders.source and emails.entity_id = orders.order_id
    left join phones on phones.source = orders.source and phones.entity_id = orders.order_id
)

select
    source,
    order_id,
    -- Whose order it is: the shop's id, else what a guest left. An address like
    -- info@ names a guest only when there is no phone.
    coalesce(customer_id, if(email_usage = 'personal', email_value, null), phone_value, email_value) as customer_ref,
    email_value as email,
    email_usage,
    phone_value as phone,
    toBool(email_value is not null or phone_value is not null) as has_contact,
    assumeNotNull(priced.ordered_at) as ordered_at,
    ordered_on,
    status,
    channel,
    coupon,
    priced_in as currency,
    to_project_currency as exchange_rate,
    lines as line_count,
    cast(round(priced.gross, 4) as Nullable(Decimal(18, 4))) as gross,
    cast(round(priced.discount * to_project_currency, 4) as Nullable(Decimal(18, 4))) as discount,
    cast(round(priced.refunds, 4) as Decimal(18, 4)) as refunded,
    cast(round((priced.gross - priced.refunds) * to_project_currency, 4) as Nullable(Decimal(18, 4))) as net_revenue,
    cast(round((priced.gross - priced.refunds - priced.cost) * to_project_currency, 4) as Nullable(Decimal(18, 4))) as margin,
    toBool(coalesce(priced.status, '') != 'cancelled' and coalesce(priced.gross > 0, false)) as is_countable
from priced

{{ define "touched" }}
-- A new day brings the orders dated up to it and takes the refunds paid up to it
-- into account. A rate serves for ten days.
select source, id as order_id from {{ changed "shop.orders" }}
union all
select source, order_id from {{ changed "int_order_totals" }}
union all
select source, assumeNotNull(order_id) as order_id from {{ changed "int_refunds" }} where order_id is not null
union all
select source, entity_id as order_id from {{ changed "int_contact_values" }} where entity = 'shop.orders'
union all
select source, id as order_id from {{ source "shop" "orders" }}
where (select count() from {{ changed "shop.exchange_rates" }}) > 0
    and (upper(trimBoth(assumeNotNull(currency))), toDate(assumeNotNull(ordered_at), {{ .Timezone }})) in (
        select upper(trimBoth(currency)), toDate(date) + days from {{ changed "shop.exchange_rates" }} array join range(10) as days
    )
union all
select source, id as order_id from {{ source "shop" "orders" }}
where toDate(assumeNotNull(ordered_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(ordered_at), {{ .Timezone }}) <= {{ .SeenLast }}
union all
select source, assumeNotNull(order_id) as order_id from {{ ref "int_refunds" }}
where order_id is not null
    and toDate(assumeNotNull(refunded_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(refunded_at), {{ .Timezone }}) <= {{ .SeenLast }}
{{ end }}
