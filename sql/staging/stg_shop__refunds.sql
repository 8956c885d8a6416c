-- stg_shop__refunds: money paid back, newest version of each refund.
-- grain: one row per source and refund_id
-- materialized: view
with

refunds as (
    select * from {{ source "shop" "refunds" }} final where not deleted
)

select
    source,
    id as refund_id,
    nullIf(trimBoth(order_id), '') as order_id,
    at as refunded_at,
    abs(amount) as amount,
    nullIf(trimBoth(reason), '') as reason
from refunds
