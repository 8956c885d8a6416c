-- int_silent_histories: what each customer who ever fell silent had bought until then: the base of what they are worth.
-- grain: one row per customer_key
-- materialized: incremental
-- key: customer_key
-- partition_by: sipHash64(customer_key) % 4
-- order_by: customer_key
-- tags: winback
with

silences as (
    select customer_key, purchase_no, ordered_on, revenue_12m
    from {{ ref "int_silences" }}
    where sleeps_on <= {{ .AsOf }} and {{ touched "customer_key" }}
),

purchases as (
    select customer_key, purchase_no, source, order_id, ordered_on, revenue, margin
    from {{ ref "int_purchases" }}
    where {{ touched "customer_key" }}
),

orders as (
    select source, order_id from {{ ref "int_orders" }} where coupon is not null
),

-- The silence of today, or the last one of who is back.
last_silences as (
    select customer_key, max(purchase_no) as purchase_no, max(ordered_on) as silent_from, argMax(silences.revenue_12m, silences.purchase_no) as revenue_12m
    from silences
    group by customer_key
)

-- The year up to the purchase before the silence, and the year before that.
select
    last_silences.customer_key as customer_key,
    any(last_silences.silent_from) as silent_from,
    cast(any(last_silences.revenue_12m) as Decimal(38, 4)) as revenue_12m,
    if(countIf(purchases.margin is null and purchases.ordered_on > last_silences.silent_from - 365) = 0,
        cast(sumIf(assumeNotNull(purchases.margin), purchases.margin is not null and purchases.ordered_on > last_silences.silent_from - 365)
            as Nullable(Decimal(38, 4))), null) as margin_12m,
    count() as orders,
    countIf(purchases.ordered_on > last_silences.silent_from - 365) as orders_12m,
    cast(sumIf(coalesce(purchases.revenue, toDecimal64(0, 4)), purchases.ordered_on <= last_silences.silent_from - 365
        and purchases.ordered_on > last_silences.silent_from - 730) as Decimal(38, 4)) as revenue_year_before,
    countIf((purchases.source, purchases.order_id) in (select source, order_id from orders)) as orders_with_coupon
from purchases
inner join last_silences on purchases.customer_key = last_silences.customer_key
where purchases.purchase_no <= last_silences.purchase_no
group by customer_key

{{ define "touched" }}
-- A new day brings the silences that begin on it. A coupon is the order's.
select customer_key from {{ changed "int_silences" }}
union all
select customer_key from {{ changed "int_purchases" }}
union all
select assumeNotNull(customer_key) as customer_key from {{ changed "int_orders" }} where customer_key is not null
union all
select customer_key from {{ ref "int_silences" }} where sleeps_on > {{ .SeenUntil }} and sleeps_on <= {{ .SeenLast }}
{{ end }}
