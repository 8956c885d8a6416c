-- int_carts: every cart with its goods' category, its channel, its order and its reminders.
-- grain: one row per source and cart_id
-- materialized: incremental
-- key: source, cart_id
-- partition_by: toYYYYMM(started_on)
-- order_by: (source, cart_id)
-- tags: carts
with

carts as (
    select
        *,
        assumeNotNull(coalesce(created_at, updated_at)) as started_at,
        toDate(started_at, {{ .Timezone }}) as started_on
    from {{ ref "stg_shop__carts" }}
    where coalesce(created_at, updated_at) is not null
        and toDate(assumeNotNull(coalesce(created_at, updated_at)), {{ .Timezone }}) <= {{ .AsOf }}
        and {{ touched "source, cart_id" }}
),

owners as (
    select source, entity_id, customer_key from {{ ref "int_record_owners" }}
    where entity = 'shop.carts' and {{ touched "source, entity_id" }}
),

rates as (
    select currency, day, rate from {{ ref "int_daily_rates" }}
),

-- What goods are of and cost, by their number and by their article, as one small value
-- to look into: to join and group the goods of all carts costs four times as much.
known_goods as (
    select arraySort(groupArray((known_as, of_category, at_price))) as known
    from (
        select
            arrayJoin(arrayFilter(name -> name != '', [concat(source, ' id ', product_id), coalesce(concat(source, ' sku ', sku), '')])) as known_as,
            assumeNotNull(any(products.category)) as of_category,
            coalesce(toString(max(products.price)), '') as at_price
        from {{ ref "stg_shop__products" }} as products
        where products.category is not null
        group by known_as
    )
),

-- Goods come as a list, or as an object that holds one; ids as text or as numbers.
parsed as (
    select
        *,
        JSONExtract(coalesce(items, ''), 'Array(Tuple(product_id String, sku String, category String, quantity String, price String))') as listed,
        if(notEmpty(listed), listed, JSONExtract(
            coalesce(items, ''),
            arrayFirst(x -> JSONHas(coalesce(items, ''), x), ['items', 'line_items', 'lines', 'products']),
            'Array(Tuple(product_id String, sku String, category String, quantity String, price String))'
        )) as goods
    from carts
),

named as (
    select
        *,
        arrayPushBack(tupleElement((select known from known_goods), 1), '') as known_as,
        arrayPushBack(tupleElement((select known from known_goods), 2), '') as of_category,
        arrayPushBack(tupleElement((select known from known_goods), 3), '') as at_price,
        arrayMap(item -> trimBoth(tupleElement(item, 'category')), goods) as written,
        arrayMap(item -> transform(concat(source, ' id ', tupleElement(item, 'product_id')), known_as, of_category, ''), goods) as by_id,
        arrayMap(item -> transform(concat(source, ' sku ', tupleElement(item, 'sku')), known_as, of_category, ''), goods) as by_sku,
        arrayMap((own, of_id, of_sku) -> multiIf(own != '', own, of_id != '', of_id, of_sku), written, by_id, by_sku) as found,
        -- Carts often list goods without what they cost: then the product says it.
        arrayMap(item -> toDecimal64OrZero(tupleElement(item, 'price'), 4), goods) as price_written,
        arrayMap(item -> toDecimal64OrZero(transform(concat(source, ' id ', tupleElement(item, 'product_id')), known_as, at_price, ''), 4), goods) as price_by_id,
        arrayMap(item -> toDecimal64OrZero(transform(concat(source, ' sku ', tupleElement(item, 'sku')), known_as, at_price, ''), 4), goods) as price_by_sku,
        arrayMap(
            (own, of_id, of_sku) -> greatest(multiIf(own > 0, own, of_id > 0, of_id, of_sku), toDecimal64('0.01', 4)),
            price_written, price_by_id, price_by_sku
        ) as prices,
        -- Who names no quantity means one.
        arrayMap(item -> toDecimal64OrZero(tupleElement(item, 'quantity'), 4), goods) as quantities_written,
        arrayMap(quantity -> if(quantity > 0, quantity, toDecimal64('1', 4)), quantities_written) as quantities,
        arrayMap((quantity, price) -> quantity * price, quantities, prices) as worth
    from parsed
),

