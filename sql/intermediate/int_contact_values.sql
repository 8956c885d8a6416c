-- int_contact_values: every e-mail address and phone number as written, with its normal form.
-- grain: one row per kind and raw
-- materialized: table
-- order_by: (kind, raw)
with

mailboxes as (
    select local_part, kind as mailbox_kind from {{ ref "shared_mailboxes" }}
),

-- One row also when no rule is known for the project's currency.
dialling as (
    select
        any(trunk_prefix) as trunk_prefix,
        any(national_digits) as national_digits,
        any(country_code) as country_code
    from {{ ref "dialling_rules" }}
    where currency = {{ .Currency }}
),

raw_emails as (
    select email as raw from {{ ref "stg_shop__customers" }}
    union all
    select arrayJoin(emails) as raw from {{ ref "stg_crm__customers" }}
    union all
    select email as raw from {{ ref "stg_shop__orders" }}
),

raw_phones as (
    select phone as raw from {{ ref "stg_shop__customers" }}
    union all
    select arrayJoin(phones) as raw from {{ ref "stg_crm__customers" }}
    union all
    select phone as raw from {{ ref "stg_shop__orders" }}
),

emails as (
    select
        assumeNotNull(raw) as written,
        replaceRegexpOne(lower(trimBoth(assumeNotNull(raw))), '^mailto:', '') as value
    from raw_emails
    where raw != ''
    group by written, value
),

phones as (
    select
        assumeNotNull(raw) as written,
        -- An extension is not part of the number, nor is the (0) of +44 (0)20.
        replaceOne(replaceRegexpOne(lower(trimBoth(assumeNotNull(raw))), '(ext|доб|x|#).*$', ''), '(0)', '') as dialled,
        replaceRegexpAll(dialled, '[^0-9]', '') as digits
    from raw_phones
    where raw != ''
    group by written, dialled, digits
),

phones_normalised as (
    select
        phones.written as written,
        phones.digits as digits,
        multiIf(
            startsWith(phones.dialled, '+'), concat('+', phones.digits),
            startsWith(phones.digits, '00'), concat('+', substring(phones.digits, 3)),
            dialling.country_code = '', phones.digits,
            length(phones.digits) = dialling.national_digits,
                concat('+', dialling.country_code, phones.digits),
            dialling.trunk_prefix != '' and startsWith(phones.digits, dialling.trunk_prefix)
                and length(phones.digits) = length(dialling.trunk_prefix) + dialling.national_digits,
                concat('+', dialling.country_code, substring(phones.digits, length(dialling.trunk_prefix) + 1)),
            startsWith(phones.digits, dialling.country_code)
                and length(phones.digits) = length(dialling.country_code) + dialling.national_digits,
                concat('+', phones.digits),
            phones.digits
        ) as value
    from phones
    cross join dialling
),

usable as (
    select
        'email' as kind,
        emails.written as raw,
        emails.value as value,
        coalesce(mailboxes.mailbox_kind, 'personal') as usage
    from emails
    left join mailboxes on mailboxes.local_part = substringIndex(emails.value, '@', 1)
    where match(emails.value, '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$')
    union all
    select
        'phone' as kind,
        written as raw,
        value,
        -- 0000000 and 9999999999 are typed to get past a form.
        if(length(arrayDistinct(splitByString('', substring(digits, 3)))) = 1, 'placeholder', 'personal') as usage
    from phones_normalised
    where length(digits) between 7 and 15
)

select kind, raw, value, usage from usable
