-- int_contact_values: every e-mail address and phone number as written in each record, order, cart, touch and call, with its normal form.
-- grain: one row per source, entity, entity_id, kind and raw
-- materialized: incremental
-- key: source, entity, entity_id
-- partition_by: entity
-- order_by: (entity, source, entity_id, kind, raw)
with

mailboxes as (
    select local_part, kind as mailbox_kind from {{ ref "shared_mailboxes" }}
),

-- Different spellings of an address that reach the same mailbox.
providers as (
    select domain, same_as, ignores_dots, tag from {{ ref "mail_providers" }}
),

-- One row also when no rule is known. The project's currency tells the region
-- where the configuration does not.
dialling as (
    select
        any(trunk_prefix) as trunk_prefix,
        any(shortest) as shortest,
        any(longest) as longest,
        any(country_code) as country_code
    from {{ ref "dialling_rules" }}
    where if({{ .Region }} = '', currency = {{ .Currency }}, region = {{ .Region }})
),

shop_customers as (
    select source, 'shop.customers' as entity, customer_id as entity_id, email, phone
    from {{ ref "stg_shop__customers" }}
    where {{ touched "source, 'shop.customers', customer_id" }}
),

crm_customers as (
    select source, 'crm.customers' as entity, customer_id as entity_id, emails, phones
    from {{ ref "stg_crm__customers" }}
    where {{ touched "source, 'crm.customers', customer_id" }}
),

orders as (
    select source, 'shop.orders' as entity, order_id as entity_id, email, phone
    from {{ ref "stg_shop__orders" }}
    where (email is not null or phone is not null) and {{ touched "source, 'shop.orders', order_id" }}
),

carts as (
    select source, 'shop.carts' as entity, cart_id as entity_id, email, phone
    from {{ ref "stg_shop__carts" }}
    where (email is not null or phone is not null) and {{ touched "source, 'shop.carts', cart_id" }}
),

touches as (
    select source, 'winback.touches' as entity, touch_id as entity_id, email, phone
    from {{ ref "stg_winback__touches" }}
    where (email is not null or phone is not null) and {{ touched "source, 'winback.touches', touch_id" }}
),

-- The customer's end of the line: whoever called, or was called by us.
calls as (
    select
        source,
        'callcenter.calls' as entity,
        call_id as entity_id,
        coalesce(customer_phone, multiIf(direction = 'inbound', from_number, direction = 'outbound', to_number, null)) as phone
    from {{ ref "stg_callcenter__calls" }}
    where {{ touched "source, 'callcenter.calls', call_id" }}
),

raw_emails as (
    select source, entity, entity_id, email as raw from shop_customers
    union all
    select source, entity, entity_id, arrayJoin(arrayDistinct(emails)) as raw from crm_customers -- it may name one twice
    union all
    select source, entity, entity_id, email as raw from orders
    union all
    select source, entity, entity_id, email as raw from carts
    union all
    select source, entity, entity_id, email as raw from touches
),

raw_phones as (
    select source, entity, entity_id, phone as raw from shop_customers
    union all
    select source, entity, entity_id, arrayJoin(arrayDistinct(phones)) as raw from crm_customers
    union all
    select source, entity, entity_id, phone as raw from orders
    union all
    select source, entity, entity_id, phone as raw from carts
    union all
    select source, entity, entity_id, phone as raw from touches
    union all
    select source, entity, entity_id, phone as raw from calls
),

emails as (
    select
        source,
        entity,
        entity_id,
        assumeNotNull(raw) as written,
        replaceRegexpOne(lower(trimBoth(assumeNotNull(raw))), '^mailto:', '') as address,
        substringIndex(address, '@', 1) as local_part,
        substringIndex(address, '@', -1) as domain
    from raw_emails
    where raw != ''
),

emails_normalised as (
    select
        emails.source as source,
        emails.entity as entity,
        emails.entity_id as entity_id,
        emails.written as written,
        position(emails.local_part, coalesce(providers.tag, '')) as tagged_at,
        if(coalesce(providers.tag, '') != '' and tagged_at > 0, substring(emails.local_part, 1, tagged_at - 1), emails.local_part) as untagged,
        if(coalesce(providers.ignores_dots, false), replaceAll(untagged, '.', ''), untagged) as mailbox,
        if(providers.domain is null or mailbox = '', emails.address, concat(mailbox, '@', assumeNotNull(providers.same_as))) as value
    from emails
    left join providers on providers.domain = emails.domain
),

phones as (
    select
        source,
        entity,
        entity_id,
        assumeNotNull(raw) as written,
        -- An extension is not part of the number, nor is the (0) of +44 (0)20.
        replaceOne(replaceRegexpOne(lower(trimBoth(assumeNotNull(raw))), '(ext|доб|x|#).*$', ''), '(0)', '') as dialled,
        replaceRegexpAll(dialled, '[^0-9]', '') as digits
    from raw_phones
    where raw != ''
),

phones_normalised as (
    select
        phones.source as source,
        phones.entity as entity,
        phones.entity_id as entity_id,
        phones.written as written,
        phones.digits as digits,
        multiIf(
            startsWith(phones.dialled, '+'), concat('+', phones.digits),
            startsWith(phones.digits, '00'), concat('+', substring(phones.digits, 3)),
            dialling.country_code = '', phones.digits,
            dialling.trunk_prefix != '' and startsWith(phones.digits, dialling.trunk_prefix)
                and length(phones.digits) - length(dialling.trunk_prefix) between dialling.shortest and dialling.longest,
                concat('+', dialling.country_code, substring(phones.digits, length(dialling.trunk_prefix) + 1)),
            length(phones.digits) = dialling.longest,
                concat('+', dialling.country_code, phones.digits),
            startsWith(phones.digits, dialling.country_code)
                and length(phones.digits) - length(dialling.country_code) between dialling.shortest and dialling.longest,
                concat('+', phones.digits),
            length(phones.digits) between dialling.shortest and dialling.longest,
                concat('+', dialling.country_code, phones.digits),
            phones.digits
        ) as value
    from phones
    cross join dialling
),

usable as (
    select
        emails_normalised.source as source,
        emails_normalised.entity as entity,
        emails_normalised.entity_id as entity_id,
        'email' as kind,
        emails_normalised.written as raw,
        emails_normalised.value as value,
        coalesce(mailboxes.mailbox_kind, 'personal') as usage
    from emails_normalised
    left join mailboxes on mailboxes.local_part = substringIndex(emails_normalised.value, '@', 1)
    where match(emails_normalised.value, '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$')
    union all
    select
        source,
        entity,
        entity_id,
        'phone' as kind,
        written as raw,
        value,
        -- 0000000 and 9999999999 are typed to get past a form.
        if(length(arrayDistinct(splitByString('', substring(digits, 3)))) = 1, 'placeholder', 'personal') as usage
    from phones_normalised
    where length(digits) between 7 and 15
)

select source, entity, entity_id, kind, raw, value, usage from usable

{{ define "touched" }}
select source, 'shop.customers' as entity, id as entity_id from {{ changed "shop.customers" }}
union all
select source, 'crm.customers' as entity, id as entity_id from {{ changed "crm.customers" }}
union all
select source, 'shop.orders' as entity, id as entity_id from {{ changed "shop.orders" }}
union all
select source, 'shop.carts' as entity, id as entity_id from {{ changed "shop.carts" }}
union all
select source, 'winback.touches' as entity, id as entity_id from {{ changed "winback.touches" }}
union all
select source, 'callcenter.calls' as entity, id as entity_id from {{ changed "callcenter.calls" }}
{{ end }}
