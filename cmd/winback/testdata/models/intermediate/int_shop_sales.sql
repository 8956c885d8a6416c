-- int_shop_sales: orders of the shop that count.
-- grain: one row per source and order_id
-- materialized: incremental
-- key: source, order_id
-- changes: buyer, sold_on
-- partition_by: toYYYYMM(sold_on)
-- order_by: (sold_on, source, order_id)
select
    source,
    order_id,
    coalesce(customer_id, email, '(none)') as buyer,
    assumeNotNull(toDate(ordered_at, {{ .Timezone }})) as sold_on,
    toDecimal64(coalesce(items_total, 0), 4) as amount
from {{ ref "stg_shop__orders" }}
where ordered_at is not null and coalesce(status, '') != 'cancelled' and {{ touched "source, order_id" }}

{{ define "touched" }}
select source, id as order_id from {{ changed "shop.orders" }}
{{ end }}
