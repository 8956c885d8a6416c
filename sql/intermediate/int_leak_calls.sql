-- int_leak_calls: calls in which the call centre could lose a customer, and those in which it did what loses them.
-- grain: one row per leak, source and call_id
-- materialized: incremental
-- key: leak, source, call_id
-- partition_by: leak
-- order_by: (leak, source, call_id)
-- tags: service
with

promised as (
    select source, promise_id, customer_key, due_on, status from {{ ref "int_promises" }}
    where kind = 'callback' and status != 'open' and {{ touched "'callback_never_made', source, promise_id" }}
),

sent_to_office as {{ once }} (
    select source, call_id, customer_key, coalesce(customer_key, '') as buyer, started_at, started_on
    from {{ ref "int_calls" }}
    where redirected_to_office and started_on + {{ .CallCentre.OfficeSaleWithin }} <= {{ .AsOf }} and {{ touched "'sent_to_office', source, call_id" }}
),

purchases as (
    select customer_key, ordered_at, ordered_on from {{ ref "int_purchases" }} where customer_key in (select buyer from sent_to_office)
),

answered as (
    select source, call_id, customer_key, started_on, in_competence
    from {{ ref "int_calls" }}
    where direction = 'inbound' and disposition = 'answered' and in_competence is not null and {{ touched "'outside_competence', source, call_id" }}
),

-- An answer to a call of the customer's is no offer.
offers as {{ once }} (
    select source, call_id, customer_key, coalesce(customer_key, '') as buyer, coalesce(caller, '') as called, started_at, started_on,
        lowerUTF8(assumeNotNull(calls.product)) as product
    from {{ ref "int_calls" }} as calls
    where direction = 'outbound' and calls.product is not null and callback_of is null and {{ touched "'pitch_after_own_call', source, call_id" }}
),

own_calls as (
    select assumeNotNull(calls.caller) as caller, started_at, lowerUTF8(assumeNotNull(calls.product)) as product, callback_promised_at
    from {{ ref "int_calls" }} as calls
    where direction = 'inbound' and calls.product is not null and calls.caller is not null and calls.caller in (select called from offers)
),

-- Who was promised a call-back expects one, also when they rang again meanwhile.
promising_calls as (
    select caller, started_at, product from own_calls where callback_promised_at is not null
),

bought as {{ once }} (
    select customer_key, source, order_id, ordered_at from {{ ref "int_purchases" }} where customer_key in (select buyer from offers)
),

-- Call centres name a product by its number, its article or its name. Of all that
-- the called bought only what they were offered is looked at.
sold as (
    select bought.customer_key as customer_key, arrayJoin(names) as product, bought.ordered_at as ordered_at
    from (
        select source, order_id, arrayMap(name -> lowerUTF8(name), [coalesce(product_id, ''), coalesce(sku, ''), coalesce(name, '')]) as names
        from {{ ref "stg_shop__order_lines" }}
        where (source, order_id) in (select source, order_id from bought)
    ) as lines
    inner join bought on bought.source = lines.source and bought.order_id = lines.order_id
    where (customer_key, product) in (select buyer, product from offers)
)

select 'callback_never_made' as leak, source, promise_id as call_id, customer_key, due_on as happened_on,
    toBool(status = 'never') as is_leak, is_leak as is_affected
from promised
union all
-- Whether a sale followed tells who left already: the effect is looked for with
-- everybody who was sent.
select 'sent_to_office' as leak, sent_to_office.source, sent_to_office.call_id, sent_to_office.customer_key, sent_to_office.started_on as happened_on,
    toBool(not coalesce(purchases.ordered_on <= sent_to_office.started_on + {{ .CallCentre.OfficeSaleWithin }}, false)) as is_leak,
    true as is_affected
from sent_to_office
asof left join purchases on purchases.customer_key = sent_to_office.buyer and purchases.ordered_at > sent_to_office.started_at
union all
select 'outside_competence' as leak, source, call_id, customer_key, started_on as happened_on,
    toBool(not assumeNotNull(in_competence)) as is_leak, is_leak as is_affected
from answered
union all
select 'pitch_after_own_call' as leak, offers.source, offers.call_id, offers.customer_key, offers.started_on as happened_on,
    toBool(coalesce(own_calls.started_at >= offers.started_at - interval {{ .CallCentre.PitchWithin }} day
        and not coalesce(promising_calls.started_at >= offers.started_at - interval {{ .CallCentre.PitchWithin }} day, false), false)) as is_leak,
    is_leak as is_affected
from offers
asof left join own_calls on own_calls.caller = offers.called and own_calls.product = offers.product and own_calls.started_at < offers.started_at
asof left join promising_calls
    on promising_calls.caller = offers.called and promising_calls.product = offers.product and promising_calls.started_at < offers.started_at
union all
select 'offer_already_bought' as leak, offers.source, offers.call_id, offers.customer_key, offers.started_on as happened_on,
    toBool(coalesce(sold.ordered_at >= offers.started_at - interval {{ .CallCentre.BoughtWithin }} day, false)) as is_leak,
    is_leak as is_affected
from offers
asof left join sold on sold.customer_key = offers.buyer and sold.product = offers.product and sold.ordered_at < offers.started_at

{{ define "touched" }}
-- Both leaks of an offer are looked at together. An offer depends on what the
-- called asked for and bought before it, a caller sent to the office on what they bought
-- after it.
with

-- Most customers were never called: their orders are not looked at.
callers as (
    select assumeNotNull(customer_key) as customer_key from {{ ref "int_calls" }}
    where customer_key is not null and (direction = 'outbound' or redirected_to_office)
),

customers as (
    select customer_key from {{ changed "int_purchases" }}
    union distinct
    select customer_key from {{ ref "int_purchases" }}
    where customer_key in (select customer_key from callers) and (source, order_id) in (
        select source, order_id from {{ changed "shop.order_lines" }}
        union distinct
        select source, id as order_id from {{ changed "shop.orders" }}
    )
),

calls as (
    select source, call_id from {{ changed "int_calls" }}
    union distinct
    select source, call_id
    from {{ ref "int_calls" }}
    where customer_key in (select toNullable(customer_key) from customers)
        or (direction = 'outbound' and caller in (select caller from {{ changed "int_calls" }}))
        or (redirected_to_office and started_on + {{ .CallCentre.OfficeSaleWithin }} > {{ .SeenUntil }} and started_on + {{ .CallCentre.OfficeSaleWithin }} <= {{ .SeenLast }})
)

select arrayJoin(['sent_to_office', 'outside_competence', 'pitch_after_own_call', 'offer_already_bought']) as leak, source, call_id from calls
union all
select 'callback_never_made' as leak, source, promise_id as call_id from {{ changed "int_promises" }} where kind = 'callback'
{{ end }}
