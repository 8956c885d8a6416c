-- int_contact_owners: the customer whom an e-mail address or a phone number belongs to.
-- grain: one row per kind and value
-- materialized: incremental
-- key: kind, value
-- changes: customer_key
-- partition_by: kind
-- order_by: (kind, value)
with

contacts as (
    select record_no, kind, value
    from {{ ref "int_customer_contacts" }}
    where usage = 'personal' and {{ touched "kind, value" }}
),

keys as (
    select record_no, customer_key from {{ ref "int_customer_keys" }} where {{ in_part "record_no in (select record_no from contacts)" }}
)

-- What two customers have in common (a switchboard, the shop's own number) tells
-- neither of them.
select
    contacts.kind as kind,
    contacts.value as value,
    any(keys.customer_key) as customer_key
from contacts
inner join keys on keys.record_no = contacts.record_no
group by kind, value
having uniqExact(keys.customer_key) = 1

{{ define "touched" }}
select kind, value from {{ changed "int_customer_contacts" }}
union all
select kind, value from {{ ref "int_customer_contacts" }} where record_no in (select record_no from {{ changed "int_customer_keys" }})
{{ end }}
