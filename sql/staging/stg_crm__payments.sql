-- stg_crm__payments: money owed and paid, newest version of each payment.
-- grain: one row per source and payment_id
-- materialized: view
with

payments as (
    select * from {{ source "crm" "payments" }} final where not deleted
)

select
    source,
    id as payment_id,
    nullIf(trimBoth(customer_id), '') as customer_id,
    nullIf(trimBoth(order_id), '') as order_id,
    due_at,
    paid_at,
    amount,
    nullIf(upper(trimBoth(currency)), '') as currency,
    written_off
from payments
