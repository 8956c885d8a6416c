-- int_orders_priced: every order up to as_of with its net revenue in the project's currency.
-- grain: one row per source and order_id
-- materialized: table
-- order_by: (source, order_id)
with

orders as (
    select
        *,
        toDate(assumeNotNull(ordered_at), {{ .Timezone }}) as ordered_on,
        coalesce(currency, {{ .Currency }}) as priced_in
    from {{ ref "stg_shop__orders" }}
    where ordered_at is not null and toDate(assumeNotNull(ordered_at), {{ .Timezone }}) <= {{ .AsOf }}
),

order_lines as (
    select * from {{ ref "stg_shop__order_lines" }}
),

products as (
    select source, product_id, cost, currency from {{ ref "stg_shop__products" }}
),

refunds as (
    select source, order_id, refunded_at, amount from {{ ref "stg_shop__refunds" }}
),

rates as (
    select currency, rated_on, rate from {{ ref "stg_shop__exchange_rates" }}
),

contacts as (
    select kind, raw, value, usage from {{ ref "int_contact_values" }} where usage != 'placeholder'
),

lines_priced as (
    select
        order_lines.source as source,
        order_lines.order_id as order_id,
        -- 38 digits: quantity times price has eight decimals and must not overflow.
        cast(order_lines.quantity as Nullable(Decimal(38, 4))) * order_lines.price
            - coalesce(order_lines.discount, toDecimal64(0, 4)) as line_total,
        cast(order_lines.quantity as Nullable(Decimal(38, 4)))
            * coalesce(
                order_lines.cost,
                if(products.currency is null or products.currency = coalesce(order_lines.order_currency, {{ .Currency }}), products.cost, null)
            ) as line_cost
    from order_lines
    left join products on products.source = order_lines.source and products.product_id = order_lines.product_id
),

-- A total with an unknown part is unknown: the order's own amounts serve then.
lines_by_order as (
    select
        source,
        order_id,
        count() as line_count,
        if(countIf(line_total is null) = 0, sum(line_total), null) as lines_total,
        if(countIf(line_cost is null) = 0, sum(line_cost), null) as lines_cost
    from lines_priced
    group by source, order_id
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

amounts as (
    select
        orders.source as source,
        orders.order_id as order_id,
        coalesce(
            lines_by_order.lines_total - coalesce(orders.discount, toDecimal64(0, 4)),
            -- The source's own net revenue has the refunds taken off: put them back.
            orders.net_revenue + coalesce(refunds_by_order.refunds_ever, orders.refunded, toDecimal64(0, 4)),
            orders.items_total - coalesce(orders.discount, toDecimal64(0, 4))
        ) as gross,
        coalesce(refunds_by_order.refunds_seen, orders.refunded, toDecimal64(0, 4)) as refunded,
        lines_by_order.lines_cost as cost,
        lines_by_order.line_count as line_count
    from orders
    left join lines_by_order on lines_by_order.source = orders.source and lines_by_order.order_id = orders.order_id
    left join refunds_by_order on refunds_by_order.source = orders.source and refunds_by_order.order_id = orders.order_id
),

-- Banks publish no rates at weekends: the last one serves for ten days.
rates_by_order as (
    select orders.source as source, orders.order_id as order_id, rates.rate as rate
    from orders
    asof inner join rates on rates.currency = orders.priced_in and rates.rated_on <= orders.ordered_on
    where orders.priced_in != {{ .Currency }} and rates.rated_on > orders.ordered_on - 10
),

emails as (
    select raw, value, usage from contacts where kind = 'email'
),

phones as (
    select raw, value from contacts where kind = 'phone'
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
        amounts.gross as gross,
        amounts.refunded as refunds,
        amounts.cost as cost,
        amounts.line_count as lines,
        if(orders.priced_in = {{ .Currency }}, toDecimal64(1, 8), rates_by_order.rate) as to_project_currency,
        emails.value as email_value,
        emails.usage as email_usage,
        phones.value as phone_value
    from orders
    inner join amounts on amounts.source = orders.source and amounts.order_id = orders.order_id
    left join rates_by_order on rates_by_order.source = orders.source and rates_by_order.order_id = orders.order_id
    left join emails on emails.raw = orders.email
    left join phones on phones.raw = orders.phone
)

select
    source,
    order_id,
    -- Whose order it is: the shop's id, else what a guest left. An address like
    -- info@ names a guest only when there is no phone.
    coalesce(customer_id, if(email_usage = 'personal', email_value, null), phone_value, email_value) as customer_ref,
    email_value as email,
    phone_value as phone,
    assumeNotNull(priced.ordered_at) as ordered_at,
    ordered_on,
    status,
    channel,
    coupon,
    priced_in as currency,
    to_project_currency as exchange_rate,
    lines as line_count,
    cast(round(priced.gross, 4) as Nullable(Decimal(18, 4))) as gross,
    cast(round(priced.refunds, 4) as Decimal(18, 4)) as refunded,
    cast(round((priced.gross - priced.refunds) * to_project_currency, 4) as Nullable(Decimal(18, 4))) as net_revenue,
    cast(round((priced.gross - priced.refunds - priced.cost) * to_project_currency, 4) as Nullable(Decimal(18, 4))) as margin,
    toBool(coalesce(priced.status, '') != 'cancelled' and coalesce(priced.gross > 0, false)) as is_countable
from priced