-- A cart is of the category that most of its value is of.
categorised as (
    select
        *,
        arrayFilter(name -> name != '', arrayDistinct(found)) as names,
        arrayMap(name -> (arraySum(arrayMap((of, part) -> if(of = name, part, toDecimal128(0, 8)), found, worth)), name), names) as sums,
        if(empty(sums), '(none)', tupleElement(arraySort(sums)[-1], 2)) as category
    from named
),

-- The cart names its order, or the order its cart.
orders_named as (
    select source, cart_id, assumeNotNull(carts.order_id) as order_id from carts where carts.order_id is not null
    union all
    select source, assumeNotNull(orders.cart_id) as cart_id, order_id
    from {{ ref "stg_shop__orders" }} as orders
    where orders.cart_id is not null and {{ touched "source, assumeNotNull(orders.cart_id)" }}
),

-- One that was not cancelled, if there is one.
orders as (
    select
        orders_named.source as source,
        orders_named.cart_id as cart_id,
        min((int_orders.is_cancelled, int_orders.ordered_at, int_orders.order_id, int_orders.net_revenue)) as chosen,
        tupleElement(chosen, 1) as is_cancelled,
        tupleElement(chosen, 2) as ordered_at,
        tupleElement(chosen, 3) as order_id,
        if(is_cancelled, null, tupleElement(chosen, 4)) as revenue
    from (
        select source, order_id, ordered_at, net_revenue, toBool(coalesce(status, '') = 'cancelled') as is_cancelled
        from {{ ref "int_orders" }}
        where {{ in_part "(source, order_id) in (select source, order_id from orders_named)" }}
    ) as int_orders
    inner join orders_named on orders_named.source = int_orders.source and orders_named.order_id = int_orders.order_id
    group by source, cart_id
),

sent as (
    select source, assumeNotNull(reminders.cart_id) as cart_id, assumeNotNull(reminders.sent_at) as sent_at, cost
    from {{ ref "stg_winback__cart_reminders" }} as reminders
    where reminders.cart_id is not null and reminders.sent_at is not null
        and toDate(assumeNotNull(reminders.sent_at), {{ .Timezone }}) <= {{ .AsOf }}
),

-- The tool that sends reminders may be another source: then it says shop:17.
addressed as (
    select
        arrayJoin(if(
            position(sent.cart_id, ':') > 1,
            [(source, sent.cart_id), (substringIndex(sent.cart_id, ':', 1), substring(sent.cart_id, position(sent.cart_id, ':') + 1))],
            [(source, sent.cart_id)]
        )) as cart,
        sent_at,
        cost
    from sent
),

reminders as (
    select
        tupleElement(cart, 1) as source,
        tupleElement(cart, 2) as cart_id,
        arraySort(groupArray(addressed.sent_at)) as reminded_at,
        if(countIf(addressed.cost is null) > 0, null, sum(addressed.cost)) as cost
    from addressed
    where {{ touched "tupleElement(cart, 1), tupleElement(cart, 2)" }}
    group by source, cart_id
)

