-- int_refunds: refunds as they stand, remembering which order each was of.
-- grain: one row per source and refund_id
-- materialized: incremental
-- key: source, refund_id
-- changes: order_id
-- order_by: (source, refund_id)
select source, refund_id, order_id, refunded_at, amount
from {{ ref "stg_shop__refunds" }}
where {{ touched "source, refund_id" }}

{{ define "touched" }}
select source, id as refund_id from {{ changed "shop.refunds" }}
{{ end }}
