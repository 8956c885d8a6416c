-- cart_reminders_due: whom to remind of the cart they left, and for which time.
-- grain: one row per source and cart_id
-- materialized: table
-- order_by: (source, cart_id)
-- tags: carts
with

-- The day the warehouse describes ends here.
left_carts as {{ once }} (
    select
        *,
        toDateTime64(toDateTime({{ .AsOf }} + 1, {{ .Timezone }}), 6, 'UTC') as until,
        coalesce(customer_key, email, phone, concat(source, ':', cart_id)) as owner
    from {{ ref "int_carts" }}
    where ordered_at is null and left_at < until and left_at >= until - interval {{ .Carts.RemindUntil }} day
),

customers as {{ once }} (
    select customer_key, name, emails, phones, marketing_consent
    from {{ ref "int_customers" }}
    where customer_key in (select assumeNotNull(customer_key) from left_carts where customer_key is not null)
),

keys as {{ once }} (
    select source, entity, entity_id, customer_key
    from {{ ref "int_customer_keys" }}
    where customer_key in (select customer_key from customers)
),

-- One record that says no is enough.
opted_out as (
    select keys.customer_key as customer_key
    from keys
    inner join (
        select source, customer_id from {{ ref "stg_shop__customers" }}
        where not accepts_marketing and (source, customer_id) in (select source, entity_id from keys)
    ) as accounts on accounts.source = keys.source and accounts.customer_id = keys.entity_id
    where keys.entity = 'shop.customers'
    union distinct
    select keys.customer_key as customer_key
    from keys
    inner join (
        select source, customer_id from {{ ref "stg_crm__customers" }}
        where not marketing_consent and (source, customer_id) in (select source, entity_id from keys)
    ) as records on records.source = keys.source and records.customer_id = keys.entity_id
    where keys.entity = 'crm.customers'
),

last_orders as (
    select customer_key, max(ordered_at) as ordered_at
    from {{ ref "int_orders" }}
    where is_purchase and ordered_on >= {{ .AsOf }} - {{ .Carts.RemindUntil }} - 1
    group by customer_key
),

-- Of several carts of one owner the last counts.
newest as (
    select *
    from left_carts
    order by changed_at desc, source, cart_id
    limit 1 by owner
),

-- At once, from the second day, from the fifth: the number of the reminder that is
-- due, and since when.
stepped as (
    select
        *,
        multiIf(
            until < left_at + interval {{ .Carts.SecondReminder }} day, 1,
            until < left_at + interval {{ .Carts.ThirdReminder }} day, 2,
            3
        ) as step,
        left_at + interval [0, {{ .Carts.SecondReminder }}, {{ .Carts.ThirdReminder }}][step] day as since,
        left_at + interval [{{ .Carts.SecondReminder }}, {{ .Carts.ThirdReminder }}, {{ .Carts.RemindUntil }}][step] day as last_moment
    from newest
)

select
    stepped.source as source,
    stepped.cart_id as cart_id,
    stepped.customer_key as customer_key,
    customers.name as name,
    toUInt8(stepped.step) as reminder_no,
    since as due_from,
    last_moment as due_until,
    toBool(coalesce(stepped.email, customers.emails[1], '') != '') as has_email,
    if(has_email, 'email', 'phone') as channel,
    assumeNotNull(if(has_email, coalesce(stepped.email, customers.emails[1]), coalesce(stepped.phone, customers.phones[1]))) as contact,
    stepped.category as category,
    stepped.value as value,
    stepped.left_at as left_at,
    toUInt32(length(stepped.reminded_at)) as reminders_sent,
    stepped.channel as sales_channel
from stepped
left join customers on customers.customer_key = stepped.customer_key
left join last_orders on last_orders.customer_key = stepped.customer_key
where not arrayExists(x -> x >= since, stepped.reminded_at)
    and coalesce(stepped.customer_key not in (select customer_key from opted_out), true)
    and coalesce(last_orders.ordered_at < stepped.changed_at, true)
    and contact != ''