select
    carts.source as source,
    carts.cart_id as cart_id,
    owners.customer_key as customer_key,
    carts.started_on as started_on,
    carts.category as category,
    coalesce(carts.channel, '(none)') as channel,
    cast(round(carts.value * if(coalesce(carts.currency, {{ .Currency }}) = {{ .Currency }}, toDecimal64(1, 8), rates.rate), 4) as Nullable(Decimal(18, 4))) as value,
    carts.email as email,
    carts.phone as phone,
    -- A change after the day the warehouse describes is not known yet.
    if(coalesce(toDate(carts.updated_at, {{ .Timezone }}) <= {{ .AsOf }}, false), greatest(assumeNotNull(carts.updated_at), carts.started_at), carts.started_at) as changed_at,
    -- The reminder of a cart shows that it was left, even if its owner changed it again.
    least(
        changed_at + interval {{ .Carts.AbandonedAfter }} minute,
        if(empty(reminders.reminded_at), changed_at + interval {{ .Carts.AbandonedAfter }} minute, reminders.reminded_at[1])
    ) as left_at,
    orders.ordered_at as ordered_at,
    orders.order_id as order_id,
    orders.revenue as revenue,
    reminders.reminded_at as reminded_at,
    reminders.cost as reminders_cost,
    toBool(coalesce(orders.ordered_at <= left_at, false)) as is_ordered_at_once,
    -- A cancelled order shows that the cart was not left at once, and brings nothing back.
    toBool(coalesce(orders.ordered_at > left_at and not orders.is_cancelled, false)) as is_recovered,
    toBool(is_recovered and coalesce(
        orders.ordered_at <= arrayLast(x -> x <= orders.ordered_at, reminders.reminded_at) + interval {{ .Carts.RecoveredIn }} day, false
    )) as is_recovered_by_reminder
from categorised as carts
left join owners on owners.source = carts.source and owners.entity_id = carts.cart_id
left join orders on orders.source = carts.source and orders.cart_id = carts.cart_id
left join reminders on reminders.source = carts.source and reminders.cart_id = carts.cart_id
left join rates on rates.currency = carts.currency and rates.day = carts.started_on

{{ define "touched" }}
-- A new day brings the carts, changes and reminders dated up to it.
select source, id as cart_id from {{ changed "shop.carts" }}
union all
select source, entity_id as cart_id from {{ changed "int_record_owners" }} where entity = 'shop.carts'
union all
select source, cart_id from {{ this }} where (source, order_id) in (select source, toNullable(order_id) from {{ changed "int_orders" }})
union all
select source, cart_id from {{ ref "stg_shop__carts" }}
where order_id is not null and (source, order_id) in (select source, toNullable(order_id) from {{ changed "int_orders" }})
union all
select source, assumeNotNull(orders.cart_id) as cart_id from {{ ref "stg_shop__orders" }} as orders
where orders.cart_id is not null and (source, order_id) in (select source, order_id from {{ changed "int_orders" }})
union all
select source, trimBoth(assumeNotNull(orders.cart_id)) as cart_id from {{ changed "shop.orders" }} as orders where orders.cart_id is not null
union all
select source, cart_id from {{ ref "stg_shop__carts" }}
where cart_id in (
        select arrayJoin([trimBoth(assumeNotNull(cart_id)), substring(trimBoth(assumeNotNull(cart_id)), position(assumeNotNull(cart_id), ':') + 1)])
        from {{ changed "winback.cart_reminders" }}
        where cart_id is not null
    )
    or toDate(assumeNotNull(coalesce(created_at, updated_at)), {{ .Timezone }}) > {{ .SeenUntil }}
        and toDate(assumeNotNull(coalesce(created_at, updated_at)), {{ .Timezone }}) <= {{ .SeenLast }}
    or toDate(assumeNotNull(updated_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(updated_at), {{ .Timezone }}) <= {{ .SeenLast }}
    or cart_id in (
        select arrayJoin([assumeNotNull(cart_id), substring(assumeNotNull(cart_id), position(assumeNotNull(cart_id), ':') + 1)])
        from {{ ref "stg_winback__cart_reminders" }}
        where cart_id is not null
            and toDate(assumeNotNull(sent_at), {{ .Timezone }}) > {{ .SeenUntil }} and toDate(assumeNotNull(sent_at), {{ .Timezone }}) <= {{ .SeenLast }}
    )
union all
select source, cart_id from {{ ref "stg_shop__carts" }}
where (select count() from {{ changed "shop.exchange_rates" }}) > 0
    and (assumeNotNull(currency), toDate(assumeNotNull(coalesce(created_at, updated_at)), {{ .Timezone }})) in (
        select upper(trimBoth(currency)), toDate(date) + days from {{ changed "shop.exchange_rates" }} array join range(10) as days
    )
{{ end }}
