-- int_order_totals: what the lines of each order come to.
-- grain: one row per source and order_id
-- materialized: incremental
-- key: source, order_id
-- partition_by: sipHash64(source, order_id) % 4
-- order_by: (source, order_id)
-- settings: max_bytes_before_external_group_by=200000000
with

order_lines as (
    select * from {{ ref "stg_shop__order_lines" }} where {{ touched "source, order_id" }}
),

products as (
    select source, product_id, cost, currency from {{ ref "stg_shop__products" }}
),

lines_priced as (
    select
        order_lines.source as source,
        order_lines.order_id as order_id,
        -- 38 digits: quantity times price has eight decimals and must not overflow.
        cast(order_lines.quantity as Nullable(Decimal(38, 4))) * order_lines.price
            - coalesce(order_lines.discount, toDecimal64(0, 4)) as line_total,
        order_lines.discount as discount,
        cast(order_lines.quantity as Nullable(Decimal(38, 4)))
            * coalesce(
                order_lines.cost,
                if(products.currency is null or products.currency = coalesce(order_lines.order_currency, {{ .Currency }}), products.cost, null)
            ) as line_cost
    from order_lines
    left join products on products.source = order_lines.source and products.product_id = order_lines.product_id
),

-- A total with an unknown part is unknown: the order's own amounts serve then.
totals as (
    select
        source,
        order_id,
        count() as line_count,
        if(countIf(line_total is null) = 0, sum(line_total), null) as lines_total,
        if(countIf(line_cost is null) = 0, sum(line_cost), null) as lines_cost,
        sum(coalesce(lines_priced.discount, toDecimal64(0, 4))) as lines_discount
    from lines_priced
    group by source, order_id
)

select
    source,
    order_id,
    line_count,
    cast(round(totals.lines_total, 4) as Nullable(Decimal(18, 4))) as lines_total,
    cast(round(totals.lines_cost, 4) as Nullable(Decimal(18, 4))) as lines_cost,
    cast(totals.lines_discount as Decimal(18, 4)) as lines_discount
from totals

{{ define "touched" }}
-- The currency of an order and its number of lines are the order's; what a product
-- costs counts in every order that holds it.
select source, order_id from {{ changed "shop.order_lines" }}
union all
select source, order_id from {{ source "shop" "order_lines" }} where (source, order_id) in (select source, id from {{ changed "shop.orders" }})
union all
select source, order_id from {{ source "shop" "order_lines" }}
where (source, trimBoth(assumeNotNull(product_id))) in (select source, id from {{ changed "shop.products" }})
{{ end }}
