-- stg_winback__touches: contacts of campaigns with customers, newest version of each.
-- grain: one row per source and touch_id
-- materialized: view
with

touches as (
    select * from {{ source "winback" "touches" }} final where not deleted
)

select
    source,
    id as touch_id,
    nullIf(trimBoth(campaign_id), '') as campaign_id,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(trimBoth(email), '') as email,
    nullIf(trimBoth(phone), '') as phone,
    at as touched_at,
    nullIf(trimBoth(channel), '') as channel,
    nullIf(trimBoth(offer), '') as offer,
    discount_pct,
    nullIf(trimBoth(coupon), '') as coupon,
    cost,
    is_control,
    nullIf(trimBoth(manager_id), '') as manager_id,
    delivered_at,
    opened_at,
    clicked_at,
    replied_at,
    nullIf(trimBoth(result), '') as result,
    nullIf(trimBoth(reason), '') as reason
from touches
