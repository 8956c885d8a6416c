-- stg_winback__cart_reminders: reminders about abandoned carts, newest version of each.
-- grain: one row per source and reminder_id
-- materialized: view
with

cart_reminders as (
    select * from {{ source "winback" "cart_reminders" }} final where not deleted
)

select
    source,
    id as reminder_id,
    nullIf(trimBoth(cart_id), '') as cart_id,
    at as sent_at,
    nullIf(trimBoth(channel), '') as channel,
    cost,
    opened_at,
    clicked_at
from cart_reminders
